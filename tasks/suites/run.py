"""Run one suite: yields its manifest, each result the moment the test ends, and the rest."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime

from data.records.facts import Collected, SuiteResult, TestResult
from data.records.orders import SuiteOrder
from data.rules.readers.witness_stream import WitnessStream
from tasks.suites.early import begun
from tasks.suites.ending import epilogue
from tasks.suites.files import Tail, WorkFiles
from tasks.suites.looked import Looking
from tasks.suites.proxied import run_proxied
from tasks.suites.reported import run_reported
from tasks.suites.restored import stream_of
from tasks.suites.results import ResultFiles

POLL_S = 0.05
STUCK_GRACE_S = 3.0

SuiteFact = Collected | TestResult | SuiteResult


async def run_suite(order: SuiteOrder) -> AsyncIterator[SuiteFact]:
    """Run one attempt of one suite and yield what it says, as it says it.

    `Collected` comes before the first test runs, a `TestResult` the moment each test ends; after
    the end a NOT_RUN `TestResult` for each test without a result, and last one `SuiteResult`.
    Writes to `order.work_dir` alone. However this generator ends (time-out, cancellation, the
    gate's death), no process of the suite is left. Leave it early only through
    `contextlib.aclosing`, else its processes live until the interpreter collects it.

    Of a suite with `results` the facts come as its files of results grow, the manifest at the end.
    A sick, broken or missing suite is never an exception.

    Args:
        order: `only` runs these tests alone; an `order` whose stream exists in `work_dir` (the
            same attempt, resumed) appends to it and yields only what is new.

    Raises:
        OSError: `work_dir` cannot be written, which is the gate's fault.
    """
    results = order.suite.results
    if results is None:
        facts = _run_witnessed(order)
    elif order.proxied or order.watched:
        facts = run_proxied(order, results)
    else:
        facts = run_reported(order, ResultFiles(order, results))
    async with aclosing(facts) as told:
        async for fact in told:
            yield fact


async def _run_witnessed(order: SuiteOrder) -> AsyncGenerator[SuiteFact, None]:
    """A suite that is pytest, or ends in pytest."""
    stream, tail = WitnessStream(order, Looking()), Tail(WorkFiles(order).stream)
    started_at = datetime.now(UTC)
    runner = begun(order)
    process, stuck = runner.process, ""
    try:
        while process.running:
            for fact in _new_facts(stream, tail):
                yield fact
            if not stuck and (stuck := _stuck_test(order, stream)):
                process.let_go()
            await asyncio.sleep(POLL_S)
    finally:
        await process.stop()
    for fact in _new_facts(stream, tail):
        yield fact
    for last in epilogue(order, stream, process, stuck, started_at, runner.starts):
        yield last


def read_stream(order: SuiteOrder) -> list[Collected | TestResult]:
    """What the stream of an earlier, perhaps killed, gate holds of this attempt.

    Every test that ended is in it, whether or not that gate had read it; a torn last line is not.
    A missing file is an empty list.
    """
    stream = stream_of(order)
    head = [stream.collected] if stream.collected else []
    return [*head, *stream.results.values()]


def _new_facts(stream: WitnessStream, tail: Tail) -> list[Collected | TestResult]:
    facts = [stream.feed(line) for line in tail.lines()]
    return [fact for fact in facts if fact is not None]


def _stuck_test(order: SuiteOrder, stream: WitnessStream) -> str:
    """A test that its own time-out could not end: blocked outside Python."""
    if order.test_timeout_s is None:
        return ""
    limit = time.monotonic() - order.test_timeout_s - STUCK_GRACE_S
    return next((id_ for id_, sign in stream.in_flight.items() if sign < limit), "")

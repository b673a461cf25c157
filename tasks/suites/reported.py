"""Run a suite whose runner is no pytest: what it reports in files is all that is known of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Iterator
from datetime import UTC, datetime

from data.records.facts import Collected, SuiteResult, TestResult
from data.records.orders import SuiteOrder
from data.rules.readers.runner_output import Reported, reported_reason
from tasks.suites.ending import TAIL_BYTES, suite_result
from tasks.suites.files import WorkFiles, size_bytes, tail_text
from tasks.suites.launch import Ending, Process
from tasks.suites.results import ResultFiles, not_run

_POLL_S = 0.05
_LOOK_S = 0.2
_SHARE_OF_LOOKING = 0.1  # a pattern over a big tree must not take the gate's time

ReportedFact = Collected | TestResult | SuiteResult


async def run_reported(order: SuiteOrder, found: ResultFiles) -> AsyncGenerator[ReportedFact, None]:
    """Run one attempt of one suite that writes files of results.

    A `TestResult` comes as soon as its case is whole in a file; `Collected` after the end, as no
    such runner says before what it will run. `order.only` cannot be handed on: the whole command
    runs, and only what was asked for is told.
    """
    files = WorkFiles(order)
    files.prepare(order.only)
    starts = (size_bytes(files.stdout), size_bytes(files.stderr))
    started_at = datetime.now(UTC)
    process = Process(order, files)
    try:
        async for fact in _while_running(process, found):
            yield fact
    finally:
        await process.stop()
    for fact in found.finish():
        yield fact
    for last in _epilogue(order, found, process, started_at, starts):
        yield last


async def _while_running(process: Process, found: ResultFiles) -> AsyncGenerator[TestResult, None]:
    next_look = 0.0
    while process.running:
        began = time.monotonic()
        if began >= next_look:
            for fact in found.look():
                yield fact
            took_s = time.monotonic() - began
            next_look = began + max(_LOOK_S, took_s / _SHARE_OF_LOOKING)
        await asyncio.sleep(_POLL_S)


def _epilogue(
    order: SuiteOrder,
    found: ResultFiles,
    process: Process,
    started_at: datetime,
    starts: tuple[int, int],
) -> Iterator[ReportedFact]:
    """The manifest where there is one, NOT_RUN for what is missing, the suite's own result."""
    ending = process.ending()
    if found.fresh and not order.only:
        yield found.manifest()
    for test_id, why in found.missing():
        yield not_run(order, test_id, _why(order, ending) or why)
    broken = _broken(found, process, ending, starts)
    result = suite_result(order, process, ending, broken, started_at, starts)
    yield result.model_copy(update={"output_tail": result.output_tail + _stale(found)})


def _why(order: SuiteOrder, ending: Ending) -> str:
    if ending.ended_by == "timeout":
        return f"suite timed out after {order.timeout_s:g} s during this test"
    return ""


def _broken(found: ResultFiles, process: Process, ending: Ending, starts: tuple[int, int]) -> str:
    files = process.files
    return reported_reason(
        Reported(
            exit_code=ending.exit_code if ending.ended_by == "itself" else None,
            start_error=ending.error,
            pattern=found.pattern,
            n_files=len(found.fresh),
            stale=tuple(found.stale),
            faults=tuple(found.faults),
            stdout=tail_text(files.stdout, starts[0], TAIL_BYTES),
            stderr=tail_text(files.stderr, starts[1], TAIL_BYTES),
        )
    )


def _stale(found: ResultFiles) -> str:
    """Files that match but are from before: they were not read, and the report says so."""
    stale = found.stale
    return f"\n[gate] not read, from before the start: {', '.join(stale[:5])}" if stale else ""

"""One suite or probe, tried: what became of each of its tests, without recording it as a result."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime
from typing import TypeVar, cast

from data.records.facts import ProbeResult, SuiteResult, TestResult
from data.records.orders import ProbeOrder, SuiteOrder
from data.records.words import Outcome
from data.rules.outcomes import RED
from data.rules.sensitivity import Seen, Trial
from tasks.probes.run import run_probe
from tasks.suites.run import run_suite

TIMED_OUT = "timed out after"  # how the witness begins the message of a test it cut off

F = TypeVar("F")


async def try_suite(order: SuiteOrder, control: str) -> Trial:
    """Run a suite once and keep the last result of each test."""
    results: dict[str, Seen] = {}
    broken = ""
    async with aclosing(_closable(run_suite(order))) as facts:
        async for fact in facts:
            if isinstance(fact, TestResult):
                results[fact.test_id] = _seen(fact)
            elif isinstance(fact, SuiteResult):
                broken = fact.broken
    return Trial(control=control, results=results, broken=bool(broken), at=datetime.now(UTC))


async def try_probe(order: ProbeOrder, control: str) -> Trial:
    """Run a probe once; its one result stands under the empty id."""
    results: dict[str, Seen] = {}
    async with aclosing(_closable(run_probe(order))) as facts:
        async for fact in facts:
            if isinstance(fact, ProbeResult):
                took_s = fact.duration_s
                results[""] = Seen(outcome=fact.outcome, touched=True, duration_s=took_s)
    return Trial(control=control, results=results, at=datetime.now(UTC))


def _closable(facts: AsyncIterator[F]) -> AsyncGenerator[F, None]:
    """Both producers are generators: left early, they end their processes only when closed."""
    return cast("AsyncGenerator[F, None]", facts)


def _seen(result: TestResult) -> Seen:
    touched = None if result.outcome is Outcome.NOT_RUN else result.witnessed
    took_s = (result.duration_ms or 0.0) / 1000
    cut = result.outcome in RED and result.message.startswith(TIMED_OUT)
    return Seen(outcome=result.outcome, touched=touched, cut=cut, duration_s=took_s)

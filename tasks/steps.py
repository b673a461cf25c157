"""The steps of a validation as Prefect tasks.

Each pipes a producer into the recorder and ends in a state whose name is the outcome, so that
what failed looks failed in the UI. A red state is a value here, never an exception.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.logging import get_run_logger
from prefect.states import Completed, Failed

from data.records.facts import (
    DeployResult,
    Fact,
    HealthReading,
    ProbeResult,
    RevisionReading,
    TestResult,
)
from data.records.orders import ProbeOrder, SuiteOrder
from data.records.verdict import Verdict
from data.records.words import HealthState, Outcome
from tasks.probes.run import run_probe
from tasks.suites.run import run_suite

Record = Callable[[Fact], None]
Reading = Callable[[], Awaitable[list[Fact]]]
_GOOD = (Outcome.PASS, Outcome.SKIPPED, Outcome.FLAKY)
_MAX_LOG_LINES = 200


def state_of(good: bool, name: str, message: str) -> State[Any]:
    """Completed or Failed, named after the outcome."""
    make = Completed if good else Failed
    return make(name=name, message=message)


@task(name="deploy", cache_policy=NO_CACHE)
async def deploy_step(deploy: Callable[[], Awaitable[DeployResult]]) -> State[Any]:
    """Deploy; FAIL when the revision does not start."""
    result = await deploy()
    get_run_logger().info("%s: %s\n%s", result.outcome, result.message, result.log_tail)
    return state_of(result.outcome in _GOOD, result.outcome, result.message)


@task(name="health", cache_policy=NO_CACHE)
async def health_step(read: Reading) -> State[Any]:
    """All services at once; red when one of them is not healthy."""
    readings = [r for r in await read() if isinstance(r, HealthReading)]
    for one in readings:
        get_run_logger().info("%s is %s: %s", one.service, one.state, one.message)
    sick = [f"{r.service} {r.state}" for r in readings if r.state is not HealthState.HEALTHY]
    name = "unhealthy" if sick else "healthy"
    return state_of(not sick, name, ", ".join(sick) or f"{len(readings)} services")


@task(name="fence", cache_policy=NO_CACHE)
async def fence_step(read: Reading) -> State[Any]:
    """Which revisions answer; red when not the expected one, alone."""
    readings = [r for r in await read() if isinstance(r, RevisionReading)]
    for one in readings:
        get_run_logger().info(
            "%s: expected %s, seen %s %s",
            one.service,
            one.expected,
            ", ".join(one.seen) or "nothing",
            one.error,
        )
    wrong = [r.service for r in readings if not as_expected(r)]
    return state_of(not wrong, "moved" if wrong else "steady", ", ".join(wrong))


def as_expected(reading: RevisionReading) -> bool:
    """One revision answered, and it is the expected one where one is known."""
    return len(reading.seen) == 1 and reading.expected in (None, reading.seen[0])


@task(name="suite", cache_policy=NO_CACHE)
async def suite_step(order: SuiteOrder, record: Record) -> State[Any]:
    """One attempt of one suite; its tests are recorded as they end."""
    tests = [f async for f in piped(run_suite(order), record) if isinstance(f, TestResult)]
    _log_tests(tests)
    counts = Counter(t.outcome for t in tests)
    good = bool(tests) and all(t.outcome in _GOOD for t in tests)
    said = ", ".join(f"{n} {outcome}" for outcome, n in counts.items()) or "no tests"
    return state_of(good, "green" if good else "red", said)


@task(name="probe", cache_policy=NO_CACHE)
async def probe_step(order: ProbeOrder, record: Record) -> State[Any]:
    """One probe; its samples are recorded as they are measured."""
    outcome, message = Outcome.NOT_RUN, ""
    async for fact in piped(run_probe(order), record):
        if isinstance(fact, ProbeResult):
            outcome, message = fact.outcome, fact.message
    get_run_logger().info("%s: %s", outcome, message)
    return state_of(outcome in _GOOD, outcome, message)


@task(name="audit", cache_policy=NO_CACHE)
async def audit_step(work: Callable[[], Awaitable[str]]) -> State[Any]:
    """One suite or probe under every control; what came of it is evidence and not a failure."""
    said = await work()
    get_run_logger().info(said)
    return state_of(True, "audited", said)


@task(name="upkeep", cache_policy=NO_CACHE)
async def upkeep_step(work: Callable[[], Awaitable[str]]) -> str:
    """One piece of upkeep; what it says goes to the log."""
    said = await work()
    get_run_logger().info(said)
    return said


@task(name="verdict", cache_policy=NO_CACHE)
async def verdict_step(verdict: Verdict) -> State[Any]:
    """Say the verdict; its state is green only where it approves."""
    get_run_logger().info("%s\n%s", verdict.rule, "\n".join(verdict.reasons))
    return state_of(verdict.verdict.approves, verdict.verdict, verdict.rule)


async def piped(producer: AsyncIterator[Fact], record: Record) -> AsyncIterator[Fact]:
    """Each fact, after it was recorded."""
    async for fact in producer:
        record(fact)
        yield fact


def _log_tests(tests: Iterable[TestResult]) -> None:
    logger, ranked = get_run_logger(), sorted(tests, key=lambda t: t.outcome is Outcome.PASS)
    for test in ranked[:_MAX_LOG_LINES]:
        time = "" if test.duration_ms is None else f" {test.duration_ms:.0f} ms"
        logger.info("%s %s%s %s", test.outcome, test.test_id, time, test.message)
    if len(ranked) > _MAX_LOG_LINES:
        logger.info("… and %d more", len(ranked) - _MAX_LOG_LINES)

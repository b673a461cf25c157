"""One phase: its suites beside its probes, within the cores and the resource groups."""

from __future__ import annotations

import asyncio
import os
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime

from data.records.facts import PhaseResult, TestResult
from data.records.orders import SuiteOrder
from data.records.plan import Phase, Suite
from data.records.probe_plan import ProbePlan
from data.records.words import Outcome
from data.rules.outcomes import RED, final_outcomes
from flows.session import Session
from flows.settled import settled
from tasks.clock import now
from tasks.steps import probe_step, suite_step
from tasks.suites.run import read_stream


class Places:
    """So many workers, and one holder of each resource group at a time."""

    def __init__(self, workers: int) -> None:
        self._workers = asyncio.Semaphore(workers)
        self._groups: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    @asynccontextmanager
    async def hold(self, group: str | None, worker: bool) -> AsyncIterator[None]:
        """Wait for the group first: a worker must never wait while others could use it."""
        async with AsyncExitStack() as stack:
            if group is not None:
                await stack.enter_async_context(self._groups[group])
            if worker:
                await stack.enter_async_context(self._workers)
            yield


async def run_phase(session: Session, phase: Phase, ordinal: int) -> None:
    """Run what the phase still lacks, and record when it began and ended."""
    earlier = {p.phase: p.started_at for p in session.found.phases}
    started = earlier.get(phase.id) or now()  # a resumed phase began when it first began
    places = Places(phase.workers or os.cpu_count() or 1)
    async with asyncio.TaskGroup() as group:
        for suite in phase.suites:
            group.create_task(_suite(session, phase, suite, places))
        for probe in phase.probes:
            group.create_task(_probe(session, phase, probe, places))
    session.record(_ended(session, phase, ordinal, started=True, at=started))


def skip_phase(session: Session, phase: Phase, ordinal: int, reason: str) -> None:
    """Record that a phase was not run, and why."""
    session.record(_ended(session, phase, ordinal, started=False, reason=reason))


def _ended(
    session: Session,
    phase: Phase,
    ordinal: int,
    started: bool,
    at: datetime | None = None,
    reason: str = "",
) -> PhaseResult:
    return PhaseResult(
        run_id=session.wired.run_id,
        phase=phase.id,
        ordinal=ordinal,
        priority=phase.priority,
        started_at=at,
        finished_at=now() if started else None,
        reason=reason,
    )


async def _suite(session: Session, phase: Phase, suite: Suite, places: Places) -> None:
    async with places.hold(suite.resource_group, worker=True):
        first = await _first_order(session, phase, suite)
        if first is not None:
            await _attempt(session, phase, first)
        for attempt in range(2, suite.retries + 2):
            red = _red(session, phase, suite)
            if not red:
                return
            await _attempt(session, phase, session.wired.suite_order(phase, suite, attempt, red))


async def _attempt(session: Session, phase: Phase, order: SuiteOrder) -> None:
    # The priority is in the name and not a tag: for a tagged task run Prefect asks its server for
    # a concurrency slot, and on SQLite under load that answers 503 and waits 2 s.
    again = f" attempt {order.attempt}" if order.attempt > 1 else ""
    step = suite_step.with_options(
        name=f"suite {order.suite.id}",
        task_run_name=f"{phase.priority} {phase.id}/{order.suite.id}{again}",
    )
    await settled(step, order, session.record)


async def _first_order(session: Session, phase: Phase, suite: Suite) -> SuiteOrder | None:
    """The first attempt: all tests, or on resume those without a result, or none."""
    order = session.wired.suite_order(phase, suite)
    if not session.wired.request.resume:
        return order
    for fact in read_stream(order):  # what ended although the killed gate had not read it
        session.record(fact)
    evidence = session.recorder.evidence()
    key = (phase.id, suite.id)
    manifest = next((c.test_ids for c in evidence.collected if (c.phase, c.suite) == key), None)
    if manifest is None:
        return order
    missing = _without_result(manifest, _tests(session, phase, suite))
    return order.model_copy(update={"only": missing}) if missing else None


def _without_result(manifest: Iterable[str], tests: Iterable[TestResult]) -> tuple[str, ...]:
    ended = {t.test_id for t in tests if t.outcome is not Outcome.NOT_RUN}
    return tuple(name for name in manifest if name not in ended)


def _red(session: Session, phase: Phase, suite: Suite) -> list[str]:
    """Tests whose last attempt is red, and that a fresh process can try again."""
    finals = final_outcomes(_tests(session, phase, suite))
    return [key[2] for key, f in finals.items() if f.outcome in RED and f.last.stage != "collect"]


def _tests(session: Session, phase: Phase, suite: Suite) -> list[TestResult]:
    tests = session.recorder.evidence().tests
    return [t for t in tests if (t.phase, t.suite) == (phase.id, suite.id)]


async def _probe(session: Session, phase: Phase, probe: ProbePlan, places: Places) -> None:
    seen = {(p.phase, p.probe) for p in session.found.probes if p.outcome is not Outcome.NOT_RUN}
    if (phase.id, probe.id) in seen:
        return
    async with places.hold(probe.resource_group, worker=False):
        step = probe_step.with_options(
            name=f"probe {probe.id}",
            task_run_name=f"{phase.priority} {phase.id}/{probe.id}",
        )
        order = session.wired.probe_order(phase, probe)
        await settled(step, order, session.record)

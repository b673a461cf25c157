"""One phase: its suites beside its probes, within the cores and the resource groups."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial

from data.records.facts import Collected, Fact, PhaseResult, TestResult
from data.records.orders import SuiteOrder
from data.records.plan import Phase, Suite
from data.records.probe_plan import ProbePlan
from data.records.words import Outcome
from data.rules.fail_fast import settled_because
from data.rules.outcomes import RED, final_outcomes
from data.rules.schedule import starting_order
from flows.places import Places
from flows.session import Session
from flows.settled import settled
from flows.shards import Paces, jobs_of, name_of, shard_orders, share_of, united
from tasks.clock import now
from tasks.steps import probe_step, suite_step
from tasks.suites.early import send_away, start_early
from tasks.suites.restored import restored_result, was_started
from tasks.suites.run import read_stream

_NOT_RUN = Outcome.NOT_RUN


async def run_phase(session: Session, phase: Phase, ordinal: int) -> None:
    """Run what the phase still lacks, and record when it began and ended."""
    earlier = {p.phase: p.started_at for p in session.found.phases}
    started = earlier.get(phase.id) or now()  # a resumed phase began when it first began
    run = _PhaseRun(session, phase, await session.paces())
    await run.everything()
    session.record(_ended(session, phase, ordinal, started=True, at=started, reason=run.stopped))


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


class _PhaseRun:
    """The work of one phase. `stopped` says why its rest was left out, "" while it goes on."""

    def __init__(self, session: Session, phase: Phase, paces: Paces) -> None:
        self.session, self.phase, self.paces = session, phase, paces
        workers = phase.workers or os.cpu_count() or 1
        self.places = Places(workers)
        self.orders = {s.id: shard_orders(session, phase, s, paces, workers) for s in phase.suites}
        mine = (c for c in session.found.collected if c.phase == phase.id)
        self.manifests: dict[str, Collected] = {c.suite: c for c in mine}
        self.work: list[asyncio.Task[None]] = []
        self.stopped = ""

    async def everything(self) -> None:
        """Suites longest first, beside the probes."""
        if self.session.wired.request.resume:
            self._read_back()
        self._look()
        if not self.stopped:
            await self._start()
        if self.stopped:
            self._tell_what_did_not_run()

    async def _start(self) -> None:
        shards = [order for orders in self.orders.values() for order in orders]
        first = starting_order(list(jobs_of(self.phase, shards, self.paces)))
        rank = {name: place for place, name in enumerate(first)}
        ends = sorted(
            self.phase.suites, key=lambda s: min(rank[name_of(o)] for o in self.orders[s.id])
        )
        async with asyncio.TaskGroup() as group:
            for suite in ends:
                self.work.append(group.create_task(self._suite(suite, rank)))
            for probe in self.phase.probes:
                self.work.append(group.create_task(self._probe(probe)))

    # --- suites

    async def _suite(self, suite: Suite, rank: dict[str, int]) -> None:
        orders = self.orders[suite.id]
        await self._shards(orders, rank)
        for attempt in range(2, suite.retries + 2):
            red = self._red(suite, attempt)
            if not red:
                return
            order = self.session.wired.suite_order(self.phase, suite, attempt, red)
            await self._attempt(order, min(rank[name_of(o)] for o in orders))

    async def _shards(self, orders: tuple[SuiteOrder, ...], rank: dict[str, int]) -> None:
        if len(orders) == 1:  # its retry then comes before those that wait with a higher rank
            return await self._shard(orders[0], rank[name_of(orders[0])])
        async with asyncio.TaskGroup() as group:
            for order in orders:
                group.create_task(self._shard(order, rank[name_of(order)]))
        return None

    async def _shard(self, order: SuiteOrder, rank: int) -> None:
        left = self._left(order)
        if left is not None:
            await self._attempt(left, rank)

    async def _attempt(self, order: SuiteOrder, rank: int) -> None:
        # The priority is in the name and not a tag: for a tagged task run Prefect asks its server
        # for a concurrency slot, and on SQLite under load that answers 503 and waits 2 s.
        again = f" attempt {order.attempt}" if order.attempt > 1 else ""
        step = suite_step.with_options(
            name=f"suite {order.suite.id}",
            task_run_name=f"{self.phase.priority} {self.phase.id}/{name_of(order)}{again}",
        )
        early = partial(start_early, order)
        try:
            async with self.places.hold(order.suite.resource_group, True, rank, early) as place:
                await settled(step, order, self._until_last(order, place.rest))
        finally:
            await send_away(order)

    def _until_last(self, order: SuiteOrder, rest: Callable[[], None]) -> Callable[[Fact], None]:
        """Records, and lets the next suite begin when the last test of this one has ended."""
        left: set[str] | None = set(order.only) or None

        def record(fact: Fact) -> None:
            nonlocal left
            self._record(fact)
            if isinstance(fact, Collected) and not order.only:
                left = set(share_of(order, fact.test_ids))
            if isinstance(fact, TestResult) and left is not None:
                left.discard(fact.test_id)
                if not left:
                    rest()

        return record

    def _red(self, suite: Suite, attempt: int) -> list[str]:
        """Tests that are red, that a fresh process can try again, and that this one has not."""
        tests = self._tests(suite.id)
        tried = {t.test_id for t in tests if t.attempt >= attempt and t.outcome is not _NOT_RUN}
        red = [f for f in final_outcomes(tests).values() if f.outcome in RED]
        return [
            f.last.test_id for f in red if f.last.stage != "collect" and f.last.test_id not in tried
        ]

    def _tests(self, suite: str) -> list[TestResult]:
        tests = self.session.recorder.evidence().tests
        return [t for t in tests if (t.phase, t.suite) == (self.phase.id, suite)]

    # --- what an earlier, killed gate has left

    def _read_back(self) -> None:
        """What ended although the killed gate had not read it: every shard before any runs."""
        for suite in self.phase.suites:
            again = range(2, suite.retries + 2)
            retries = [self.session.wired.suite_order(self.phase, suite, n) for n in again]
            for order in (*self.orders[suite.id], *retries):
                for fact in read_stream(order):
                    self._record(fact)

    def _left(self, order: SuiteOrder) -> SuiteOrder | None:
        """All tests, or on resume those without a result, or none."""
        manifest = self.manifests.get(order.suite.id)
        if not self.session.wired.request.resume or manifest is None:
            return order
        missing = _without_result(share_of(order, manifest.test_ids), self._tests(order.suite.id))
        if missing:
            return order.model_copy(update={"only": missing})
        self._restore(order)  # the gate may have been killed after the last test
        return None

    def _restore(self, order: SuiteOrder) -> None:
        """The end of a process that nobody told, or that a later process of the attempt undid."""
        key = (self.phase.id, order.suite.id, order.attempt, order.shard)
        suites = self.session.recorder.evidence().suites
        told = [s for s in suites if (s.phase, s.suite, s.attempt, s.shard) == key]
        unknown = told and told[-1].exit_code is None and was_started(order)
        if unknown or not told:
            self._record(restored_result(order))

    # --- recording, and stopping early

    def _record(self, fact: Fact) -> None:
        if isinstance(fact, Collected):
            if len(self.orders[fact.suite]) > 1:
                fact = united(self.manifests.get(fact.suite), fact)
            self.manifests[fact.suite] = fact
        self.session.record(fact)
        if getattr(fact, "outcome", None) is Outcome.FAIL:
            self._look()

    def _look(self) -> None:
        """Stop what runs and what waits, once the plan wants that and nothing can change."""
        if not self.phase.fail_fast or self.stopped:
            return
        evidence = self.session.recorder.evidence()
        quarantine = self.session.wired.plan.quarantine
        self.stopped = settled_because(self.phase, evidence.tests, evidence.probes, quarantine)
        for task in self.work if self.stopped else ():
            task.cancel()

    def _tell_what_did_not_run(self) -> None:
        for suite in self.phase.suites:
            self._tell(suite)

    def _tell(self, suite: Suite) -> None:
        """A row for each test that is known and has none, and the result of what was stopped."""
        manifest = self.manifests.get(suite.id)
        pace = self.paces.get(f"{self.phase.id}/{suite.id}")
        known = manifest.test_ids if manifest else tuple(pace.tests_s if pace else suite.expect.ids)
        heard = {t.test_id for t in self._tests(suite.id)}
        for test_id in known:
            if test_id not in heard:
                self.session.record(self._not_run(suite, test_id))
        for order in self.orders[suite.id]:
            if was_started(order):
                self._restore(order)

    def _not_run(self, suite: Suite, test_id: str) -> TestResult:
        return TestResult(
            run_id=self.session.wired.run_id,
            phase=self.phase.id,
            suite=suite.id,
            test_id=test_id,
            outcome=Outcome.NOT_RUN,
            message=f"the phase fails fast: {self.stopped}",
            at=now(),
        )

    # --- probes

    async def _probe(self, probe: ProbePlan) -> None:
        found = self.session.found.probes
        seen = {(p.phase, p.probe) for p in found if p.outcome is not Outcome.NOT_RUN}
        if (self.phase.id, probe.id) in seen:
            return
        step = probe_step.with_options(
            name=f"probe {probe.id}",
            task_run_name=f"{self.phase.priority} {self.phase.id}/{probe.id}",
        )
        order = self.session.wired.probe_order(self.phase, probe)
        async with self.places.hold(probe.resource_group, worker=False):
            await settled(step, order, self._record)


def _without_result(manifest: Iterable[str], tests: Iterable[TestResult]) -> tuple[str, ...]:
    ended = {t.test_id for t in tests if t.outcome is not Outcome.NOT_RUN}
    return tuple(name for name in manifest if name not in ended)

"""One process's part of a load: starts executions on time and lets each walk its journey."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Coroutine
from itertools import count
from time import perf_counter
from typing import Any

from data.records.facts import Failure
from data.records.load import Arrivals, LoadTerms, Users
from data.records.load_figures import SoakFigures
from data.records.load_order import LoadEnd, LoadOrder, LoadProgress
from data.records.probe_plan import HttpProbe, JourneyProbe
from data.records.trace import Span
from data.rules.load.schedule import share_of, starts_of
from data.rules.metrics import main_metric
from tasks.probes.journey import Report, Walker
from tasks.probes.load.alarm import Alarm
from tasks.probes.load.ledger import Ledger
from tasks.probes.load.stay import Stayer
from tasks.probes.load.watch import Watch
from tasks.probes.wire import WireClient

CONNECTS_PER_S = 200.0  # users of the closed model come one after the other, not as one crowd
_PROGRESS_S = 0.5
_PER_PART = 10_000_000  # ordinals of one process, so that those of several never meet


class Generator:
    """Runs the stages of one `LoadOrder`.

    Args:
        start_s: when the load starts, of perf_counter, the same moment in all processes.
        say: hears how far it is.
    """

    def __init__(self, given: LoadOrder, terms: LoadTerms, start_s: float,
                 say: Callable[[LoadProgress], None]) -> None:  # fmt: skip
        self._given, self._terms, self._say = given, terms, say
        self._probe: HttpProbe | JourneyProbe = given.order.probe
        self._start_s = start_s
        self._ordinals = count(given.part * _PER_PART)
        self._most = max(1, share_of(terms.most_in_flight, given.part, given.parts))
        main = main_metric(self._probe)
        self.ledger = Ledger(len(terms.stages), given.most_samples, main)
        self.watch = Watch()
        self._client = WireClient()
        names = {"run_id": given.order.run_id, **given.order.variables}
        self._walker = Walker(self._probe, names, self._client)
        self._stage = 0
        self._trace: tuple[Span, ...] = ()
        self._tasks: set[asyncio.Task[None]] = set()
        self._n_under_way = 0
        self._soak: Counter[str] = Counter()
        self._free = asyncio.Event()
        self._error: BaseException | None = None

    async def run(self) -> LoadEnd:
        """The whole part. Executions that outlast the drain are cut off and count as failed.

        Raises:
            UsageError: the plan asks for what cannot be done.
        """
        watchers = [asyncio.create_task(self.watch.look()), asyncio.create_task(self._tell())]
        try:
            async with asyncio.timeout(self._longest_s()):
                self.watch.start()
                await (self._open_model() if self._terms.is_open else self._closed_model())
        except TimeoutError:
            pass
        finally:
            await self._cut_off()
            for task in watchers:
                task.cancel()
            await asyncio.gather(*watchers, return_exceptions=True)
            self._client.close()
        if self._error:
            raise self._error
        ledger = self.ledger
        return LoadEnd(
            stages=ledger.told(), watch=self.watch.told(), failures=ledger.failures(),
            samples=ledger.samples(), seconds=ledger.seconds(), trace=self._trace,
            soak=SoakFigures(**self._soak) if self._terms.soak else None,
        )  # fmt: skip

    def _longest_s(self) -> float:
        wait_s = max(0.0, self._start_s - perf_counter())
        return wait_s + self._terms.duration_s + self._terms.drain * self._n_drains()

    def _n_drains(self) -> int:
        return 1 if self._terms.is_open else len(self._terms.stages)

    async def _tell(self) -> None:
        while True:
            await asyncio.sleep(_PROGRESS_S)
            self._say(self.ledger.progress(perf_counter() - self._start_s, self._stage))

    async def _open_model(self) -> None:
        """Start by the schedule. What has to wait for a place is late by the target's doing."""
        stages = [stage for stage in self._terms.stages if isinstance(stage, Arrivals)]
        for number, stage in enumerate(stages):
            self.ledger.stages[number].duration_s = stage.duration
        with Alarm() as alarm:
            for number, offset_s in starts_of(stages, self._given.part, self._given.parts):
                if self._error or (number != self._stage and self._ends_at(number - 1)):
                    break
                self._stage = number
                intended_s = ready_s = self._start_s + offset_s
                await alarm.until(intended_s)
                if self._n_under_way >= self._most:
                    await self._place()
                    ready_s = perf_counter()
                self.ledger.stages[number].n_intended += 1
                self.watch.late.add(max(0.0, perf_counter() - ready_s) * 1000)
                self._begins(number)
                self._spawn(self._execute(number, intended_s))
        await self._all_ended(list(self._tasks))

    def _ends_at(self, stage: int) -> bool:
        """Whether a ladder ends with this stage; each process judges by what it has seen."""
        told = self.ledger.stages[stage]
        is_bad = told.n > 0 and told.n_failed / told.n > self._terms.fails_at
        return self._terms.stop_at_failure and is_bad

    async def _place(self) -> None:
        while self._n_under_way >= self._most:
            self._free.clear()
            await self._free.wait()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self._error = self._error or error
        self._free.set()

    async def _execute(self, stage: int, intended_s: float | None) -> None:
        """One execution. One that is cut off never ended, so it counts as failed."""
        ordinal = next(self._ordinals)
        began_s = perf_counter() if intended_s is None else intended_s
        try:
            report = await self._walker.walk(ordinal, intended_s)
        except asyncio.CancelledError:
            said = f"did not end within {self._terms.drain:g} s after the load"
            lost = Failure(ordinal=ordinal, step="", signature="timeout/drain", message=said)
            self.ledger.lost(stage, lost)
            raise
        finally:
            self._n_under_way -= 1
        self._ends(stage, ordinal, began_s, report)

    def _ends(self, stage: int, ordinal: int, began_s: float, report: Report) -> None:
        self.ledger.ends(stage, ordinal, began_s - self._start_s, report)
        if not report.moments:
            return
        if not self._trace or (report.cause and self._trace[-1].ok):
            self._trace = report.trace(self._probe)

    def _begins(self, stage: int) -> None:
        self._n_under_way += 1
        self.ledger.begins(stage)

    async def _closed_model(self) -> None:
        """One stage after the other; its users leave when their last execution has ended."""
        await asyncio.sleep(max(0.0, self._start_s - perf_counter()))
        for number, stage in enumerate(s for s in self._terms.stages if isinstance(s, Users)):
            if number and self._ends_at(number - 1):
                return
            self._stage, began_s = number, perf_counter()
            n = share_of(stage.users, self._given.part, self._given.parts)
            pause_s = min(1 / CONNECTS_PER_S, stage.duration / 4 / max(1, n))
            until_s = began_s + stage.duration
            begins_s = [began_s + i * pause_s for i in range(n)]
            users = [self._spawn(self._user(number, at_s, until_s)) for at_s in begins_s]
            await self._all_ended(users)
            self.ledger.stages[number].duration_s = perf_counter() - began_s

    async def _user(self, stage: int, begins_s: float, until_s: float) -> None:
        if self._terms.soak:
            user = Stayer(self._walker, self._terms.soak, self.ledger, stage, self._ordinals,
                          self._soak, self._ends)  # fmt: skip
            await user.stay(begins_s, until_s, self._terms.drain / 2)
            return
        await asyncio.sleep(max(0.0, begins_s - perf_counter()))
        while perf_counter() < until_s and self._error is None:
            self._begins(stage)
            await self._execute(stage, None)

    async def _all_ended(self, tasks: Collection[asyncio.Task[None]]) -> None:
        """Wait for them, or for the first error."""
        while tasks and self._error is None:
            _, tasks = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)

    async def _cut_off(self) -> None:
        """End what still runs."""
        left = list(self._tasks)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

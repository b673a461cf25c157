"""One run in progress: its steps in reach of the flow, each done once.

Deploying and waiting for health need no Prefect server, so a command-line run begins them while
the server boots; the flow's tasks then wait for what is already under way.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

from data.records.evidence import Evidence, History, SuitePace
from data.records.facts import DeployResult, Fact, HealthReading, RevisionReading
from data.records.plan import Service
from data.records.words import HealthState, Outcome
from data.store.warehouse import Warehouse
from flows.wiring import Wired, warehouse_path
from tasks.health import check_health, read_revisions
from tasks.publish.printer import Printer
from tasks.record import Recorder

T = TypeVar("T")
_END_PATIENCE_S = 5.0
_STOPS = (HealthState.DOWN, HealthState.UNKNOWN)


def _nothing(_: str) -> None:
    """Nobody listens."""


class Session:
    """The steps before the phases, and the fence between them."""

    def __init__(
        self, wired: Wired, recorder: Recorder, say: Callable[[str], None] | None = None
    ) -> None:
        self.wired, self.recorder = wired, recorder
        self.record = recorder.record
        self.say = say or _nothing
        self.deployer = wired.deployer()
        self.found: Evidence = recorder.evidence()  # what an earlier try of this run has seen
        self.history = History()  # what the judge read of it, so that reports show the same
        self.printer = Printer()
        self._begun: dict[str, asyncio.Future[object]] = {}

    def begin(self) -> None:
        """Start deploying and waiting for health now, beside whatever comes first."""
        self.printer.start()
        self._once("gate", self._gate)
        self._once("paces", self._paces)

    async def abandon(self) -> None:
        """Cancel what was begun and not awaited."""
        self.printer.close()
        for work in self._begun.values():
            work.cancel()
        await asyncio.gather(*self._begun.values(), return_exceptions=True)

    async def deploy(self) -> DeployResult:
        """The deploy, after one look at the health before it. Once a run, resumed or not."""
        return await self._once("deploy", self._deploy)

    async def gate(self) -> list[Fact]:
        """The health gate; empty when the deploy did not succeed."""
        return await self._once("gate", self._gate)

    async def paces(self) -> dict[str, SuitePace]:
        """How long suites took in earlier runs; what cannot be read is not known."""
        return await self._once("paces", self._paces)

    async def _paces(self) -> dict[str, SuitePace]:
        plan, store = self.wired.plan, Warehouse(warehouse_path(self.wired.request.warehouse), 2.0)
        return await asyncio.to_thread(store.paces, plan.plan, plan.environment, self.wired.run_id)

    async def fence(self, stage: str) -> list[Fact]:
        """Read the revisions back."""
        expected = (await self.deploy()).revisions
        readings = read_revisions(
            self.wired.run_id,
            stage,
            self.wired.plan.services,
            expected,
            self.wired.plan.fence_reads,
        )
        return await self._recorded(readings)

    async def look(self, stage: str) -> list[Fact]:
        """One look at the health of all services."""
        return await self._health(stage, self.wired.plan.services, patient=False)

    async def look_at_end(self) -> list[Fact]:
        """Health after the phases; a short patience, so that one lost answer holds nobody up."""
        gate = self.wired.plan.health
        short = gate.model_copy(update={"deadline": min(gate.deadline, _END_PATIENCE_S)})
        services = self.wired.plan.services
        return await self._recorded(
            check_health(self.wired.run_id, "end", services, short, patient=True)
        )

    async def look_at_target(self, revision: str) -> list[Fact]:
        """Health of the revision that a rollback would restore, read at its own address."""
        urls = await self.deployer.retained(revision)
        kept = {
            name: service.model_copy(update={"url": urls[name]})
            for name, service in self.wired.plan.services.items()
            if name in urls
        }
        return await self._health("target", kept, patient=True) if kept else []

    def blocked(self, facts: list[Fact]) -> str:
        """Why nothing after the health gate would mean anything, or ""."""
        down = [f for f in facts if isinstance(f, HealthReading) and f.state in _STOPS]
        return "; ".join(f"{f.service} is {f.state}: {f.message}" for f in down)

    async def _deploy(self) -> DeployResult:
        earlier = self.found.deploy
        if earlier is not None and earlier.outcome in (Outcome.PASS, Outcome.SKIPPED):
            return earlier
        await self.look("before")
        result = await self.deployer.deploy()
        self.record(result)
        return result

    async def _gate(self) -> list[Fact]:
        if (await self.deploy()).outcome not in (Outcome.PASS, Outcome.SKIPPED):
            return []
        return await self._health("gate", self.wired.plan.services, patient=True)

    async def _health(self, stage: str, services: dict[str, Service], patient: bool) -> list[Fact]:
        gate = self.wired.plan.health
        return await self._recorded(check_health(self.wired.run_id, stage, services, gate, patient))

    async def _recorded(
        self, facts: AsyncIterator[HealthReading] | AsyncIterator[RevisionReading]
    ) -> list[Fact]:
        found: list[Fact] = []
        async for fact in facts:
            self.record(fact)
            found.append(fact)
        return found

    def _once(self, name: str, work: Callable[[], Awaitable[T]]) -> asyncio.Future[T]:
        if name not in self._begun:
            self._begun[name] = asyncio.ensure_future(work())
        return self._begun[name]  # type: ignore[return-value]

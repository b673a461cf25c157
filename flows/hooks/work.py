"""From accepted deliveries to runs: one line of work an environment, and only its newest counts."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from data.errors import GoldenPathError, UsageError
from data.records.hooks import HookDelivery, Hooks, Placed
from data.rules.hooks.placing import parameters_of, revision_of, run_id_of
from flows.hooks.ending import end_superseded

_END_S = 60.0  # SIGTERM, 30 s, SIGKILL, and a worker that looks every 10 s
_AGAIN_S = (0.5, 1.0, 2.0, 5.0, 10.0)  # the last one for ever: Prefect comes back some time
_log = logging.getLogger("goldenpath.hooks")
Told = Callable[[HookDelivery], None]


class Runs(Protocol):
    """What starts and ends runs: Prefect, in `tasks.hooks.prefect_runs`."""

    async def start(
        self, deployment: str, parameters: dict[str, Any], key: str, name: str
    ) -> tuple[str, str]:
        """Id and state of the run of that key."""

    async def end(self, flow_run_id: str, by: str, wait_s: float) -> bool:
        """Whether it is over."""

    async def finals(self, flow_run_ids: Sequence[str]) -> dict[str, tuple[str, str]]:
        """Those of them that are over: name and message of the state."""

    async def answers(self) -> bool:
        """Whether it can be asked now."""


class Line:
    """The work of one environment, in order of arrival; what a newer one overtakes is not begun."""

    def __init__(
        self,
        environment: str,
        hooks: Hooks,
        warehouse: Path,
        runs: Runs,
        write: Callable[[HookDelivery], None],
        last: HookDelivery | None,
    ) -> None:
        """Args: last: the newest delivery whose run was started. write: keeps a row."""
        self._target = hooks.environments[environment]
        self._warehouse, self._runs, self._write = warehouse, runs, write
        self._last = last
        self._ended: str | None = None  # the run that made way, until its follower began
        self._next: HookDelivery | None = None
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    def put(self, row: HookDelivery) -> None:
        """Take a delivery whose run is to be started; one that still waits is overtaken."""
        if self._next is not None:
            self._overtaken(self._next, row)
        self._next = row
        self._idle.clear()
        self._wake.set()

    async def idle(self) -> None:
        """Until nothing waits and nothing is being started."""
        await self._idle.wait()

    async def work(self) -> None:
        """Start runs until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while (row := self._next) is not None:
                await self._attend(row)
            self._idle.set()

    async def _attend(self, row: HookDelivery) -> None:
        for attempt in range(1_000_000_000):
            try:
                await self._make_way(row)
                if self._is_next(row):
                    self._next = None
                    await self._start(row)
                return
            except UsageError as error:
                self._next = None if self._is_next(row) else self._next
                self._write(row.model_copy(update={"outcome": "FAILED", "reason": str(error)}))
                _log.error("%s: %s", row.environment, error)
                return
            except GoldenPathError as error:
                _log.warning("%s: %s; trying again", row.environment, error)
                if self._next is None:
                    self._next = row
                elif not self._is_next(row):  # while it was being started
                    self._overtaken(row, self._next)
                await asyncio.sleep(_AGAIN_S[min(attempt, len(_AGAIN_S) - 1)])
                if not self._is_next(row):
                    return

    def _is_next(self, row: HookDelivery) -> bool:
        return self._next is not None and self._next.row_id == row.row_id

    async def _make_way(self, row: HookDelivery) -> None:
        """End the run of the deployment before, so that its place is free. It keeps what it saw."""
        last = self._last
        if last is None or not last.flow_run_id or not last.run_id or last.key == row.key:
            return
        by = revision_of(row.revisions)
        over = await self._runs.end(last.flow_run_id, by, _END_S)
        if not over:
            _log.warning("%s did not end within %g s", last.run_id, _END_S)
        word = await self._settled(last.run_id, by)
        self._last, self._ended = None, last.run_id if word == "SUPERSEDED" else self._ended

    async def _settled(self, run_id: str, by: str) -> str:
        try:
            return await asyncio.to_thread(end_superseded, self._warehouse, run_id, by)
        except GoldenPathError as error:  # its process lives on: it will judge itself by the fence
            _log.warning("%s was not judged: %s", run_id, error)
            return ""

    async def _start(self, row: HookDelivery) -> None:
        assert row.key is not None and row.deployed_at is not None
        placed = Placed(key=row.key, revisions=row.revisions, told_at=row.deployed_at)
        parameters, name = parameters_of(self._target, placed), run_id_of(row.key)
        id, _ = await self._runs.start(self._target.deployment, parameters, row.key, name)
        done = row.model_copy(
            update={"outcome": "STARTED", "flow_run_id": id, "superseded": self._ended}
        )
        self._last, self._ended = done, None
        self._write(done)

    def _overtaken(self, row: HookDelivery, by: HookDelivery) -> None:
        reason = f"{revision_of(by.revisions)} came before its run was started"
        self._write(row.model_copy(update={"outcome": "SUPERSEDED", "reason": reason}))

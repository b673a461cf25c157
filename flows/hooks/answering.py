"""Tell the forge that sent a delivery how its run stands and how it ended."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import timedelta

from data.errors import ForgeAway, GoldenPathError
from data.records.hooks import HookDelivery, Hooks, Source
from data.rules.hooks.answers import callback_path, link_of, review_of
from data.rules.hooks.statuses import call_of, place_of
from flows.hooks.work import Runs
from tasks.forge import Forge
from tasks.hooks.forge_tokens import ForgeTokens
from tasks.publish.status import send_status

POLL_S = 1.0
KEPT = timedelta(days=7)  # GitHub waits for 30; a run that is not over after a week never will be
_AGAIN_S = (2.0, 10.0, 60.0, 300.0)
_NOT_BEGUN = ("SUPERSEDED", "FAILED")
_log = logging.getLogger("goldenpath.hooks")


class Answering:
    """One task a delivery that somebody waits for; what is not answered yet is in the journal.

    The receiver answers and not the flow: a flow that crashed, was cancelled or never began says
    nothing, and who waits for it would wait for ever.
    """

    def __init__(
        self,
        hooks: Hooks,
        secrets: Mapping[str, str],
        runs: Runs,
        write: Callable[[HookDelivery], None],
    ) -> None:
        """Args: write: keeps a row."""
        self._hooks, self._runs, self._write = hooks, runs, write
        self._tokens = {
            name: ForgeTokens(s.answers, s.kind, s.api, secrets[s.answers.token_in])
            for name, s in hooks.sources.items()
            if s.answers
        }
        self._begun: dict[str, HookDelivery] = {}  # key of a run -> the delivery that led to it
        self._states: dict[str, tuple[str, str]] = {}  # flow run -> how it ended
        self._open: dict[str, HookDelivery] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._asked: set[tuple[str | None, str, str]] = set()

    def knows(self, row: HookDelivery) -> None:
        """Take what became of a delivery; nothing is answered for that alone."""
        if row.key and (row.outcome == "STARTED" or row.outcome in _NOT_BEGUN):
            self._begun[row.key] = row

    def heard(self, row: HookDelivery) -> None:
        """Take a row that was kept: one to answer, or what became of one."""
        self.knows(row)
        what = (row.key, row.callback, row.commit)
        waits = row.source in self._tokens and (row.callback or self._shows(row))
        waits = waits and not row.answered
        if waits and what not in self._asked:
            self._asked.add(what)
            self._open[row.row_id] = row
            self._tasks[row.row_id] = asyncio.create_task(self._answer(row))

    async def work(self) -> None:
        """See how runs stand, until cancelled."""
        while True:
            await asyncio.sleep(POLL_S)
            begun = [self._begun.get(row.key or "") for row in self._open.values()]
            ids = {row.flow_run_id for row in begun if row and row.flow_run_id}
            missing = sorted(ids - set(self._states))
            if missing:
                try:
                    self._states |= await self._runs.finals(missing)
                except GoldenPathError as error:
                    _log.warning("%s; looking again", error)

    async def close(self) -> None:
        """Stop; the next process answers what is left."""
        left = list(self._tasks.values())
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def _shows(self, row: HookDelivery) -> bool:
        source = self._hooks.sources.get(row.source)
        told = bool(source and source.answers and source.answers.statuses)
        return told and bool(row.commit) and row.outcome != "OLDER"

    async def _answer(self, row: HookDelivery) -> None:
        try:
            if self._shows(row):
                await self._pending(row)
            began, state, why = await self._end_of(row)
            said = await self._final(row, began, state, why)
        except GoldenPathError as error:
            said = f"not answered: {error}"
            _log.warning("%s: %s", row.row_id, said)
        finally:
            self._tasks.pop(row.row_id, None)
            self._open.pop(row.row_id, None)
        latest = self._begun.get(row.key or "", row)
        mine = latest if latest.row_id == row.row_id else row
        self._write(mine.model_copy(update={"answered": said[:200]}))

    async def _pending(self, row: HookDelivery) -> None:
        """Once; the end is what matters, and is told again and again until it is heard."""
        try:
            await self._status(row, row, None, "")
        except GoldenPathError as error:
            _log.warning("%s: %s", row.row_id, error)

    async def _end_of(self, row: HookDelivery) -> tuple[HookDelivery, str, str]:
        if row.outcome == "OLDER":
            return row, "OLDER", row.reason
        while True:
            began = self._begun.get(row.key or "")
            if began is not None and began.outcome in _NOT_BEGUN:
                return began, began.outcome, began.reason
            if began is not None and began.flow_run_id in self._states:
                return began, *self._states[began.flow_run_id]
            await asyncio.sleep(POLL_S / 4)

    async def _final(self, row: HookDelivery, began: HookDelivery, state: str, why: str) -> str:
        for attempt in range(1_000_000_000):
            try:
                if self._shows(row):
                    await self._status(row, began, state, why)
                return await self._review(row, began, state, why) if row.callback else state
            except ForgeAway as error:
                _log.warning("%s: %s; trying again", row.row_id, error)
                await asyncio.sleep(_AGAIN_S[min(attempt, len(_AGAIN_S) - 1)])
        raise AssertionError("unreachable")

    async def _status(
        self, row: HookDelivery, began: HookDelivery, state: str | None, why: str
    ) -> None:
        check = f"golden-path/{row.environment}"
        call = call_of(place_of(row.commit), state, why, check, self._link(began))
        async with await self._forge(row) as forge:
            await send_status(forge, call)

    async def _review(self, row: HookDelivery, began: HookDelivery, state: str, why: str) -> str:
        source = self._source(row)
        assert source.answers is not None
        path = callback_path(source.api, row.callback, row.commit)
        if path is None:  # a row of an older configuration
            return "not answered: the callback is not at the API of this source"
        link = self._link(began)
        body = review_of(state, why, row.asked_for, source.answers.hold, link)
        if body is None:
            return f"{state}: left to a person"
        async with await self._forge(row) as forge:
            await forge.ask("POST", path, body)
        return f"{state}: {body['state']}"

    async def _forge(self, row: HookDelivery) -> Forge:
        token = await self._tokens[row.source].find(row.installation)
        return Forge(self._source(row).kind, self._source(row).api, token)

    def _source(self, row: HookDelivery) -> Source:
        return self._hooks.sources[row.source]

    def _link(self, row: HookDelivery) -> str:
        return link_of(self._hooks.link, row.run_id or "", row.flow_run_id or "")

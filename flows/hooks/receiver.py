"""Deliveries in, decisions out: genuine? what does it mean? is it new? A row before the reply."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets as randomness
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from data.errors import GoldenPathError, UsageError, WarehouseError
from data.records.hooks import HookDelivery, Hooks, Ignored, Move, Source, Told
from data.rules.hooks.answers import callback_path
from data.rules.hooks.bucket import Bucket, retry_after_s, take
from data.rules.hooks.meaning import event_of, meaning_of
from data.rules.hooks.placing import place, run_id_of, standing_after
from data.rules.hooks.reading import parsed
from data.store.hooks import HookBook
from flows.hooks.answering import KEPT, Answering
from flows.hooks.figures import Figures
from flows.hooks.work import Line, Runs
from flows.reaping import reap
from tasks.clock import now
from tasks.hooks import signatures
from tasks.hooks.board import Board
from tasks.hooks.keys import IssuerKeys
from tasks.tokens import key_id, refusal

_AHEAD_S = 300  # what says it was deployed later than that would make all that follows look older
_TAKE_IN_S = 2.0
_REAP_S = 10.0
_IDS = {
    "github": "x-github-delivery",
    "gitlab": "x-gitlab-event-uuid",
    "standard": "webhook-id",
    "argocd": "webhook-id",
}
_log = logging.getLogger("goldenpath.hooks")


class Receiver:
    """What all requests share. One process, one event loop."""

    def __init__(
        self,
        hooks: Hooks,
        secrets: Mapping[str, str],
        warehouse: Path,
        runs: Runs,
        board: Board | None = None,
    ) -> None:
        """Args: secrets: the environment variables that the configuration names.

            board: where to look for runs that only look alive; None: nobody does.

        Raises:
            UsageError: another receiver writes beside this warehouse.
        """
        self.hooks, self.warehouse = hooks, warehouse
        self.figures = Figures()
        self._secrets = {
            name: tuple(secrets[one] for one in source.secrets)
            for name, source in hooks.sources.items()
        }
        self._runs, self._board = runs, board
        self._keys = {n: IssuerKeys(s.oidc.keys) for n, s in hooks.sources.items() if s.oidc}
        self._buckets: dict[str, Bucket] = {}
        self.book = HookBook(warehouse)
        known = self.book.known()
        self._standing = standing_after(known)
        self._lines = {name: self._line(name, known, runs) for name in hooks.environments}
        self._known = known
        self._left = {row.environment: row for row in known if row.outcome == "ACCEPTED"}
        self._answering = Answering(hooks, secrets, runs, self._write)
        self._jobs: list[asyncio.Task[None]] = []

    def begin(self) -> None:
        """Start to work, with what an earlier process accepted and did not come to."""
        for row in self._known:
            self._answering.knows(row)
        for row in self.book.unanswered(now() - KEPT):
            self._answering.heard(row)
        for environment, row in self._left.items():
            if environment in self._lines:
                self._lines[environment].put(row)
        self._jobs = [asyncio.create_task(line.work()) for line in self._lines.values()]
        self._jobs.append(asyncio.create_task(self._taking_in()))
        self._jobs.append(asyncio.create_task(self._answering.work()))
        if self._board is not None:
            self._jobs.append(asyncio.create_task(self._reaping(self._board)))

    async def ready(self) -> bool:
        """Whether a delivery that comes now becomes a run at once."""
        return await self._runs.answers()

    async def settle(self) -> None:
        """Until every accepted delivery has its run."""
        for line in self._lines.values():
            await line.idle()

    async def close(self) -> None:
        """Stop; what was accepted and not begun is begun by the next process."""
        for job in self._jobs:
            job.cancel()
        await asyncio.gather(*self._jobs, return_exceptions=True)
        await self._answering.close()
        with suppress(WarehouseError):
            await asyncio.to_thread(self.book.take_in, 5.0)
        self.book.close()

    async def receive(
        self, name: str, headers: Mapping[str, str], body: bytes, client: str
    ) -> HookDelivery:
        """One delivery from its raw bytes to its row. Nothing is parsed before it is genuine.

        Args:
            name: the source, which is in `hooks.sources`.
            headers: names in lower case; none came twice.
        """
        source, began_s = self.hooks.sources[name], time.perf_counter()
        row = self.row(name, client, n_bytes=len(body)).model_copy(
            update={
                "body_sha256": hashlib.sha256(body).hexdigest(),
                "delivery_id": _printable(headers.get(_IDS.get(source.kind, ""), "")),
            }
        )
        why = await self._not_genuine(name, source, headers, body)
        if why:
            return self.keep(row, 401, "REFUSED", why, began_s)
        if not self._may_pass(name):
            return self.keep(row, 429, "REFUSED", "more deliveries than the limit", began_s)
        return self._told(row, source, headers, body, began_s)

    def row(self, source: str, client: str, n_bytes: int = 0) -> HookDelivery:
        """A row that is not decided yet."""
        known = self.hooks.sources.get(source)
        return HookDelivery(
            row_id=randomness.token_hex(12),
            at=now(),
            source=_printable(source),
            kind=known.kind if known else "",
            client=_printable(client),  # of a proxy, which may pass on what a stranger wrote
            status=0,
            outcome="REFUSED",
            n_bytes=n_bytes,
        )

    def keep(
        self, row: HookDelivery, status: int, outcome: str, reason: str, began_s: float
    ) -> HookDelivery:
        """The row with its decision, on disk.

        Raises:
            WarehouseError: it cannot be kept.
        """
        took_ms = (time.perf_counter() - began_s) * 1000
        done = row.model_copy(
            update={"status": status, "outcome": outcome, "reason": reason, "took_ms": took_ms}
        )
        self.book.write(done)
        self.figures.count(row.source if row.kind else "", outcome, took_ms / 1000)
        return done

    def retry_after_s(self, name: str) -> int:
        """When a source that sent too much may send again."""
        return retry_after_s(self._buckets[name], self.hooks.limits.rate_per_s)

    def _line(self, name: str, known: list[HookDelivery], runs: Runs) -> Line:
        started = [r for r in known if r.environment == name and r.outcome == "STARTED"]
        last = started[-1] if started else None
        return Line(name, self.hooks, self.warehouse, runs, self._worked, last)

    def _worked(self, row: HookDelivery) -> None:
        self.figures.count(row.source, row.outcome)
        self._write(row)
        self._answering.heard(row)

    def _write(self, row: HookDelivery) -> None:
        try:
            self.book.write(row)
        except WarehouseError as error:  # the run is known to Prefect by its key all the same
            _log.error("%s", error)

    async def _not_genuine(
        self, name: str, source: Source, headers: Mapping[str, str], body: bytes
    ) -> str:
        known = self._secrets[name]
        match source.kind:
            case "github":
                return signatures.github(known, headers, body)
            case "gitlab":
                return signatures.gitlab(known, headers, body, time.time())
            case "standard":
                return signatures.standard(known, headers, body, time.time())
            case "argocd":
                return signatures.bearer(known, headers)
        return await self._google(name, source, headers)

    async def _google(self, name: str, source: Source, headers: Mapping[str, str]) -> str:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token or len(token) > 8192:
            return "no Authorization: Bearer"
        assert source.oidc is not None
        kid = key_id(token)
        key = await self._keys[name].find(kid) if kid else None
        return refusal(token, key, source.oidc, time.time())

    def _may_pass(self, name: str) -> bool:
        limits = self.hooks.limits
        passes, self._buckets[name] = take(
            self._buckets.get(name), time.monotonic(), limits.rate_per_s, limits.burst
        )
        return passes

    def _told(
        self,
        row: HookDelivery,
        source: Source,
        headers: Mapping[str, str],
        body: bytes,
        began_s: float,
    ) -> HookDelivery:
        try:
            content = parsed(body)
            row = row.model_copy(
                update={"event": _printable(event_of(source.kind, headers, content))}
            )
            meant = meaning_of(source, headers, content)
        except UsageError as error:
            return self.keep(row, 400, "REFUSED", str(error), began_s)
        if isinstance(meant, Ignored):
            return self.keep(row, 202, "IGNORED", meant.reason, began_s)
        environment, told = meant
        if (
            told.callback
            and source.answers
            and not callback_path(source.api, told.callback, told.commit)
        ):
            reason = "deployment_callback_url is not a review at the API of this source"
            return self.keep(row, 400, "REFUSED", reason, began_s)
        if told.deployed_at > now() + timedelta(seconds=_AHEAD_S):
            reason = f"deployed at {told.deployed_at.isoformat()}, which is in the future"
            return self.keep(row, 400, "REFUSED", reason, began_s)
        return self._placed(row, environment, told, began_s)

    def _placed(
        self, row: HookDelivery, environment: str, told: Told, began_s: float
    ) -> HookDelivery:
        target, standing = self.hooks.environments[environment], self._standing.get(environment)
        move, placed = place(environment, standing, told, target.same_within_s)
        row = row.model_copy(
            update={
                "environment": environment,
                "revisions": told.revisions,
                "deployed_at": told.deployed_at,
                "callback": told.callback,
                "asked_for": told.asked_for,
                "commit": told.commit,
                "installation": told.installation,
                "key": None if move is Move.OLDER else placed.key,
                "run_id": None if move is Move.OLDER else run_id_of(placed.key),
            }
        )
        if move is not Move.START:
            older = f"older than what was deployed at {placed.told_at.isoformat()}"
            reason = "its run is known already" if move is Move.SAME else older
            kept = self.keep(row, 202, move, reason, began_s)
            self._answering.heard(kept)
            return kept
        kept = self.keep(row, 202, "ACCEPTED", "", began_s)
        self._answering.heard(kept)
        self._standing[environment] = placed
        self._lines[environment].put(kept)
        return kept

    async def _reaping(self, board: Board) -> None:
        """It stays while workers come and go, so it looks for those that went."""
        while True:
            await asyncio.sleep(_REAP_S)
            try:
                for one in await reap(self.warehouse, board):
                    _log.warning("%s closed as %s: %s", one.run_id, one.verdict, one.why)
            except GoldenPathError as error:
                _log.debug("%s", error)

    async def _taking_in(self) -> None:
        while True:
            await asyncio.sleep(_TAKE_IN_S)
            try:
                await asyncio.to_thread(self.book.take_in)
            except WarehouseError as error:  # the journal has them; the next time will do
                _log.debug("%s", error)


def _printable(text: str) -> str:
    """What a stranger sent, as something to keep: ASCII, at most 200 characters."""
    return text.encode("ascii", "backslashreplace").decode()[:200]

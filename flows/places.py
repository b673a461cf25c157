"""Who may start now: so many workers, one holder of a resource group, the first in order first."""

from __future__ import annotations

import asyncio
from bisect import insort
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import NamedTuple


class _Waiter(NamedTuple):
    rank: int
    arrival: int  # tells equals apart, so that a future is never compared
    group: str | None
    worker: bool
    turn: asyncio.Future[None]


class Places:
    """So many workers, and one holder of each resource group at a time.

    A free worker goes to the waiter of the lowest rank that may start: one whose group is taken
    holds nobody up.
    """

    def __init__(self, workers: int) -> None:
        self._free = workers
        self._taken: set[str] = set()
        self._waiting: list[_Waiter] = []
        self._arrivals = count()

    @asynccontextmanager
    async def hold(self, group: str | None, worker: bool, rank: int = 0) -> AsyncIterator[None]:
        """Wait for group and worker together, and keep both inside the context."""
        turn = asyncio.get_running_loop().create_future()
        waiter = _Waiter(rank, next(self._arrivals), group, worker, turn)
        insort(self._waiting, waiter)
        self._grant()
        try:
            await turn
            yield
        finally:
            self._leave(waiter)
            # Not now: who comes back at once for a retry goes by its rank, too.
            asyncio.get_running_loop().call_soon(self._grant)

    def _grant(self) -> None:
        for waiter in tuple(self._waiting):
            if waiter.group not in self._taken and (self._free or not waiter.worker):
                self._waiting.remove(waiter)
                self._free -= waiter.worker
                self._taken |= {waiter.group} if waiter.group is not None else set()
                waiter.turn.set_result(None)

    def _leave(self, waiter: _Waiter) -> None:
        if waiter in self._waiting:  # cancelled before its turn
            self._waiting.remove(waiter)
            return
        self._free += waiter.worker
        self._taken.discard(waiter.group or "")

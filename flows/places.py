"""Who may start now: so many workers, one holder of a resource group, the first in order first."""

from __future__ import annotations

import asyncio
from bisect import insort
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count
from typing import NamedTuple


class _Waiter(NamedTuple):
    rank: int
    arrival: int  # tells equals apart, so that a future is never compared
    group: str | None
    worker: bool
    turn: asyncio.Future[None]
    soon: Callable[[], None] | None = None


class Place:
    """What a waiter holds."""

    def __init__(self, places: Places, waiter: _Waiter) -> None:
        self._places, self._waiter = places, waiter
        self.works = waiter.worker

    def rest(self) -> None:
        """The work is done, what follows is tidying up: the worker is free, the group is not."""
        if self.works:
            self.works = False
            self._places.free_worker()


class Places:
    """So many workers, and one holder of each resource group at a time.

    A free worker goes to the waiter of the lowest rank that may start: one whose group is taken
    holds nobody up. Who is next when none is free hears so, once: it can make itself ready.
    """

    def __init__(self, workers: int) -> None:
        self._free = workers
        self._taken: set[str] = set()
        self._waiting: list[_Waiter] = []
        self._arrivals = count()
        self._next: _Waiter | None = None

    @asynccontextmanager
    async def hold(
        self, group: str | None, worker: bool, rank: int = 0, soon: Callable[[], None] | None = None
    ) -> AsyncIterator[Place]:
        """Wait for group and worker together, and keep both inside the context.

        Args:
            soon: called when nothing but a worker is missing, and the next free one is ours.
        """
        turn = asyncio.get_running_loop().create_future()
        waiter = _Waiter(rank, next(self._arrivals), group, worker, turn, soon)
        place = Place(self, waiter)
        insort(self._waiting, waiter)
        self._grant()
        try:
            await turn
            yield place
        finally:
            self._leave(waiter, place)
            # Not now: who comes back at once for a retry goes by its rank, too.
            asyncio.get_running_loop().call_soon(self._grant)

    def _grant(self) -> None:
        for waiter in tuple(self._waiting):
            may = waiter.group not in self._taken and (self._free or not waiter.worker)
            if may and not waiter.turn.done():  # cancelled, and not yet heard of
                self._waiting.remove(waiter)
                self._free -= waiter.worker
                self._taken |= {waiter.group} if waiter.group is not None else set()
                waiter.turn.set_result(None)
        self._announce()

    def _announce(self) -> None:
        """One at a time: a second one would start while the first still waits."""
        if self._next in self._waiting:
            return
        open_ = (w for w in self._waiting if w.soon and not w.turn.done())
        ready = (w for w in open_ if w.group not in self._taken)
        self._next = next(ready, None)
        if self._next and self._next.soon:
            self._next.soon()

    def free_worker(self) -> None:
        """One more worker has nothing to do."""
        self._free += 1
        self._grant()

    def _leave(self, waiter: _Waiter, place: Place) -> None:
        if waiter in self._waiting:  # cancelled before its turn
            self._waiting.remove(waiter)
            return
        self._free += place.works
        self._taken.discard(waiter.group or "")

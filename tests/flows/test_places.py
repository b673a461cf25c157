"""A free worker goes to the lowest rank that may start; nobody waits for a taken group in vain."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from flows.places import Places


class Race:
    """Workers that note when they start, and how many were at it together."""

    def __init__(self, workers: int) -> None:
        self.places = Places(workers)
        self.started: list[str] = []
        self.most = self.now = 0

    async def work(self, name: str, rank: int, group: str | None = None, turns: int = 3) -> None:
        async with self.places.hold(group, worker=True, rank=rank), self._noted(name):
            for _ in range(turns):
                await asyncio.sleep(0)

    @asynccontextmanager
    async def _noted(self, name: str) -> AsyncIterator[None]:
        self.started.append(name)
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            yield
        finally:
            self.now -= 1


@pytest.mark.parametrize("workers", [1, 2, 3])
async def test_the_lowest_rank_starts_first_and_never_more_than_there_are_workers(
    workers: int,
) -> None:
    race = Race(workers)
    await asyncio.gather(*(race.work(str(n), rank=n) for n in range(9)))
    assert race.started == [str(n) for n in range(9)]
    assert race.most == workers


async def test_one_group_runs_one_at_a_time_and_holds_nobody_else_up() -> None:
    race = Race(2)
    await asyncio.gather(
        race.work("g1", 0, "g"),
        race.work("g2", 1, "g"),
        race.work("free", 2),
        race.work("h", 3, "h"),
    )
    assert race.started == ["g1", "free", "g2", "h"]


async def test_a_retry_that_comes_back_at_once_goes_by_its_rank() -> None:
    race = Race(1)

    async def twice() -> None:
        await race.work("first", 0)
        await race.work("again", 0)

    await asyncio.gather(twice(), race.work("later", 1))
    assert race.started == ["first", "again", "later"]


async def test_whoever_is_cancelled_gives_back_what_it_held_or_waited_for() -> None:
    race = Race(1)
    holds = asyncio.create_task(race.work("holds", 0, "g", turns=1000))
    waits = asyncio.create_task(race.work("waits", 1, "g"))
    await asyncio.sleep(0)
    waits.cancel()
    holds.cancel()
    await asyncio.gather(holds, waits, return_exceptions=True)
    await asyncio.wait_for(race.work("next", 2, "g"), 30)
    assert race.started == ["holds", "next"]


async def test_the_next_in_order_hears_so_once_and_nobody_behind_it() -> None:
    places, heard = Places(1), list[str]()

    async def work(name: str, rank: int, group: str | None = None) -> None:
        async with places.hold(group, True, rank, lambda: heard.append(name)):
            await asyncio.sleep(0)

    async with places.hold("g", worker=True):
        waiting = [
            asyncio.create_task(work(*one)) for one in (("taken", 1, "g"), ("b", 2), ("c", 3))
        ]
        await asyncio.sleep(0)
        assert heard == ["b"], "of group g nobody could start, and c comes after b"
    await asyncio.gather(*waiting)
    assert heard.count("b") == 1


async def test_who_rests_frees_its_worker_and_not_its_group() -> None:
    places, began = Places(1), list[str]()

    async def work(name: str, group: str | None) -> None:
        async with places.hold(group, worker=True):
            began.append(name)

    async with places.hold("g", worker=True) as place:
        waiting = [
            asyncio.create_task(work(name, group)) for name, group in (("a", "g"), ("b", None))
        ]
        await asyncio.sleep(0)
        place.rest()
        place.rest()
        await asyncio.sleep(0)
        assert began == ["b"]
    await asyncio.gather(*waiting)
    assert began == ["b", "a"]

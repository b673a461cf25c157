"""A load from outside: its processes, started together, watched, stopped and added up."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from data.errors import UsageError
from data.records.load import LoadTerms
from data.records.load_order import LoadEnd, LoadOrder, LoadProgress
from data.records.orders import ProbeOrder
from tasks.probes.load.member import LEAD_S, LocalMember, Member

_MOST_SAMPLES = 20_000
Progress = Callable[[Sequence[LoadProgress]], None]


async def carry(order: ProbeOrder, terms: LoadTerms, hear: Progress | None = None) -> list[LoadEnd]:
    """What each process measured. Cancelling it stops the load at once.

    Args:
        hear: is told the latest progress of each process whenever one of them speaks.

    Raises:
        UsageError: the plan asks for what cannot be done.
        GoldenPathError: a process of the load died.
    """
    latest: dict[int, LoadProgress] = {}

    def tell(part: int, progress: LoadProgress) -> None:
        latest[part] = progress
        if hear:
            hear([latest[one] for one in sorted(latest)])

    most = _MOST_SAMPLES // terms.processes
    parts = [
        LoadOrder(order=order, part=part, parts=terms.processes, most_samples=most)
        for part in range(terms.processes)
    ]
    async with _crew(terms, parts) as crew:
        try:
            await asyncio.gather(*(member.start() for member in crew))
            start_at = time.time() + LEAD_S
            ends = await asyncio.gather(*(member.end(start_at, tell) for member in crew))
        finally:
            await asyncio.gather(*(member.stop() for member in crew))
    if errors := [end.error for end in ends if end.error]:
        raise UsageError(errors[0])
    return list(ends)


@asynccontextmanager
async def _crew(terms: LoadTerms, parts: Sequence[LoadOrder]) -> AsyncIterator[Sequence[Member]]:
    if terms.dask is None:
        yield [LocalMember(part) for part in parts]
        return
    from tasks.probes.load.cluster import cluster_members

    async with cluster_members(terms.dask, parts) as members:
        yield members

"""One client of Prefect's API for who asks it again and again: to make one takes 20 ms of CPU."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prefect.client.orchestration import PrefectClient, get_client


class Clients:
    """Made at its first use, beside the event loop, and kept as long as the process.

    It finds its connections anew when the server was away. Of one event loop.
    """

    def __init__(self) -> None:
        self._kept: PrefectClient | None = None
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def use(self) -> AsyncIterator[PrefectClient]:
        """The client; nothing is closed afterwards."""
        async with self._lock:
            if self._kept is None:
                made = await asyncio.to_thread(get_client)
                self._kept = await made.__aenter__()
        yield self._kept

"""What came on a connection that a journey listens to, with the times at which its bytes came."""

from __future__ import annotations

import asyncio
from collections import deque
from time import perf_counter
from typing import cast

from data.rules.journey.moves import Closed, Message, Timer

_MOST_WAITING = 1_000  # messages that nobody took yet; more stay in the kernel


class Arrivals(asyncio.Protocol):
    """A connection with an inbox. `take` and `wait` give what is in it."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._inbox: deque[Message] = deque()
        self._is_paused = False
        self._closed: Closed | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._gone: asyncio.Future[None] | None = None
        self._is_gone = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one by its shape only

    def _arrived(self) -> None:
        """Something may be in the inbox now, or the end of it is known."""
        if len(self._inbox) > _MOST_WAITING and self._transport and not self._is_paused:
            self._transport.pause_reading()
            self._is_paused = True
        if self._waiter and not self._waiter.done() and (self._inbox or self._closed):
            self._waiter.set_result(None)

    def _went(self) -> None:
        """The connection is gone."""
        self._is_gone = True
        if self._gone and not self._gone.done():
            self._gone.set_result(None)

    @property
    def lost_s(self) -> float | None:
        """When the other side closed, or the connection broke; None while it is open."""
        return self._closed.t_s if self._closed else None

    def take(self) -> Message | None:
        """A message that is here already."""
        if not self._inbox:
            return None
        message = self._inbox.popleft()
        if self._is_paused and not self._inbox and self._transport:
            self._transport.resume_reading()
            self._is_paused = False
        return message

    async def wait(self, until_s: float) -> Message | Closed | Timer:
        """The next message, or the close (again and again), or nothing until `until_s`."""
        if not self._inbox and self._closed is None:
            await self._something(until_s - perf_counter())
        return self.take() or self._closed or Timer(max(until_s, perf_counter()))

    async def _something(self, within_s: float) -> None:
        if within_s <= 0:
            return
        waiter = self._waiter = self._loop.create_future()
        alarm = self._loop.call_later(within_s, _ring, waiter)
        try:
            await waiter
        finally:
            alarm.cancel()
            self._waiter = None

    def _abort(self) -> None:
        if self._transport:
            self._transport.abort()

    async def _until_gone(self) -> None:
        if not self._is_gone:
            self._gone = self._loop.create_future()
            await self._gone


def _ring(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)

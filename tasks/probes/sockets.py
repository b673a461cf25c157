"""One WebSocket of a journey: opened step by step; each arrival is noted when its bytes came.

The bytes are moved here: a message gets the time at which the loop handed over its last byte, not
that at which some task woke up, so that fifty sockets which are answered at once do not wait for
each other in the figures. What the bytes mean is read by `everyday` while they are ordinary, and
by `strict` from the first that are not.
"""

from __future__ import annotations

import asyncio
from time import perf_counter

from websockets.frames import CloseCode

from data.errors import UsageError
from data.rules.journey.moves import Broke, Closed, Connect, Message, Opened, Refused, Sent, Timer
from tasks.probes import tcp
from tasks.probes.arrivals import Arrivals
from tasks.probes.everyday import Everyday
from tasks.probes.faults import handshake_problem, network_problem, refusal
from tasks.probes.opening import Opening, opening
from tasks.probes.strict import Strict

_CLOSE_S = 0.25  # how long the other side may take to close TCP once its part is over


class Socket(Arrivals):
    """An open WebSocket."""

    def __init__(self, begun: Opening, ping_s: float | None = None) -> None:
        super().__init__()
        self._everyday = Everyday(begun)
        self._strict: Strict | None = None
        self._ping_s = ping_s
        self._answered: asyncio.Future[None] = self._loop.create_future()

    # What the loop says

    def data_received(self, data: bytes) -> None:
        now_s = perf_counter()
        rest: bytes | None = data
        if self._strict is None:
            rest = self._everyday.feed(data, now_s, self._inbox)
            self._note(self._everyday)
        if rest is not None:
            self._judge(rest, now_s)
        self._arrived()

    def eof_received(self) -> None:
        self._end(perf_counter())

    def connection_lost(self, error: Exception | None) -> None:
        self._end(perf_counter(), error)
        self._went()

    def _judge(self, data: bytes, now_s: float) -> None:
        """Have bytes judged that are not everyday, and answer what must be answered."""
        strict = self._beyond()
        strict.feed(data, now_s, self._inbox)
        self._note(strict)
        self._write(strict.out())

    def _beyond(self) -> Strict:
        """The strict side, which takes over now if it has not yet."""
        if self._strict is None:
            self._strict = Strict.after(self._everyday)
            if cut := self._everyday.left():
                self._strict.feed(cut, perf_counter(), self._inbox)
        return self._strict

    def _note(self, side: Everyday | Strict, lost: Exception | None = None) -> None:
        """What a side of the protocol knows by now."""
        if not self._answered.done():
            if isinstance(side, Strict) and side.error:
                self._answered.set_exception(lost or side.error)
            elif side.is_open:
                self._answered.set_result(None)
        if self._closed is None and side.closed:
            self._closed = side.closed
            if isinstance(side, Strict):
                self._loop.call_later(_CLOSE_S, self._abort)

    def _end(self, now_s: float, lost: Exception | None = None) -> None:
        if self._closed is None or not self._answered.done():
            strict = self._beyond()
            strict.end(now_s, self._inbox)
            self._note(strict, lost)
            self._write(strict.out())
        self._arrived()

    def _write(self, pieces: list[bytes]) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        for piece in pieces:
            if piece:
                self._transport.write(piece)
            elif self._transport.can_write_eof():
                self._transport.write_eof()

    def _ping(self) -> None:
        """Ask whether the server lives. A ping without a pong ends the connection (RFC 6455 5.5.2).

        The loop runs what has arrived before its timers, so a late generator blames no server.
        """
        strict = self._strict
        if self._ping_s is None or strict is None or not strict.is_open or self._closed:
            return
        if strict.is_pong_due and not self._is_paused:
            self._closed = Closed(1006, "", "silence", perf_counter())
            self._arrived()
            return
        strict.ping()
        self._write(strict.out())
        self._loop.call_later(self._ping_s, self._ping)

    # What the journey says

    async def shake_hands(self) -> None:
        """Send the opening handshake and hear its answer.

        Raises:
            InvalidHandshake, OSError: no valid answer.
        """
        assert self._transport
        self._transport.write(self._everyday.opening.request)
        await self._answered
        if self._ping_s is not None:
            self._beyond()
            self._ping()

    def send(self, payload: str | bytes) -> Sent | Closed:
        """Send a frame of text or bytes."""
        sent_s = perf_counter()
        if self._closed or self._transport is None:
            return self._closed or Closed(1006, "", "network", sent_s)
        if self._strict is None:
            self._transport.write(self._everyday.message(payload))
        else:
            self._strict.message(payload)
            self._write(self._strict.out())
        return Sent(sent_s)

    async def hang_up(self, code: int, within_s: float) -> Closed:
        """Close and see it through, dropping what arrives meanwhile."""
        until_s = perf_counter() + within_s
        self._say_close(code)
        event: Message | Closed | Timer = await self.wait(until_s)
        while isinstance(event, Message):
            event = await self.wait(until_s)
        if isinstance(event, Closed):
            return event
        self._abort()
        return Closed(1006, "", "network", event.t_s)

    def _say_close(self, code: int) -> None:
        if self._closed is not None:
            return
        if self._strict is not None:
            self._strict.close(code)
            self._write(self._strict.out())
        elif self._everyday.close_sent is None:
            self._write([self._everyday.close(code)])

    async def leave(self) -> None:
        """Leave nothing behind, however the journey ended."""
        if self._closed is None and (self._strict or self._everyday).is_open:
            self._say_close(CloseCode.NORMAL_CLOSURE)
            await self._something(_CLOSE_S)
        self._abort()
        was_seen_through = self._strict is None and self._closed is not None
        if not was_seen_through:
            await self._until_gone()
        if not self._answered.cancel() and not self._answered.cancelled():
            self._answered.exception()  # asked for, so that nobody complains that it was not

    @property
    def subprotocol(self) -> str | None:
        """What the server chose, None without one."""
        return (self._strict or self._everyday).subprotocol or self._everyday.subprotocol


async def open_socket(spec: Connect) -> tuple[Socket | None, Opened | Refused | Broke]:
    """Name, TCP, TLS and handshake, each failing in its own words.

    Raises:
        UsageError: the address or a header cannot be used at all.
    """
    started_s = perf_counter()
    place, stage, wire = tcp.place(spec.url), tcp.Stage(), None
    try:
        begun = opening(spec)
        async with asyncio.timeout(max(0.001, spec.deadline_s - started_s)):
            wire = await tcp.wired(lambda: Socket(begun, spec.ping_s), place, stage)
            stage.name = "ws/handshake"
            await wire.shake_hands()
    except BaseException as error:
        if wire:
            await wire.leave()
        if not isinstance(error, Exception):
            raise
        return None, _not_opened(error, spec, stage.name)
    return wire, Opened(wire.subprotocol, started_s, perf_counter())


def _not_opened(error: Exception, spec: Connect, stage: str) -> Refused | Broke:
    if isinstance(error, UsageError):
        raise error
    if answer := refusal(error):
        body = bytes(answer.response.body or b"").decode("utf-8", "replace")
        return Refused(answer.response.status_code, body, perf_counter())
    is_shaking = stage == "ws/handshake"
    problem = handshake_problem(error) if is_shaking else network_problem(error, stage)
    if problem is None:
        raise UsageError(f"cannot open {spec.url}: {error}") from error
    return Broke(problem.signature, problem.message, perf_counter())

"""One WebSocket of a journey: opened step by step; each arrival is noted when its bytes came.

The protocol is that of `websockets`, in its form without I/O
(https://websockets.readthedocs.io/en/stable/howto/sansio.html). The bytes are moved here: a message
gets the time at which the loop handed over its last byte, not that at which some task woke up, so
that fifty sockets which are answered at once do not wait for each other in the figures.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from time import perf_counter
from typing import Any, cast

from websockets.client import ClientProtocol
from websockets.exceptions import PayloadTooBig
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from data.errors import UsageError
from data.rules.journey.moves import Broke, Closed, Connect, Message, Opened, Refused, Sent, Timer
from tasks.probes import tcp
from tasks.probes.clients import AGENT
from tasks.probes.faults import handshake_problem, refusal
from tasks.trust import tls_context

MOST_BYTES = 16 * 2**20
_MOST_WAITING = 1_000  # messages that nobody took yet; more stay in the kernel
_CLOSE_S = 0.25  # how long the other side may take to close TCP once its part is over


class Socket(asyncio.Protocol):
    """An open WebSocket. `wait` gives what arrived, with the times of arrival."""

    def __init__(self, protocol: ClientProtocol, ping_s: float | None = None) -> None:
        self._protocol = protocol
        self._ping_s = ping_s
        self._is_pong_due = False
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._inbox: deque[Message] = deque()
        self._parts: list[bytes] = []
        self._is_text = True
        self._is_leaving = False
        self._is_paused = False
        self._closed: Closed | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._answered: asyncio.Future[Response | None] = self._loop.create_future()
        self._gone: asyncio.Future[None] = self._loop.create_future()

    # What the loop says

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one by its shape only

    def data_received(self, data: bytes) -> None:
        now_s = perf_counter()
        self._protocol.receive_data(data)
        self._take(now_s)

    def eof_received(self) -> None:
        self._protocol.receive_eof()
        self._take(perf_counter())

    def connection_lost(self, error: Exception | None) -> None:
        if self._protocol.state is not State.CLOSED:
            self._protocol.receive_eof()
        self._take(perf_counter(), lost=error)
        self._close(perf_counter())
        self._gone.set_result(None)

    def _take(self, now_s: float, lost: Exception | None = None) -> None:
        """Note what the bytes meant and answer what must be answered."""
        for event in self._protocol.events_received():
            if isinstance(event, Frame):
                self._frame(event, now_s)
            elif isinstance(event, Response) and not self._answered.done():
                self._answered.set_result(event)
        if self._protocol.handshake_exc and not self._answered.done():
            self._answered.set_exception(lost or self._protocol.handshake_exc)
        self._flush()
        is_over = self._protocol.close_rcvd is not None or self._protocol.parser_exc is not None
        if is_over and self._closed is None:
            self._close(now_s)
            self._loop.call_later(_CLOSE_S, self._abort)
        self._wake()

    def _frame(self, frame: Frame, now_s: float) -> None:
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY):
            self._is_text = frame.opcode is Opcode.TEXT
            self._parts.clear()
        elif frame.opcode is Opcode.PONG:
            self._is_pong_due = False
            return
        elif frame.opcode is not Opcode.CONT:
            return
        self._parts.append(bytes(frame.data))
        if frame.fin:
            self._message(b"".join(self._parts), now_s)

    def _message(self, whole: bytes, now_s: float) -> None:
        try:
            payload = whole.decode() if self._is_text else whole
        except UnicodeDecodeError as error:  # RFC 6455 8.1
            self._protocol.fail(CloseCode.INVALID_DATA, f"invalid UTF-8: {error.reason}")
            self._close(now_s)
            return
        self._inbox.append(Message(payload, now_s))
        if len(self._inbox) > _MOST_WAITING and self._transport and not self._is_paused:
            self._transport.pause_reading()
            self._is_paused = True

    def _flush(self) -> None:
        pieces = self._protocol.data_to_send()
        if self._transport is None or self._transport.is_closing():
            return
        for piece in pieces:
            if piece:
                self._transport.write(piece)
            elif self._transport.can_write_eof():
                self._transport.write_eof()

    def _close(self, now_s: float) -> None:
        """Note how the socket closed, the first time that it is known.

        A close counts from its frame, or from the breach of the protocol. The library's own
        connection waits until TCP is closed, which is the server's part (RFC 6455 7.1.1): a server
        that leaves that out would look silent, and its code would be lost.
        """
        if self._closed is None:
            self._closed = _how_closed(self._protocol, self._is_leaving, now_s)

    def _ping(self) -> None:
        """Ask whether the server lives. A ping without a pong ends the connection (RFC 6455 5.5.2).

        The loop runs what has arrived before its timers, so a late generator blames no server.
        """
        if self._ping_s is None or self._closed is not None:
            return
        if self._is_pong_due and not self._is_paused:
            self._closed = Closed(1006, "", "silence", perf_counter())
            self._wake()
            return
        self._is_pong_due = True
        self._protocol.send_ping(b"")
        self._flush()
        self._loop.call_later(self._ping_s, self._ping)

    def _wake(self) -> None:
        if self._waiter and not self._waiter.done() and (self._inbox or self._closed):
            self._waiter.set_result(None)

    # What the journey says

    async def shake_hands(self, spec: Connect) -> Response:
        """Send the opening handshake and hear its answer.

        Raises:
            TimeoutError: no answer until the deadline.
            InvalidHandshake, OSError: no valid answer.
        """
        request = self._protocol.connect()
        for name, value in {"User-Agent": AGENT, **spec.headers}.items():
            if name in request.headers:
                del request.headers[name]
            request.headers[name] = value
        self._protocol.send_request(request)
        self._flush()
        async with asyncio.timeout(max(0.001, spec.deadline_s - perf_counter())):
            answer = await self._answered
        if self._protocol.handshake_exc:
            raise self._protocol.handshake_exc
        assert answer
        self._ping()
        return answer

    async def wait(self, until_s: float) -> Message | Closed | Timer:
        """The next message, or the close (again and again), or nothing until `until_s`."""
        if not self._inbox and self._closed is None:
            await self._something(until_s - perf_counter())
        if self._inbox:
            return self._next()
        return self._closed or Timer(max(until_s, perf_counter()))

    def _next(self) -> Message:
        message = self._inbox.popleft()
        if self._is_paused and not self._inbox and self._transport:
            self._transport.resume_reading()
            self._is_paused = False
        return message

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

    async def send(self, text: str) -> Sent | Closed:
        """Send a text frame."""
        sent_s = perf_counter()
        if self._closed:
            return self._closed
        self._protocol.send_text(text.encode())
        self._flush()
        return Sent(sent_s)

    async def hang_up(self, code: int, within_s: float) -> Closed:
        """Close and see it through, dropping what arrives meanwhile."""
        self._is_leaving = True
        until_s = perf_counter() + within_s
        if self._closed is None:
            self._protocol.send_close(code)
            self._flush()
        event: Message | Closed | Timer = await self.wait(until_s)
        while isinstance(event, Message):
            event = await self.wait(until_s)
        if isinstance(event, Closed):
            return event
        self._abort()
        return Closed(1006, "", "network", event.t_s)

    async def leave(self) -> None:
        """Leave nothing behind, however the journey ended."""
        if self._closed is None and self._protocol.state is State.OPEN:
            self._protocol.send_close(CloseCode.NORMAL_CLOSURE)
            self._flush()
            await self._something(_CLOSE_S)
        self._abort()
        await self._gone
        if not self._answered.cancel() and not self._answered.cancelled():
            self._answered.exception()  # asked for, so that nobody complains that it was not

    @property
    def subprotocol(self) -> str | None:
        """What the server chose, None without one."""
        return self._protocol.subprotocol

    def _abort(self) -> None:
        if self._transport:
            self._transport.abort()


def _ring(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


def _how_closed(protocol: ClientProtocol, is_leaving: bool, now_s: float) -> Closed:
    """Who closed, and with what (RFC 6455 7.1.5 and 7.1.6)."""
    received, sent = protocol.close_rcvd, protocol.close_sent
    if received and (sent is None or protocol.close_rcvd_then_sent):
        return Closed(received.code, received.reason, "server", now_s)
    if is_leaving and received:
        return Closed(received.code, received.reason, "answer", now_s)
    if is_leaving and protocol.parser_exc and not isinstance(protocol.parser_exc, EOFError):
        return Closed(_breach_code(protocol.parser_exc), "", "client", now_s)
    if sent and not is_leaving:
        return Closed(sent.code, sent.reason, "client", now_s)
    return Closed(1006, "", "network", now_s)


def _breach_code(error: Exception) -> int:
    """The code for a breach that came when our own close was already sent (RFC 6455 7.4.1)."""
    if isinstance(error, PayloadTooBig):
        return CloseCode.MESSAGE_TOO_BIG
    return CloseCode.INVALID_DATA if isinstance(error, UnicodeError) else CloseCode.PROTOCOL_ERROR


async def open_socket(spec: Connect) -> tuple[Socket | None, Opened | Refused | Broke]:
    """Name, TCP, TLS and handshake, each failing in its own words.

    Raises:
        UsageError: the address or a header cannot be used at all.
    """
    started_s = perf_counter()
    plug = await tcp.connect(spec.url, spec.deadline_s)
    if isinstance(plug, Broke):
        return None, plug
    return await _open(spec, plug, started_s)


async def _open(
    spec: Connect, plug: socket.socket, started_s: float
) -> tuple[Socket | None, Opened | Refused | Broke]:
    wire: Socket | None = None
    try:
        wire = await _wired(spec, plug)
        await wire.shake_hands(spec)
    except BaseException as error:
        if wire:
            await wire.leave()
        plug.close()
        if not isinstance(error, Exception):
            raise
        return None, _not_opened(error, spec)
    return wire, Opened(wire.subprotocol, started_s, perf_counter())


async def _wired(spec: Connect, plug: socket.socket) -> Socket:
    """TLS, where the address asks for it. Nothing is negotiated but what the plan offers."""
    loop, url = asyncio.get_running_loop(), parse_uri(spec.url)
    _refuse_breaks(spec)
    offered = [Subprotocol(one) for one in spec.subprotocols] or None
    left_s = max(0.001, spec.deadline_s - perf_counter())
    tls: dict[str, Any] = {
        "ssl": tls_context(), "server_hostname": url.host, "ssl_handshake_timeout": left_s,
    } if url.secure else {}  # fmt: skip
    _, wire = await loop.create_connection(
        lambda: Socket(ClientProtocol(url, subprotocols=offered, max_size=MOST_BYTES), spec.ping_s),
        sock=plug,
        **tls,
    )
    return wire


def _refuse_breaks(spec: Connect) -> None:
    """A header that a journey captured must not become two (RFC 9110 5.5)."""
    bad = [name for name, value in spec.headers.items() if {"\r", "\n", "\0"} & set(name + value)]
    if bad:
        raise UsageError(f"the header {bad[0]!r} holds a line break, which no header may")


def _not_opened(error: Exception, spec: Connect) -> Refused | Broke:
    if answer := refusal(error):
        body = bytes(answer.response.body or b"").decode("utf-8", "replace")
        return Refused(answer.response.status_code, body, perf_counter())
    problem = handshake_problem(error)
    if problem is None:
        raise UsageError(f"cannot open {spec.url}: {error}") from error
    return Broke(problem.signature, problem.message, perf_counter())

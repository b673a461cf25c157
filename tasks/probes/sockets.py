"""One WebSocket of a journey: opened step by step, read by a task that notes each arrival."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from data.errors import UsageError
from data.rules.journey.moves import Broke, Closed, Connect, Message, Opened, Refused, Sent, Timer
from tasks.probes import tcp
from tasks.probes.clients import AGENT
from tasks.probes.faults import handshake_problem, refusal
from tasks.trust import tls_context

MOST_BYTES = 16 * 2**20
_CLOSE_S = 0.25  # how long the other side may take to close TCP once its part is over


class _Connection(ClientConnection):
    """Reports a close when its frame came, or when the protocol was broken.

    The library reports it when TCP is closed, which is the server's part (RFC 6455 7.1.1). A
    server that leaves that out would look silent, and its code would be lost.
    """

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.protocol.close_rcvd is not None or self.protocol.parser_exc is not None:
            self.loop.call_later(_CLOSE_S, self.transport.abort)


class Socket:
    """An open WebSocket. `wait` gives what arrived, with the times of arrival."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._inbox: asyncio.Queue[Message | Closed] = asyncio.Queue()
        self._is_leaving = False
        self._closed: Closed | None = None
        self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        """Note each message as it comes. `async for` would hide a close 1000, 1001 and 1005."""
        try:
            while True:
                payload = await self._connection.recv()
                self._inbox.put_nowait(Message(payload, perf_counter()))
        except ConnectionClosed as end:
            self._inbox.put_nowait(_closed(end, self._is_leaving))

    async def wait(self, until_s: float) -> Message | Closed | Timer:
        """The next message, or the close (again and again), or nothing until `until_s`."""
        if self._closed:
            return self._closed
        try:
            event = await self._next(until_s)
        except TimeoutError:
            return Timer(max(until_s, perf_counter()))
        self._closed = event if isinstance(event, Closed) else None
        return event

    async def _next(self, until_s: float) -> Message | Closed:
        if not self._inbox.empty():
            return self._inbox.get_nowait()
        async with asyncio.timeout(max(0.0, until_s - perf_counter())):
            return await self._inbox.get()

    async def send(self, text: str) -> Sent | Closed:
        """Send a text frame."""
        sent_s = perf_counter()
        try:
            await self._connection.send(text)
        except ConnectionClosed as end:
            return _closed(end, False)
        return Sent(sent_s)

    async def hang_up(self, code: int, within_s: float) -> Closed:
        """Close and see it through, dropping what arrives meanwhile."""
        self._is_leaving = True
        self._connection.close_timeout = within_s
        try:
            async with asyncio.timeout(within_s):
                await self._connection.close(code)
        except TimeoutError:
            await self._abort()
        event: Message | Closed | Timer = await self.wait(perf_counter() + within_s)
        while isinstance(event, Message):
            event = await self.wait(perf_counter() + within_s)
        return event if isinstance(event, Closed) else Closed(1006, "", "network", event.t_s)

    async def leave(self) -> None:
        """Leave nothing behind, however the journey ended."""
        try:
            await self._connection.close()
        finally:
            await self._abort()
            self._reader.cancel()
            with suppress(asyncio.CancelledError):
                await self._reader

    async def _abort(self) -> None:
        self._connection.transport.abort()
        await self._connection.wait_closed()


def _closed(end: ConnectionClosed, is_leaving: bool) -> Closed:
    """Who closed, and with what (RFC 6455 7.1.5 and 7.1.6)."""
    now_s = perf_counter()
    received, sent = end.rcvd, end.sent
    if received and (sent is None or end.rcvd_then_sent):
        return Closed(received.code, received.reason, "server", now_s)
    if sent and (received or not is_leaving):
        frame = received if received and is_leaving else sent
        return Closed(frame.code, frame.reason, "client", now_s)
    return Closed(1006, "", "network", now_s)


async def open_socket(spec: Connect) -> tuple[Socket | None, Opened | Refused | Broke]:
    """Name, TCP, TLS and handshake, each failing in its own words.

    Raises:
        UsageError: the address or a header cannot be used at all.
    """
    started_s = perf_counter()
    plug = await tcp.connect(spec.url, spec.deadline_s)
    if isinstance(plug, Broke):
        return None, plug
    try:
        connection = await _shake_hands(spec, plug)
    except Exception as error:
        return None, _not_opened(error, spec)
    opened = Opened(connection.subprotocol, started_s, perf_counter())
    return Socket(connection), opened


async def _shake_hands(spec: Connect, plug: socket.socket) -> ClientConnection:
    """TLS and the opening handshake. Nothing is negotiated but what the plan offers."""
    left_s = max(0.001, spec.deadline_s - perf_counter())
    url = urlsplit(spec.url)
    # A little less time for TLS than for all, so that its time-out is told from the handshake's.
    tls: dict[str, Any] = {"ssl": tls_context(), "ssl_handshake_timeout": left_s * 0.9}
    return await connect(
        spec.url, sock=plug, proxy=None, compression=None, user_agent_header=AGENT,
        additional_headers=dict(spec.headers), open_timeout=left_s, close_timeout=_CLOSE_S,
        subprotocols=[Subprotocol(one) for one in spec.subprotocols] or None,
        max_size=MOST_BYTES, max_queue=None, ping_interval=None, create_connection=_Connection,
        **(tls if url.scheme == "wss" else {}),
    )  # fmt: skip


def _not_opened(error: Exception, spec: Connect) -> Refused | Broke:
    if answer := refusal(error):
        body = bytes(answer.response.body or b"").decode("utf-8", "replace")
        return Refused(answer.response.status_code, body, perf_counter())
    problem = handshake_problem(error)
    if problem is None:
        raise UsageError(f"cannot open {spec.url}: {error}") from error
    return Broke(problem.signature, problem.message, perf_counter())

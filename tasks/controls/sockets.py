"""A WebSocket to one client: the sans-I/O core of websockets knows the protocol.

Source: https://websockets.readthedocs.io/en/stable/howto/sansio.html
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable

from websockets.datastructures import Headers as SocketHeaders
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from tasks.controls.bodies import as_text
from tasks.controls.exchange import CUT, Asked, Ending, Message, Talk
from tasks.controls.wire import Wire

MOST_BYTES = 16 * 2**20  # of one message
_FAREWELL_S = 1.0  # for the client's answer to a close frame
_GONE = (1005, CUT, 1015)  # never on the wire (RFC 6455 7.4.1)


class Socket:
    """An open WebSocket of a client."""

    def __init__(self, wire: Wire, protocol: ServerProtocol) -> None:
        self._reader, self._writer, self._protocol = wire.reader, wire.writer, protocol
        self._parts: list[bytes] = []
        self._is_text = True

    async def messages(self, rest: bytes) -> AsyncIterator[Message]:
        """What the client says until it closes; pings are answered on the way."""
        data = rest or await self._reader.read(65536)
        while data and self.is_open:
            self._protocol.receive_data(data)
            events = self._protocol.events_received()
            await self.flush()
            for event in events:
                message = self._joined(event) if isinstance(event, Frame) else None
                if message is not None:
                    yield message
            data = await self._reader.read(65536) if self.is_open else b""
        if not data:
            self._protocol.receive_eof()

    def _joined(self, frame: Frame) -> Message | None:
        """The message that a frame ends."""
        if frame.opcode not in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            return None
        if frame.opcode is not Opcode.CONT:
            self._parts, self._is_text = [], frame.opcode is Opcode.TEXT
        self._parts.append(bytes(frame.data))
        if not frame.fin:
            return None
        whole = b"".join(self._parts)
        return whole.decode(errors="replace") if self._is_text else whole

    async def send(self, message: Message) -> None:
        """Say something, unless the client has gone."""
        if not self.is_open:
            return
        if isinstance(message, str):
            self._protocol.send_text(message.encode())
        else:
            self._protocol.send_binary(message)
        await self.flush()

    async def close(self, ending: Ending) -> None:
        """Close as the target did; where it said nothing the connection is cut."""
        if ending.code == CUT or not self.is_open:
            return
        code = None if ending.code in _GONE else ending.code
        self._protocol.send_close(code, ending.reason if code else "")
        await self.flush()
        try:
            async with asyncio.timeout(_FAREWELL_S):
                while data := await self._reader.read(65536):
                    self._protocol.receive_data(data)
                    await self.flush()
        except TimeoutError:
            pass  # it was told

    async def flush(self) -> None:
        """Put on the wire what the protocol has to say."""
        for data in self._protocol.data_to_send():
            if data:
                self._writer.write(data)
            elif self._writer.can_write_eof():
                self._writer.write_eof()
        await self._writer.drain()

    @property
    def is_open(self) -> bool:
        """Whether neither side has closed."""
        return self._protocol.state is State.OPEN

    @property
    def left(self) -> Ending:
        """How the client closed."""
        close = self._protocol.close_rcvd
        return Ending(close.code, close.reason) if close else Ending(CUT)


async def accept(wire: Wire, asked: Asked, talk: Talk) -> Socket | None:
    """Shake hands; None when the client's own part of the handshake is wrong, which it is told."""
    chosen = Subprotocol(talk.subprotocol) if talk.subprotocol else None
    protocol = ServerProtocol(select_subprotocol=lambda *_: chosen, max_size=MOST_BYTES)
    request = Request(asked.target.decode("latin-1"), SocketHeaders(as_text(asked.headers)))
    protocol.receive_data(request.serialize())
    response = protocol.accept(request)
    for name, value in as_text(talk.headers):
        response.headers[name] = value  # beside others of the name
    protocol.send_response(response)
    socket = Socket(wire, protocol)
    await socket.flush()
    return socket if socket.is_open else None


async def converse(socket: Socket, talk: Talk, rest: bytes) -> None:
    """Carry messages both ways until one side closes, then close the other in the same way."""
    up = asyncio.create_task(_up(socket, talk, rest))
    down = asyncio.create_task(_down(socket, talk))
    try:
        await asyncio.wait((up, down), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (up, down):
            task.cancel()
        results = await asyncio.gather(up, down, return_exceptions=True)
    if socket.is_open and not _broke_off(results):
        await socket.close(talk.ended())
    await talk.leave(socket.left)


def _broke_off(results: Iterable[BaseException | None]) -> bool:
    """Whether a connection broke. Anything else that went wrong is our own mistake.

    Raises:
        BaseException: that mistake.
    """
    for result in results:
        if isinstance(result, Exception) and not isinstance(result, OSError):
            raise result
    return any(isinstance(result, OSError) for result in results)


async def _up(socket: Socket, talk: Talk, rest: bytes) -> None:
    async for message in socket.messages(rest):
        await talk.hear(message)


async def _down(socket: Socket, talk: Talk) -> None:
    async for message in talk.messages():
        await socket.send(message)

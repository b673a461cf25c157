"""HTTP/1.1 to one client: h11 knows the protocol, this moves its bytes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import h11

from tasks.controls.bodies import pieces, without_length
from tasks.controls.exchange import Answer, Asked

_CHUNK_BYTES = 65536
_BODYLESS = (204, 304)


class Wire:
    """One client's connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=_CHUNK_BYTES)

    async def request(self) -> Asked | None:
        """The next request; None when the client is done.

        Raises:
            h11.RemoteProtocolError: this is not HTTP.
        """
        event = await self._event()
        if not isinstance(event, h11.Request):
            return None
        headers = [(bytes(k), bytes(v)) for k, v in event.headers.raw_items()]
        return Asked(event.method.decode(), event.target, headers, self._body())

    async def _event(self) -> object:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            if self._http.they_are_waiting_for_100_continue:
                await self._send(h11.InformationalResponse(status_code=100, headers=[]))
            self._http.receive_data(await self.reader.read(_CHUNK_BYTES))
        return event

    async def _body(self) -> AsyncIterator[bytes]:
        try:
            while isinstance(event := await self._event(), h11.Data):
                yield bytes(event.data)
        except h11.RemoteProtocolError as error:
            raise ConnectionResetError("the client broke off") from error

    async def send(self, asked: Asked, answer: Answer) -> None:
        """Send an answer, piece by piece as it comes."""
        headers = without_length(answer.headers) if answer.status == 204 else answer.headers
        await self._send(
            h11.Response(status_code=answer.status, headers=headers, reason=answer.reason)
        )
        if asked.method != "HEAD" and answer.status not in _BODYLESS:
            async for piece in pieces(answer.body):
                await self._send(h11.Data(data=piece))
        await self._send(h11.EndOfMessage())

    async def _send(self, event: h11.Event) -> None:
        if data := self._http.send(event):
            self.writer.write(data)
            await self.writer.drain()

    async def again(self, asked: Asked) -> bool:
        """Whether the client may ask again on this connection; the rest of its request is read."""
        if self._http.our_state is not h11.DONE:
            return False
        async for _ in asked.body:
            pass
        if self._http.their_state is not h11.DONE:
            return False
        self._http.start_next_cycle()
        return True

    async def refuse(self) -> None:
        """Answer what was not HTTP."""
        if self._http.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            headers = [(b"Content-Length", b"0"), (b"Connection", b"close")]
            await self._send(h11.Response(status_code=400, headers=headers))
            await self._send(h11.EndOfMessage())

    async def rest(self) -> bytes:
        """What came after the head of a handshake: it is no longer HTTP."""
        await self._event()
        return self._http.trailing_data[0]

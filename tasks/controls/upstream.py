"""The real target, asked on behalf of a client and answered for as it answered."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.typing import Subprotocol

from data.rules.mutation import Headers, Moves
from tasks.controls.bodies import as_bytes, as_text, typed, with_length, without_length
from tasks.controls.exchange import CUT, Answer, Asked, Ending, Message, Talk
from tasks.controls.sockets import MOST_BYTES

_CONNECT_S = 10.0
_READ_S = 120.0
_CLOSE_S = 1.0
_GONE = (1005, CUT, 1015)
# Of one connection only (RFC 9110 7.6.1), or made anew for the other one.
_HOP = frozenset(
    b"connection keep-alive proxy-connection proxy-authenticate proxy-authorization te trailer"
    b" transfer-encoding upgrade".split()
)
_ASKING = _HOP | {b"host", b"accept-encoding", b"expect"}
_SHAKING = _ASKING | {
    b"sec-websocket-key", b"sec-websocket-version", b"sec-websocket-extensions",
    b"sec-websocket-protocol", b"sec-websocket-accept",
}  # fmt: skip
_SHOOK = _SHAKING | {b"date", b"content-length"}


class Upstream:
    """One service of the real target."""

    def __init__(
        self, url: str, moves: Moves, http: httpx.AsyncClient, trust: ssl.SSLContext
    ) -> None:
        """`url`: the service's address; only its origin is used, a request brings its path."""
        parts = urlsplit(url)
        secure = parts.scheme in ("https", "wss")
        self._http_origin = f"{'https' if secure else 'http'}://{parts.netloc}"
        self._ws_origin = f"{'wss' if secure else 'ws'}://{parts.netloc}"
        self._moves, self._http = moves, http
        self._trust = trust if secure else None

    @asynccontextmanager
    async def answer(self, asked: Asked) -> AsyncIterator[Answer]:
        """What the target answers; 502 where it cannot be asked."""
        try:
            response = await self._http.send(self._request(asked), stream=True)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            yield _unreachable(error)
            return
        try:
            yield self._answer(response)
        finally:
            await response.aclose()

    def _request(self, asked: Asked) -> httpx.Request:
        headers = self._headers(asked, _ASKING)
        headers.append((b"Accept-Encoding", b"identity"))  # a mutation must be able to read it
        url = httpx.URL(self._http_origin).copy_with(raw_path=asked.target)
        has_body = asked.values(b"content-length") or asked.values(b"transfer-encoding")
        return httpx.Request(
            asked.method, url, headers=headers, content=asked.body if has_body else None
        )

    def _headers(self, asked: Asked, without: frozenset[bytes]) -> Headers:
        kept = [(name, value) for name, value in asked.headers if name.lower() not in without]
        return self._moves.inward(kept)

    def _answer(self, response: httpx.Response) -> Answer:
        headers = [(k, v) for k, v in response.headers.raw if k.lower() not in _HOP]
        packed = response.headers.get("content-encoding", "").lower() in ("gzip", "deflate")
        if packed:  # though asked for plain bytes
            headers = without_length(headers)
        pieces = response.aiter_bytes() if packed else response.aiter_raw()
        return Answer(
            response.status_code, self._moves.outward(headers), _whole_or_broken(pieces),
            response.extensions.get("reason_phrase", b""),
        )  # fmt: skip

    @asynccontextmanager
    async def open(self, asked: Asked) -> AsyncIterator[Answer | Talk]:
        """The target's conversation, or how it refused the handshake; 502 where it broke."""
        try:
            connection = await self._connect(asked)
        except InvalidStatus as error:
            yield self._refusal(error)
            return
        except (OSError, WebSocketException) as error:
            yield _unreachable(error)
            return
        try:
            yield self._talk(connection)
        finally:
            await connection.close()

    async def _connect(self, asked: Asked) -> ClientConnection:
        headers = as_text(self._headers(asked, _SHAKING))
        offered = [Subprotocol(name) for name in asked.subprotocols]
        return await connect(
            self._ws_origin + asked.target.decode("latin-1"),
            additional_headers=headers, user_agent_header=None, subprotocols=offered or None,
            compression=None, max_size=MOST_BYTES, proxy=None, ping_interval=None,
            ssl=self._trust, open_timeout=_CONNECT_S, close_timeout=_CLOSE_S,
        )  # fmt: skip

    def _refusal(self, error: InvalidStatus) -> Answer:
        response, body = error.response, error.response.body or b""
        headers = as_bytes(response.headers.raw_items())
        kept = [(k, v) for k, v in headers if k.lower() not in _HOP]
        moved = with_length(self._moves.outward(kept), len(body))
        return Answer(response.status_code, moved, bytes(body), response.reason_phrase.encode())

    def _talk(self, connection: ClientConnection) -> Talk:
        assert connection.response is not None
        headers = as_bytes(connection.response.headers.raw_items())
        kept = [(k, v) for k, v in headers if k.lower() not in _SHOOK]
        return _Real(connection, self._moves.outward(kept))


class _Real(Talk):
    """A conversation with the target itself."""

    def __init__(self, connection: ClientConnection, headers: Headers) -> None:
        super().__init__(connection.subprotocol, headers)
        self._connection = connection

    async def messages(self) -> AsyncIterator[Message]:
        with suppress(ConnectionClosed):
            while True:
                yield await self._connection.recv()

    async def hear(self, message: Message) -> None:
        with suppress(ConnectionClosed):  # `messages` is over then, and says so
            await self._connection.send(message)

    def ended(self) -> Ending:
        return Ending(self._connection.close_code or CUT, self._connection.close_reason or "")

    async def leave(self, ending: Ending) -> None:
        code = 1001 if ending.code == CUT else 1000 if ending.code in _GONE else ending.code
        await self._connection.close(code, ending.reason)


@asynccontextmanager
async def real_client(trust: ssl.SSLContext) -> AsyncIterator[httpx.AsyncClient]:
    """One client for all services of a control: no proxies, no redirects, no bound on how many."""
    limits = httpx.Limits(max_connections=None, keepalive_expiry=2.0)
    timeout = httpx.Timeout(_READ_S, connect=_CONNECT_S)
    async with httpx.AsyncClient(
        verify=trust, trust_env=False, limits=limits, timeout=timeout
    ) as http:
        yield http


async def _whole_or_broken(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """A body that breaks off must break off for the client too."""
    try:
        async for piece in pieces:
            yield piece
    except httpx.HTTPError as error:
        raise ConnectionAbortedError(str(error)) from error


def _unreachable(error: Exception) -> Answer:
    body = f"the target cannot be asked: {error or type(error).__name__}".encode()
    return Answer(502, typed("text/plain; charset=utf-8", body), body, b"Bad Gateway")

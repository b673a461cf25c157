"""HTTP/1.1 without a queue of its own: the client of a load.

A shared httpx client tells 118 ms where a server takes 20 ms and 50 requests are in flight; what
it measures then is itself. Here each answer gets the time at which the loop handed over its last
byte. The parser is httptools (llhttp); redirects are not followed, and a connection is used again
while the server keeps it.
"""

from __future__ import annotations

import asyncio
import json
import re
import zlib
from collections import defaultdict
from collections.abc import Sequence
from time import perf_counter
from typing import cast
from urllib.parse import urlsplit

import httptools
import httpx

from data.errors import UsageError
from data.records.step_plan import HttpRequest
from data.rules.journey.moves import Broke, Responded
from tasks.probes import tcp
from tasks.probes.clients import AGENT, KEEP_ALIVE_S
from tasks.probes.faults import network_problem
from tasks.probes.tcp import Place

_REPEATABLE = ("GET", "HEAD", "OPTIONS", "PUT", "DELETE")  # RFC 9110 9.2.2
_MOST_BYTES = 64 * 2**20
_CHARSET = "charset="
_BREAK = re.compile("[\r\n]")


class ClosedEarlyError(Exception):
    """The server hung up before the answer was whole. `args[0]`: whether any of it came."""


class TooBigError(Exception):
    """The body is longer than any plan needs."""


class NotHttpError(Exception):
    """What came is no HTTP."""


class Wire(asyncio.Protocol):
    """One connection: one request at a time."""

    def __init__(self) -> None:
        self.idle_since_s = perf_counter()
        self.is_open = True
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._answer.cancel()
        self._reset("GET")

    def _reset(self, method: str) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._has_body = method != "HEAD"
        self._is_framed = self._has_begun = self._is_whole = self._keeps = False
        self.headers: dict[str, str] = {}
        self.cookies: list[str] = []
        self._body: list[bytes] = []
        self._size = 0
        self.status = 0

    # What the loop says

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        now_s = perf_counter()
        self._has_begun = True
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(NotHttpError(str(error)))
            return
        if self._is_whole:
            self._end(now_s)
        elif self._size > _MOST_BYTES:
            self._fail(TooBigError(f"the body is longer than {_MOST_BYTES} bytes"))

    def connection_lost(self, error: Exception | None) -> None:
        self.is_open = False
        if self.status and not self._is_framed and error is None:
            self._end(perf_counter())  # the close is the end of the body (RFC 9112 6.3)
        elif not self._answer.done():
            self._answer.set_exception(error or ClosedEarlyError(self._has_begun))

    # What the parser says

    def on_header(self, name: bytes, value: bytes) -> None:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        if key == "set-cookie":
            self.cookies.append(text)
        self._is_framed |= key in ("content-length", "transfer-encoding")
        self.headers[key] = f"{self.headers[key]}, {text}" if key in self.headers else text

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()
        self._keeps = self._parser.should_keep_alive() and self._has_body
        if self.status < 200:
            self.headers, self.status = {}, 0
        elif not self._has_body or self.status in (204, 304):
            self._is_whole = self._is_framed = True

    def on_body(self, part: bytes) -> None:
        self._body.append(part)
        self._size += len(part)

    def on_message_complete(self) -> None:
        self._is_whole |= self.status >= 200

    # What the client says

    async def exchange(self, method: str, payload: bytes, within_s: float) -> tuple[float, float]:
        """Send a request and hear its answer: (started_s, ended_s).

        Raises:
            TimeoutError, OSError, ClosedEarlyError, NotHttpError: no whole answer.
        """
        loop = asyncio.get_running_loop()
        self._reset(method)
        self._answer = loop.create_future()
        alarm = loop.call_later(within_s, self._fail, TimeoutError())
        started_s = perf_counter()
        assert self._transport
        self._transport.write(payload)
        try:
            return started_s, await self._answer
        except asyncio.CancelledError:
            self.close()
            raise
        finally:
            alarm.cancel()

    def text(self) -> str:
        """The body, decoded as its headers say."""
        body = b"".join(self._body)
        if self.headers.get("content-encoding", "").lower() in ("gzip", "deflate") and body:
            body = zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(body, _MOST_BYTES)
        kind = self.headers.get("content-type", "").lower()
        charset = kind.partition(_CHARSET)[2].split(";")[0].strip('" ') or "utf-8"
        try:
            return body.decode(charset, "replace")
        except LookupError:
            return body.decode("utf-8", "replace")

    def close(self) -> None:
        """Hang up."""
        self.is_open = False
        if self._transport:
            self._transport.abort()

    def _end(self, now_s: float) -> None:
        self.idle_since_s = now_s
        if not self._answer.done():
            self._answer.set_result(now_s)
        if not self._keeps:
            self.close()

    def _fail(self, error: Exception) -> None:
        if not self._answer.done():
            self._answer.set_exception(error)
        self.close()


class WireClient:
    """The connections of a load, used again while they are fresh."""

    def __init__(self) -> None:
        self._idle: dict[Place, list[Wire]] = defaultdict(list)
        self._all: set[Wire] = set()

    async def ask(self, spec: HttpRequest, cookies: httpx.Cookies) -> Responded | Broke:
        """See `Client.ask`. A connection that the server gave up while idle is not its failure."""
        place, payload = written(spec, cookies)
        started_s = perf_counter()
        deadline_s = started_s + spec.timeout
        while True:
            wire = self._fresh(place)
            is_old = wire is not None
            stage = "http"
            try:
                if wire is None:
                    opened = await self._open(place, deadline_s)
                    if isinstance(opened, Broke):
                        return opened
                    wire = opened
                _, ended_s = await wire.exchange(
                    spec.method, payload, max(0.0, deadline_s - perf_counter())
                )
            except (OSError, ClosedEarlyError, NotHttpError, TooBigError) as error:
                if is_old and _is_stale(error) and spec.method in _REPEATABLE:
                    continue
                return broke(error, stage)
            return self._heard(wire, place, spec, cookies, started_s, ended_s)

    async def _open(self, place: Place, deadline_s: float) -> Wire | Broke:
        stage = tcp.Stage()
        try:
            async with asyncio.timeout(max(0.0, deadline_s - perf_counter())):
                wire = await tcp.wired(Wire, place, stage)
        except OSError as error:
            return broke(error, stage.name)
        self._all.add(wire)
        return wire

    def _fresh(self, place: Place) -> Wire | None:
        idle = self._idle[place]
        while idle:
            wire = idle.pop()  # the one that was used last is the one that surely still lives
            if wire.is_open and perf_counter() - wire.idle_since_s < KEEP_ALIVE_S:
                return wire
            self._drop(wire)
        return None

    def _drop(self, wire: Wire) -> None:
        wire.close()
        self._all.discard(wire)

    def _heard(
        self, wire: Wire, place: Place, spec: HttpRequest, cookies: httpx.Cookies,
        started_s: float, ended_s: float,
    ) -> Responded | Broke:  # fmt: skip
        try:
            text = wire.text()
        except zlib.error as error:
            self._drop(wire)
            return Broke("http/encoding", f"the body cannot be unpacked: {error}", ended_s)
        keep_cookies(cookies, wire.cookies, spec)
        responded = Responded(wire.status, wire.headers, text, started_s, ended_s)
        if wire.is_open:
            self._idle[place].append(wire)
        else:
            self._drop(wire)
        return responded

    def close(self) -> None:
        """Hang up everywhere."""
        for wire in self._all:
            wire.close()
        self._all.clear()
        self._idle.clear()


def _is_stale(error: Exception) -> bool:
    return isinstance(error, ConnectionError) or (
        isinstance(error, ClosedEarlyError) and not error.args[0]
    )


def written(spec: HttpRequest, cookies: httpx.Cookies) -> tuple[Place, bytes]:
    """The request as bytes, and where it goes."""
    place, parts = tcp.place(spec.url, tcp.HTTP), urlsplit(spec.url)
    body, kind = _body(spec)
    headers = {"Host": parts.netloc.rpartition("@")[2], "User-Agent": AGENT, "Accept": "*/*",
               "Accept-Encoding": "gzip, deflate", **_user(parts.username, parts.password),
               **kind, **_kept(spec, cookies), **spec.headers}  # fmt: skip
    if body or spec.method in ("POST", "PUT", "PATCH"):
        headers["Content-Length"] = str(len(body))
    path = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
    lines = [f"{spec.method} {path} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if any(_BREAK.search(line) for line in lines):
        raise UsageError(f"cannot send {spec.method} {spec.url}: a line break in a header")
    return place, "\r\n".join([*lines, "\r\n"]).encode() + body


def _body(spec: HttpRequest) -> tuple[bytes, dict[str, str]]:
    if spec.body is not None:
        return spec.body.encode(), {}
    if spec.json_body is None:
        return b"", {}
    return json.dumps(spec.json_body).encode(), {"Content-Type": "application/json"}


def _user(name: str | None, password: str | None) -> dict[str, str]:
    if name is None:
        return {}
    request = httpx.Request("GET", "http://x")
    flow = httpx.BasicAuth(name, password or "").auth_flow(request)
    return {"Authorization": next(flow).headers["Authorization"]}


def keep_cookies(cookies: httpx.Cookies, values: Sequence[str], spec: HttpRequest) -> None:
    """Take the `Set-Cookie` values of an answer over."""
    if values:
        asked = httpx.Request(spec.method, spec.url)
        answer = [("set-cookie", value) for value in values]
        cookies.extract_cookies(httpx.Response(200, headers=answer, request=asked))


def _kept(spec: HttpRequest, cookies: httpx.Cookies) -> dict[str, str]:
    if not cookies:
        return {}
    request = httpx.Request(spec.method, spec.url)
    cookies.set_cookie_header(request)
    return {"Cookie": request.headers["cookie"]} if "cookie" in request.headers else {}


def broke(error: Exception, stage: str) -> Broke:
    """What an exception means that ended a request at `stage`."""
    now_s = perf_counter()
    if isinstance(error, ClosedEarlyError):
        return Broke("http/closed-early", "the server hung up before the answer was whole", now_s)
    if isinstance(error, NotHttpError):
        return Broke("http/not-http", str(error), now_s)
    if isinstance(error, TooBigError):
        return Broke("http/too-big", str(error), now_s)
    problem = network_problem(error, stage)
    signature, message = problem or ("tcp/failed/unknown", str(error))
    return Broke(signature, message, now_s)

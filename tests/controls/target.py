"""A sound little target: HTTP and WebSocket on one port, plain or with TLS, and what it was asked."""

from __future__ import annotations

import asyncio
import gzip
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import h11
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

BIG = b"0123456789abcdef" * 2**16  # 1 MiB
STREAM = b'event: begun\ndata: {"user_id":"usr_42"}\n\ndata: {"type":"done"}\ndata:\n\n: quiet\n\ndata: end'
EVENTS = ("agent_started", "tool_executing", "tool_completed", "agent_completed")


@dataclass
class Seen:
    """What the target was asked."""

    url: str = ""
    ws_url: str = ""
    other: Any = None
    heads: list[str] = field(default_factory=list)
    n_bytes: int = 0
    leaves: list[tuple[int | None, str]] = field(default_factory=list)


@asynccontextmanager
async def target(
    tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> AsyncIterator[tuple[Seen, Seen]]:
    """(HTTP service, WebSocket service), each with an address of its own."""
    http, talk = Seen(), Seen()
    http.other = talk
    letter = "s" if tls else ""
    async with _http(http, tls) as port, _sockets(talk, tls) as ws_port:
        http.url = f"http{letter}://{host}:{port}"
        talk.url = f"http{letter}://{host}:{ws_port}"
        talk.ws_url = f"ws{letter}://{host}:{ws_port}"
        yield http, talk


@asynccontextmanager
async def _http(seen: Seen, tls: ssl.SSLContext | None) -> AsyncIterator[int]:
    tasks: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(_requests(seen, reader, writer))
        tasks.add(task)

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _requests(seen: Seen, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    http = h11.Connection(h11.SERVER)
    body = b""
    request: h11.Request | None = None
    with suppress(OSError, h11.RemoteProtocolError):
        while True:
            event = http.next_event()
            if event is h11.NEED_DATA:
                if http.they_are_waiting_for_100_continue:
                    writer.write(
                        http.send(h11.InformationalResponse(status_code=100, headers=[])) or b""
                    )
                http.receive_data(await reader.read(65536))
            elif isinstance(event, h11.Request):
                request, body = event, b""
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                assert request
                await _answer(seen, http, request, body, writer)
                if http.our_state is not h11.DONE:
                    break
                http.start_next_cycle()
            else:
                break
    writer.close()


async def _answer(
    seen: Seen,
    http: h11.Connection,
    request: h11.Request,
    body: bytes,
    writer: asyncio.StreamWriter,
) -> None:
    head = {k.decode(): v.decode() for k, v in request.headers}
    seen.heads.append(f"{request.method.decode()} {request.target.decode()} {json.dumps(head)}")
    seen.n_bytes += len(body)
    status, headers, answer = _route(seen, request.target.decode(), head, body)
    cut = headers.pop("cut", "")
    if "chunked" not in headers:
        headers["Content-Length"] = str(len(answer) + (100 if cut else 0))
    headers.pop("chunked", None)
    out = http.send(h11.Response(status_code=status, headers=list(headers.items()))) or b""
    if request.method != b"HEAD":
        out += http.send(h11.Data(data=answer)) or b""
    if cut:
        writer.write(out)
        await writer.drain()
        raise ConnectionResetError
    writer.write(out + (http.send(h11.EndOfMessage()) or b""))
    await writer.drain()


def _route(
    seen: Seen, path: str, head: dict[str, str], body: bytes
) -> tuple[int, dict[str, str], bytes]:
    known: dict[str, Callable[[], tuple[int, dict[str, str], bytes]]] = {
        "/api/me": lambda: _me(head),
        "/api/big": lambda: (200, {"Content-Type": "application/octet-stream"}, BIG),
        "/api/chunked": lambda: (200, {"chunked": "1", "Content-Type": "application/json"}, b'{"user_id":"usr_1"}'),
        "/api/zipped": lambda: (200, {"Content-Encoding": "gzip", "Content-Type": "application/json"}, gzip.compress(b'{"user_id":"usr_1"}')),
        "/api/echo": lambda: (200, {"Content-Type": "application/octet-stream"}, body),
        "/api/moved": lambda: (302, {"Location": f"{seen.url}/api/me"}, b""),
        "/api/cookie": lambda: (200, {"Set-Cookie": "sid=1; Domain=example.com; Path=/; Secure; HttpOnly"}, b"{}"),
        "/api/cut": lambda: (200, {"cut": "1"}, b"half"),
        "/api/discovery": lambda: (200, {"Content-Type": "application/json"}, json.dumps({"me": f"{seen.url}/api/me", "chat": seen.other.ws_url}).encode()),
        "/api/events": lambda: (200, {"chunked": "1", "Content-Type": "text/event-stream; charset=utf-8"}, STREAM),
        "/api/none": lambda: (204, {}, b""),
    }  # fmt: skip
    if path.startswith("/api/threads/"):
        thread = path.rsplit("/", 1)[1]
        return 200, {"Content-Type": "application/json"}, json.dumps({"id": thread}).encode()
    return known[path]() if path in known else (404, {}, b"no such place")


def _me(head: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
    if head.get("authorization") != "Bearer good":
        return 401, {"Content-Type": "application/json"}, b'{"detail":"who are you?"}'
    me = {"user": {"user_id": "usr_42", "email": "ann@example.com", "age": 7}}
    return 200, {"Content-Type": "application/json"}, json.dumps(me).encode()


@asynccontextmanager
async def _sockets(seen: Seen, tls: ssl.SSLContext | None) -> AsyncIterator[int]:
    async def talk(socket: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            await _talk(socket)
        await socket.wait_closed()
        seen.leaves.append((socket.close_code, socket.close_reason or ""))

    def check(socket: ServerConnection, request: Request) -> Response | None:
        seen.heads.append(f"GET {request.path} {json.dumps(dict(request.headers.raw_items()))}")
        good = request.headers.get("Authorization") == "Bearer good" or request.path == "/ws/late"
        headers = Headers({"Content-Length": "2", "X-Why": "token"})
        return None if good else Response(403, "Forbidden", headers, b"no")

    async with serve(
        talk, "127.0.0.1", 0, ssl=tls, process_request=check, select_subprotocol=_second, close_timeout=0.5
    ) as server:  # fmt: skip
        yield _port(server)


def _second(_: ServerConnection, offered: object) -> str | None:
    names = list(offered)  # type: ignore[call-overload]
    return names[1] if len(names) > 1 else None


def _port(server: Server) -> int:
    port: int = next(iter(server.sockets)).getsockname()[1]
    return port


async def _talk(socket: ServerConnection) -> None:
    assert socket.request
    if socket.request.path == "/ws/late":  # opens first, refuses afterwards
        await socket.close(1008, "no token")
        return
    await socket.send('{"type":"hello","user_id":"usr_42"}')
    async for text in socket:
        if text == "bye":
            await socket.close(4000, "as you wish")
            return
        if isinstance(text, bytes):
            await socket.send(text)
            continue
        for name in EVENTS:
            await socket.send(
                json.dumps({"type": name, "payload": {"user_id": "usr_42", "said": text}})
            )
            await asyncio.sleep(0.01)

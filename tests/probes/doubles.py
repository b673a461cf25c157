"""Targets on free loopback ports: one good service, and each way of being broken."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from pydantic import TypeAdapter
from websockets.asyncio.server import Server, ServerConnection, serve

from data.records.facts import ProbeResult, Sample
from data.records.orders import ProbeOrder
from data.records.probe_plan import HttpProbe, JourneyProbe, ProbePlan
from tasks.probes import run_probe

FIVE = ("began", "thought", "tool_on", "tool_off", "ended")
GAPS_S = (0.004, 0.011, 0.007, 0.015)
Talk = Callable[[ServerConnection], Awaitable[None]]
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Answer = Callable[[str, str], bytes]


def read(probe: dict[str, Any]) -> HttpProbe | JourneyProbe:
    found: HttpProbe | JourneyProbe = TypeAdapter(ProbePlan).validate_python(probe)
    return found


def order(probe: dict[str, Any], attempt: int = 1, **variables: str) -> ProbeOrder:
    return ProbeOrder(
        run_id="r1", phase="p1", probe=read({"id": "probe", **probe}), variables=variables,
        attempt=attempt,
    )  # fmt: skip


async def run(one: ProbeOrder) -> tuple[list[Sample], ProbeResult]:
    """Samples and the result of a probe."""
    lines = [line async for line in run_probe(one)]
    samples, result = lines[:-1], lines[-1]
    assert isinstance(result, ProbeResult)
    return [line for line in samples if isinstance(line, Sample)], result


def chat(url: str, **terms: Any) -> dict[str, Any]:
    """A journey over `url`: open, ask, hear five events, close."""
    expect = {
        "events": list(FIVE), "every": {"user": "u-1"}, "same": ["run"], "within": "2s",
        "errors": ["failure"], "distinct_gaps": True,
        "answer": {"event": "ended", "path": "result", "uses": ["{{nonce}}"],
                   "not_echo": "add two and two for {{nonce}}", "forbid": ["Agent response for:"]},
        "metrics": {"first": "first_event", "last": "message"},
    }  # fmt: skip
    open_ = {"url": url, "headers": {"Authorization": "Bearer good"}, "within": "2s", "metric": "connect",
             "first": {"fields": {"type": "hello"}, "within": "500ms"}}  # fmt: skip
    steps = [{"open": open_}, {"send": {"json": {"text": "add two and two for {{nonce}}"}}},
             {"expect": expect}, {"close": {}}]  # fmt: skip
    return {"kind": "journey", "steps": steps, "total_metric": "whole", "retries": 0, **terms}


def good_events(text: str) -> list[dict[str, Any]]:
    nonce = text.split()[-1]
    events = [{"type": name, "user": "u-1", "run": "r-9"} for name in FIVE]
    events[-1]["result"] = f"For {nonce} the sum is 4."
    return events


async def say(socket: ServerConnection, events: list[dict[str, Any]], gaps_s: Any = GAPS_S) -> None:
    for event, gap_s in zip(events, (*gaps_s, 0.0), strict=False):
        await socket.send(json.dumps(event))
        await asyncio.sleep(gap_s)


async def heard(socket: ServerConnection) -> str:
    """Greet and hear one question."""
    await socket.send('{"type": "hello"}')
    found: str = json.loads(await socket.recv())["text"]
    return found


async def good(socket: ServerConnection) -> None:
    await say(socket, good_events(await heard(socket)))
    await socket.wait_closed()


@asynccontextmanager
async def talking(talk: Talk, **options: Any) -> AsyncIterator[str]:
    """A WebSocket server whose sockets are handled by `talk`."""
    async with serve(talk, "127.0.0.1", 0, **{"close_timeout": 0.2, **options}) as server:
        yield f"ws://127.0.0.1:{port_of(server)}"


def port_of(server: Server | asyncio.Server) -> int:
    port: int = next(iter(server.sockets)).getsockname()[1]
    return port


@asynccontextmanager
async def raw(answer: Answer, **options: Any) -> AsyncIterator[int]:
    """A TCP server that reads one head after the other and writes what `answer` makes of it.

    An empty answer hangs up; `answer` gets the head and the body.
    """

    async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (head := await _head(reader)) and (reply := answer(*head)):
            writer.write(reply)
            await writer.drain()

    async with listening(serve_one, **options) as port:
        yield port


async def mute(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
    """Accept and never say a word."""
    await asyncio.sleep(60)


@asynccontextmanager
async def listening(serve_one: Serve, **options: Any) -> AsyncIterator[int]:
    """A TCP server on a free port that leaves no connection behind."""
    handlers: set[asyncio.Task[Any]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        handlers.add(task)
        try:
            await serve_one(reader, writer)
        except (asyncio.CancelledError, ConnectionError):
            pass
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, **options)
    try:
        yield port_of(server)
    finally:
        server.close()
        for task in handlers:
            task.cancel()
        await asyncio.gather(*handlers, return_exceptions=True)
        await asyncio.sleep(0)


async def _head(reader: asyncio.StreamReader) -> tuple[str, str] | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    lengths = [
        line.split(":")[1] for line in head.lower().splitlines() if "content-length:" in line
    ]
    body = await reader.readexactly(int(lengths[0])) if lengths else b""
    return head, body.decode()


def http(status: int = 200, body: Any = None, *headers: str) -> bytes:
    text = body if isinstance(body, str) else json.dumps(body)
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(text.encode())}", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n" + text).encode()


def upgraded(head: str, *headers: str) -> bytes:
    """A valid handshake answer with more headers (RFC 6455 4.2.2)."""
    key = next(line.split(": ")[1] for line in head.splitlines() if "Sec-WebSocket-Key" in line)
    digest = hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()
    lines = ["HTTP/1.1 101 X", "Upgrade: websocket", "Connection: Upgrade",
             f"Sec-WebSocket-Accept: {base64.b64encode(digest).decode()}", *headers]  # fmt: skip
    return ("\r\n".join(lines) + "\r\n\r\n").encode()

"""Clients that send anything and hang up at any moment: nothing is left, and nobody complains."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit

import pytest

from data.records.control import STANDARD, Control
from tasks.controls.serve import serve_control
from tasks.proxies import ContactProxy
from tests.controls.target import target

SEED = 20260731
HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer good\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
CHUNKED = b"POST /api/echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
LONG = b"POST /api/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n"
EVERY: list[Control | None] = [
    *STANDARD, Control(id="drop", kind="drop_event", event="tool_completed"),
    Control(id="reorder", kind="reorder", event="tool_completed"), Control(id="close", kind="close", after=2),
    Control(id="status", kind="status", status=204, path="/api/echo"), None,
]  # fmt: skip


def _frame(opcode: int, data: bytes) -> bytes:
    """A masked frame of a client (RFC 6455 5.2); a mask of zeros is one."""
    return bytes([0x80 | opcode, 0x80 | len(data)]) + bytes(4) + data


def _said(chance: Random) -> bytes:
    """What one client sends: requests, conversations, or nonsense."""
    go, close, ping = _frame(1, b"go"), _frame(8, b"\x03\xe8"), _frame(9, b"hi")
    whole = [
        b"GET /api/big HTTP/1.1\r\nHost: x\r\n\r\n" * 3,
        LONG + bytes(100_000),
        CHUNKED + b"0\r\n\r\n",
    ]
    talks = [
        go * 3,
        go + close,
        ping + _frame(1, b"\xff\xfe"),
        chance.randbytes(50),
        _frame(3, b""),
    ]
    torn = [chance.randbytes(200), LONG + bytes(5), CHUNKED, CHUNKED + b"zz\r\n", HANDSHAKE[:40]]
    return chance.choice([*whole, *(HANDSHAKE + talk for talk in talks), *torn])


async def _client(port: int, chance: Random) -> None:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(_said(chance))
        await writer.drain()
        async with asyncio.timeout(chance.random() * 0.2):
            await reader.read(chance.randrange(1, 100_000))
    except ConnectionRefusedError:
        return
    except OSError:  # a time-out too
        pass
    (writer.transport.abort if chance.random() < 0.5 else writer.close)()


def _left() -> tuple[int, int]:
    """Open files (on Linux) and tasks of this process."""
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.exists() else 0, len(asyncio.all_tasks())


@asynccontextmanager
async def _served(
    control: Control | None, services: dict[str, str]
) -> AsyncIterator[dict[str, str]]:
    """A control, or the contact proxy for None."""
    if control is None:
        async with ContactProxy(services) as proxy:
            yield proxy.urls
    else:
        async with serve_control(control, services) as urls:
            yield urls


@pytest.mark.parametrize("control", EVERY, ids=lambda c: c.id if c else "contact-proxy")
async def test_hanging_up_leaves_no_task_no_file_and_no_complaint(control: Control | None) -> None:
    complaints: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    chance = Random(SEED)
    async with target() as (http, talk):
        before = _left()
        async with _served(control, {"api": http.url, "chat": talk.url}) as urls:
            ports = [urlsplit(url).port or 0 for url in urls.values()]
            await asyncio.gather(*(_client(chance.choice(ports), chance) for _ in range(60)))
        for _ in range(100):
            gc.collect()  # what a hang-up left half read is closed by the loop, in tasks of its own
            await asyncio.sleep(0.02)
            if all(now <= then for now, then in zip(_left(), before, strict=True)):
                break
        else:
            pytest.fail(f"{_left()} files and tasks are left of {before}: {asyncio.all_tasks()}")
    assert complaints == []

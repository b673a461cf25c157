"""`python -m tests.load.chat_server`: the fastest honest chat server that Python gives, for loads.

It answers one text frame with five events and echoes a close, with as little work as can be, so
that a benchmark measures the client. `--delay` holds the answer back by a fixed time; `--freeze
AT FOR` stops the whole server once, AT seconds after its first connection. HTTP GETs are answered
with a small JSON document, after the same delay. `GET /clock` says what the server itself measured:
from the last byte of each question to the first byte of its answer, in ms.

It prints its port and ends with its standard input.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import hashlib
import json
import os
import sys
import time
from contextlib import suppress
from typing import cast

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
FIVE = ("began", "thought", "tool_on", "tool_off", "ended")
JSON = b'{"status": "ok"}'
HTTP = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n" + JSON


class Clock:
    """The server's own clock, and the one freeze that was ordered."""

    def __init__(self, delay_s: float, freeze: tuple[float, float] | None) -> None:
        self.delay_s = delay_s
        self.freeze = freeze
        self.waits_ms: list[float] = []
        self.started_s: float | None = None

    def started(self) -> None:
        if self.started_s is None:
            self.started_s = time.perf_counter()
            if self.freeze:
                asyncio.get_running_loop().call_later(self.freeze[0], time.sleep, self.freeze[1])


class Chat(asyncio.Protocol):
    """One connection."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.buffer = b""
        self.is_open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.clock.started()

    def data_received(self, data: bytes) -> None:
        came_s = time.perf_counter()
        self.buffer += data
        if not self.is_open and not self._head(came_s):
            return
        while self.is_open and (frame := self._frame()):
            self._answer(*frame, came_s)

    def _head(self, came_s: float) -> bool:
        """Answer one HTTP head; True once the connection speaks WebSocket."""
        head, found, rest = self.buffer.partition(b"\r\n\r\n")
        if not found:
            return False
        self.buffer = rest
        if b"Sec-WebSocket-Key" not in head:
            is_clock = head.startswith(b"GET /clock ")
            self._later(came_s, self._clock() if is_clock else HTTP, not is_clock)
            return False
        key = head.split(b"Sec-WebSocket-Key: ")[1].split(b"\r\n")[0]
        accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
        self.transport.write(
            b"HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        self.is_open = True
        return True

    def _clock(self) -> bytes:
        document = json.dumps(self.clock.waits_ms).encode()
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(document) + document

    def _frame(self) -> tuple[int, bytes] | None:
        """One masked frame of at most 64 KiB (RFC 6455 5.2)."""
        if len(self.buffer) < 6:
            return None
        opcode, size, at = self.buffer[0] & 15, self.buffer[1] & 127, 2
        if size == 126:
            size, at = int.from_bytes(self.buffer[2:4], "big"), 4
        if len(self.buffer) < at + 4 + size:
            return None
        mask, body = self.buffer[at : at + 4], self.buffer[at + 4 : at + 4 + size]
        self.buffer = self.buffer[at + 4 + size :]
        key = (mask * (size // 4 + 1))[:size]
        plain = int.from_bytes(body, "big") ^ int.from_bytes(key, "big")
        return opcode, plain.to_bytes(size, "big")

    def _answer(self, opcode: int, body: bytes, came_s: float) -> None:
        if opcode == 8:
            self.transport.write(bytes([0x88, len(body)]) + body)
            self.transport.close()
        elif opcode == 1:
            self._later(came_s, b"".join(_text(event) for event in _events(body)), True)

    def _later(self, came_s: float, said: bytes, counts: bool) -> None:
        if self.clock.delay_s and counts:
            left_s = self.clock.delay_s - (time.perf_counter() - came_s)
            asyncio.get_running_loop().call_later(left_s, self._say, came_s, said, counts)
        else:
            self._say(came_s, said, counts)

    def _say(self, came_s: float, said: bytes, counts: bool) -> None:
        if counts:
            self.clock.waits_ms.append((time.perf_counter() - came_s) * 1000)
        if not self.transport.is_closing():
            self.transport.write(said)


def _events(body: bytes) -> list[bytes]:
    asked = json.loads(body).get("text", "")
    last = json.dumps({"type": "ended", "user": "u-1", "run": "r-9", "result": f"For {asked}"})
    return [*(b'{"type": "%s", "user": "u-1", "run": "r-9"}' % one.encode() for one in FIVE[:-1]),
            last.encode()]  # fmt: skip


def _text(body: bytes) -> bytes:
    size = len(body)
    head = bytes([0x81, size]) if size < 126 else bytes([0x81, 126]) + size.to_bytes(2, "big")
    return head + body


async def serve(delay_s: float, freeze: tuple[float, float] | None, core: int | None) -> None:
    """Serve until standard input ends."""
    if core is not None:
        os.sched_setaffinity(0, {core})
    clock = Clock(delay_s, freeze)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Chat(clock), "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


def main() -> None:
    """Read the options and serve."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--delay", type=float, default=0.0, help="seconds")
    parser.add_argument("--freeze", type=float, nargs=2, help="at, for: seconds")
    parser.add_argument("--core", type=int, help="the only CPU to run on")
    given = parser.parse_args()
    with suppress(KeyboardInterrupt):
        import uvloop

        freeze = tuple(given.freeze) if given.freeze else None
        uvloop.run(serve(given.delay, freeze, given.core))  # type: ignore[arg-type]


if __name__ == "__main__":
    main()

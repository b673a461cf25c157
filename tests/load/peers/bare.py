"""`python -m tests.load.peers.bare PORT SECONDS`: websockets + uvloop, tuned, and nothing else.

The floor for a client in Python: 50 at a time connect with a token, send, hear five messages and
close. Nothing is judged, parsed or measured. It prints its journeys, seconds and CPU seconds.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

import uvloop
from websockets.asyncio.client import connect

AT_ONCE = 50
TOKEN = {"Authorization": "Bearer " + "x" * 200}


async def journey(port: int) -> None:
    """One journey of a user."""
    async with connect(
        f"ws://127.0.0.1:{port}/", additional_headers=TOKEN, compression=None, proxy=None,
        ping_interval=None,
    ) as socket:  # fmt: skip
        await socket.send('{"text": "say K7Q2-9XTM"}')
        for _ in range(5):
            await socket.recv()


async def load(port: int, seconds: float) -> int:
    """How many journeys a closed loop of 50 users ends in that time."""
    until_s, n = time.perf_counter() + seconds, 0

    async def user() -> None:
        nonlocal n
        while time.perf_counter() < until_s:
            await journey(port)
            n += 1

    await asyncio.gather(*(user() for _ in range(AT_ONCE)))
    return n


def main() -> None:
    """Run and print."""
    began_s, cpu_s = time.perf_counter(), time.process_time()
    n = uvloop.run(load(int(sys.argv[1]), float(sys.argv[2])))
    took = {"wall_s": time.perf_counter() - began_s, "cpu_s": time.process_time() - cpu_s}
    print(json.dumps({"n": n, **took}))


if __name__ == "__main__":
    main()

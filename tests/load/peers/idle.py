# mypy: ignore-errors
"""KiB of memory that each of N idle sockets takes: `idle.py ours|websockets|gevent PORT N`."""

import asyncio
import gc
import sys
import time
from pathlib import Path


def resident_kib():
    gc.collect()
    with Path("/proc/self/statm").open() as file:
        return int(file.read().split()[1]) * 4


async def ours(port):
    from data.rules.journey.moves import Connect
    from tasks.probes.sockets import open_socket

    plug, _ = await open_socket(
        Connect(f"ws://127.0.0.1:{port}/", {}, (), time.perf_counter() + 30)
    )
    return plug


async def bare(port):
    from websockets.asyncio.client import connect

    return await connect(
        f"ws://127.0.0.1:{port}/", compression=None, proxy=None, ping_interval=None
    )


async def asynchronous(open_one, port, n):
    kept = [await open_one(port)]
    before = resident_kib()
    while len(kept) < n:
        kept += await asyncio.gather(*(open_one(port) for _ in range(min(100, n - len(kept)))))
    print((resident_kib() - before) / (n - 1), flush=True)


def greenlets(port, n):
    from gevent import monkey

    monkey.patch_all()
    import gevent
    import websocket

    def live():
        kept.append(websocket.create_connection(f"ws://127.0.0.1:{port}/"))
        gevent.sleep(3600)

    kept, users = [], []
    gevent.spawn(live)
    gevent.sleep(0.5)
    before = resident_kib()
    while len(kept) < n:
        users += [gevent.spawn(live) for _ in range(min(100, n - len(kept)))]
        wanted = min(n, len(users) + 1)
        while len(kept) < wanted:
            if any(one.ready() for one in users):
                sys.exit(f"a socket could not be opened after {len(kept)}")
            gevent.sleep(0.01)
    print((resident_kib() - before) / (n - 1), flush=True)


kind, port, n = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
if kind == "gevent":
    greenlets(port, n)
else:
    import uvloop

    uvloop.run(asynchronous(ours if kind == "ours" else bare, port, n))
sys.stdout.flush()
__import__("os")._exit(0)  # the server need not hear N goodbyes

# mypy: ignore-errors
"""`python picows_chat.py PORT SECONDS`: picows' own core on uvloop, and nothing else.

The fastest WebSocket client that Python has, written in Cython: 50 at a time connect with a token,
send, hear five messages and close. Nothing is judged, parsed or measured.
"""

import asyncio
import json
import sys
import time

import uvloop
from picows import WSCloseCode, WSListener, WSMsgType, ws_connect

AT_ONCE = 50
TOKEN = [("Authorization", "Bearer " + "x" * 200)]


class User(WSListener):
    """One journey."""

    def __init__(self):
        self.n = 0
        self.loop = asyncio.get_running_loop()
        self.over = self.loop.create_future()

    def on_ws_frame(self, transport, frame):
        if frame.msg_type == WSMsgType.CLOSE:
            transport.disconnect()
            return
        self.n += 1
        if self.n == 5:
            transport.send_close(WSCloseCode.OK)

    def on_ws_disconnected(self, transport):
        if not self.over.done():
            self.over.set_result(None)


async def load(port, seconds):
    until_s, n = time.perf_counter() + seconds, 0

    async def user():
        nonlocal n
        while time.perf_counter() < until_s:
            transport, listener = await ws_connect(
                User, f"ws://127.0.0.1:{port}/", extra_headers=TOKEN, enable_auto_ping=False
            )
            transport.send(WSMsgType.TEXT, b'{"text": "say K7Q2-9XTM"}')
            await listener.over
            assert listener.n == 5, listener.n
            n += 1

    await asyncio.gather(*(user() for _ in range(AT_ONCE)))
    return n


began_s, cpu_s = time.perf_counter(), time.process_time()
ended = uvloop.run(load(int(sys.argv[1]), float(sys.argv[2])))
took = {"wall_s": time.perf_counter() - began_s, "cpu_s": time.process_time() - cpu_s}
print(json.dumps({"n": ended, **took}))

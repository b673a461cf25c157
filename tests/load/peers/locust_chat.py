# mypy: ignore-errors
"""The same journey as Locust users write it: websocket-client under gevent.

Runs in the peers' own environment, with PORT set; prints its CPU seconds when the test stops.
"""

import json
import os
import signal
import time

import websocket
from locust import User, constant, events, task

URL = f"ws://127.0.0.1:{os.environ['PORT']}/"
TOKEN = {"Authorization": "Bearer " + "x" * 200}
DONE = {"n": 0, "began_s": 0.0, "cpu_s": 0.0}


@events.test_start.add_listener
def begin(**_):
    signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, float(os.environ["SECONDS"]))
    DONE.update(n=0, began_s=time.perf_counter(), cpu_s=time.process_time())


def end(*_):
    """A signal of the kernel: Locust's own timers starve while 50 users never rest."""
    took = {"wall_s": time.perf_counter() - DONE["began_s"],
            "cpu_s": time.process_time() - DONE["cpu_s"]}  # fmt: skip
    print(json.dumps({"n": DONE["n"], **took}), flush=True)
    os._exit(0)


class Chatter(User):
    """One user of a closed loop."""

    wait_time = constant(0)

    @task
    def talk(self):
        began_s = time.perf_counter()
        socket = websocket.create_connection(URL, header=TOKEN, timeout=10)
        socket.send('{"text": "say K7Q2-9XTM"}')
        for _ in range(5):
            json.loads(socket.recv())
        socket.close()
        DONE["n"] += 1
        events.request.fire(
            request_type="WS", name="chat", response_length=0, exception=None,
            response_time=(time.perf_counter() - began_s) * 1000,
        )  # fmt: skip

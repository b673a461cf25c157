"""`python -m tasks.probes.load.worker`: one process of a load.

It reads a `LoadOrder` from its standard input (one line), says `ready`, reads the moment of the
start (seconds since the epoch), and writes JSON lines: progress, and the end. It ends at once when
its standard input does: that is how a load is stopped, and how it ends with a gate that was killed.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import time
from collections.abc import Callable, Coroutine
from time import perf_counter
from typing import Any

from data.errors import GoldenPathError
from data.records.load_order import LoadEnd, LoadOrder
from data.records.record import Record
from tasks.probes.load.generator import Generator

STOPPED = 3  # exit code of a process that was told to stop


def main() -> None:
    """Carry one part of a load."""
    given = LoadOrder.model_validate_json(sys.stdin.readline())
    _say("ready")
    line = sys.stdin.readline()
    if not line:
        os._exit(STOPPED)
    gc.freeze()  # what is loaded by now stays: no collection needs to look at it again
    gc.set_threshold(50_000, 20, 50)
    _runner()(_carry(given, perf_counter() + float(line) - time.time()))


def _runner() -> Callable[[Coroutine[Any, Any, None]], None]:
    """uvloop where it is: half again as many journeys a second."""
    try:
        import uvloop
    except ImportError:  # not built for this platform
        return asyncio.run
    return uvloop.run


async def _carry(given: LoadOrder, start_s: float) -> None:
    loop = asyncio.get_running_loop()
    loop.add_reader(sys.stdin.fileno(), _stop_at_end)
    terms = given.order.probe.load
    assert terms is not None
    try:
        end = await Generator(given, terms, start_s, lambda told: _say("progress", told)).run()
    except GoldenPathError as error:
        end = LoadEnd(error=str(error))
    _say("end", end)


def _stop_at_end() -> None:
    if not os.read(sys.stdin.fileno(), 4096):
        os._exit(STOPPED)


def _say(kind: str, told: Record | None = None) -> None:
    body = told.model_dump(mode="json") if told else None
    sys.stdout.write(f"{json.dumps({'kind': kind, 'body': body})}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()

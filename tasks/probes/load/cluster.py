"""Processes of a load on the machines of a Dask cluster (https://distributed.dask.org).

Each part is one task of the cluster, which starts the same process as here on the machine of its
worker and passes on what it says. A start is given as `now`, by the clock of each machine: clocks
need not agree. A part that hears nothing of its gate for some seconds stops its process.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from importlib import import_module
from typing import IO, Any

from data.errors import GoldenPathError, UsageError
from data.records.load_order import LoadOrder
from tasks.probes.load.member import COMMAND, READY_S, ROOT, Member, start_line

_CONNECT_S = 10.0
_ALIVE_S = 2.0  # how often a part hears that its gate lives
_LEASE_S = 15.0  # and how long it goes on without
_START, _STOP, _ALIVE = "start", "stop", "alive"


@asynccontextmanager
async def cluster_members(address: str, parts: Sequence[LoadOrder]) -> AsyncIterator[list[Member]]:
    """A member for each part, spread evenly over the workers of the cluster.

    Raises:
        UsageError: the extra is not installed, the scheduler not there, or the cluster too small.
    """
    try:
        dask = _dask()
    except ImportError as error:
        said = "a load on a Dask cluster needs the extra dask: pip install 'golden-path[dask]'"
        raise UsageError(said) from error
    try:
        client = await dask.Client(
            address, asynchronous=True, timeout=_CONNECT_S, set_as_default=False
        )
    except (OSError, ValueError) as error:
        raise UsageError(f"no Dask scheduler answers at {address}: {error}") from error
    async with client:
        threads: dict[str, int] = await client.nthreads()
        workers = _spread(address, threads, len(parts))
        name = f"goldenpath-{uuid.uuid4()}"
        places = zip(workers, parts, strict=True)
        yield [ClusterMember(client, name, worker, part) for worker, part in places]


def _dask() -> Any:
    """The engine, of which little is typed."""
    return import_module("distributed")


def _spread(address: str, threads: dict[str, int], n: int) -> list[str]:
    """The worker of each part: one after the other takes one, while it has threads left."""
    if sum(threads.values()) < n:
        raise UsageError(
            f"the Dask cluster at {address} has {sum(threads.values())} threads on {len(threads)} "
            f"workers, and the load wants {n} processes: lower `processes` or add workers"
        )
    rounds = range(max(threads.values()))
    return [at for turn in rounds for at in sorted(threads) if threads[at] > turn][:n]


class ClusterMember(Member):
    """A process on the machine of one worker."""

    def __init__(self, client: Any, name: str, worker: str, given: LoadOrder) -> None:
        super().__init__(given)
        self._client, self._worker = client, worker
        self._name = f"{name}-{given.part}"
        self._words: Any = None
        self._lines: Any = None
        self._future: Any = None
        self._pulse: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start it and wait until it is ready."""
        given, queue = self.given.model_dump_json(by_alias=True), _dask().Queue
        self._words = await queue(f"{self._name}-words", client=self._client)
        self._lines = await queue(f"{self._name}-lines", client=self._client)
        self._future = self._client.submit(
            carry_part, self._name, given, workers=[self._worker], pure=False, retries=0
        )
        self._pulse = asyncio.create_task(self._live())
        async with asyncio.timeout(READY_S):
            await self.heard()

    async def _live(self) -> None:
        while True:
            await self._words.put(_ALIVE)
            await asyncio.sleep(_ALIVE_S)

    async def begin(self, start_at: float) -> None:
        """Give the word."""
        await self._words.put(_START)

    async def heard(self) -> dict[str, Any]:
        """What it says next, or why it says no more."""
        assert self._future
        line = asyncio.ensure_future(self._lines.get())
        over = asyncio.ensure_future(self._future.result())
        await asyncio.wait({line, over}, return_when=asyncio.FIRST_COMPLETED)
        try:
            if line.done() or not over.exception():
                said: dict[str, Any] = json.loads(await line)
                if said["kind"] != "gone":
                    return said
            why = over.exception() if over.done() else "its process ended"
            raise GoldenPathError(f"the part of the load on {self._worker} is gone: {why}")
        finally:
            line.cancel()
            over.cancel()

    async def stop(self) -> None:
        """End it, if it still runs."""
        if self._pulse:
            self._pulse.cancel()
        await self._call_off()
        for queue in (self._words, self._lines):
            if queue:
                queue.close()

    async def _call_off(self) -> None:
        if self._future and not self._future.done():
            with suppress(Exception):  # a cluster that is gone carries no load either
                await self._words.put(_STOP)
                async with asyncio.timeout(_CONNECT_S):
                    await self._future.result()


def carry_part(name: str, given: str) -> None:
    """On a worker: start the process, and pass words to it and lines from it.

    Args:
        name: of the two queues; `words` come from the gate, `lines` go to it.
        given: a `LoadOrder` as JSON.
    """
    words, lines = _dask().Queue(f"{name}-words"), _dask().Queue(f"{name}-lines")
    process = subprocess.Popen(
        [sys.executable, *COMMAND], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        cwd=ROOT,
    )  # fmt: skip
    assert process.stdin and process.stdout
    passing = threading.Thread(target=_pass_on, args=(process.stdout, lines))
    passing.start()
    try:
        _say(process.stdin, given)
        _listen(process, words)
    finally:
        process.kill()
        process.wait()
        passing.join()


def _listen(process: subprocess.Popen[str], words: Any) -> None:
    heard_s = time.monotonic()
    assert process.stdin
    while process.poll() is None and time.monotonic() - heard_s < _LEASE_S:
        try:
            word = words.get(timeout=0.5)
        except TimeoutError:
            continue
        heard_s = time.monotonic()
        if word == _STOP:
            return
        if word == _START:
            _say(process.stdin, start_line())


def _say(stdin: IO[str], line: str) -> None:
    with suppress(BrokenPipeError):  # it died, which its silence tells
        stdin.write(f"{line}\n")
        stdin.flush()


def _pass_on(stdout: IO[str], lines: Any) -> None:
    for line in stdout:
        lines.put(line)
    lines.put(json.dumps({"kind": "gone", "body": None}))

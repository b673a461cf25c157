"""A load from outside: its processes, started together, watched, stopped and added up."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from data.errors import GoldenPathError, UsageError
from data.records.load import LoadTerms
from data.records.load_order import LoadEnd, LoadOrder, LoadProgress
from data.records.orders import ProbeOrder

_MOST_SAMPLES = 20_000
_READY_S = 60.0
_LEAD_S = 0.2  # from the word to the start, so that every process hears it in time
_ROOT = Path(__file__).parents[3]  # where `tasks` is found, installed or not
_COMMAND = ("-m", "tasks.probes.load.worker")
Progress = Callable[[Sequence[LoadProgress]], None]


async def carry(order: ProbeOrder, terms: LoadTerms, hear: Progress | None = None) -> list[LoadEnd]:
    """What each process measured. Cancelling it stops the load at once.

    Args:
        hear: is told the latest progress of each process whenever one of them speaks.

    Raises:
        UsageError: the plan asks for what cannot be done.
        GoldenPathError: a process of the load died.
    """
    crew = [_Member(order, part, terms.processes, hear) for part in range(terms.processes)]
    try:
        await asyncio.gather(*(member.start() for member in crew))
        start_at = time.time() + _LEAD_S
        latest: dict[int, LoadProgress] = {}
        ends = await asyncio.gather(*(member.end(start_at, latest) for member in crew))
    finally:
        await asyncio.gather(*(member.stop() for member in crew))
    if errors := [end.error for end in ends if end.error]:
        raise UsageError(errors[0])
    return list(ends)


class _Member:
    """One process."""

    def __init__(self, order: ProbeOrder, part: int, parts: int, hear: Progress | None) -> None:
        self._given = LoadOrder(
            order=order, part=part, parts=parts, most_samples=_MOST_SAMPLES // parts
        )
        self._hear = hear
        self._process: Process | None = None

    async def start(self) -> None:
        """Start it and wait until it is ready."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, *_COMMAND, stdin=PIPE, stdout=PIPE, start_new_session=True,
            limit=2**28, cwd=_ROOT,
        )  # fmt: skip
        await self._tell(self._given.model_dump_json(by_alias=True))
        async with asyncio.timeout(_READY_S):
            await self._heard()

    async def end(self, start_at: float, latest: dict[int, LoadProgress]) -> LoadEnd:
        """Give the word and listen until its end."""
        await self._tell(repr(start_at))
        while (said := await self._heard())["kind"] != "end":
            latest[self._given.part] = LoadProgress.model_validate_json(json.dumps(said["body"]))
            if self._hear:
                self._hear([latest[part] for part in sorted(latest)])
        return LoadEnd.model_validate_json(json.dumps(said["body"]))

    async def _tell(self, line: str) -> None:
        assert self._process and self._process.stdin
        with suppress(ConnectionError):  # it died: what it does not say any more tells so
            self._process.stdin.write(f"{line}\n".encode())
            await self._process.stdin.drain()

    async def _heard(self) -> dict[str, Any]:
        assert self._process and self._process.stdout
        line = await self._process.stdout.readline()
        if not line:
            code = await self._process.wait()
            raise GoldenPathError(f"a process of the load ended with code {code} in the middle")
        said: dict[str, Any] = json.loads(line)
        return said

    async def stop(self) -> None:
        """End it, if it still runs."""
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()

"""One process of a load, as its crew sees it, wherever it runs."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from abc import ABC, abstractmethod
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from data.errors import GoldenPathError
from data.records.load_order import LoadEnd, LoadOrder, LoadProgress

LEAD_S = 0.2  # from the word to the start, so that every process hears it in time
READY_S = 60.0
ROOT = Path(__file__).parents[3]  # where `tasks` is found, installed or not
COMMAND = ("-m", "tasks.probes.load.worker")
LIMIT_BYTES = 2**28  # of one line that a process says


class Member(ABC):
    """A process that carries one part of a load."""

    def __init__(self, given: LoadOrder) -> None:
        self.given = given

    @abstractmethod
    async def start(self) -> None:
        """Start it and wait until it is ready.

        Raises:
            GoldenPathError: it did not come up.
        """

    @abstractmethod
    async def begin(self, start_at: float) -> None:
        """Give the word: the load starts at this moment, in seconds since the epoch."""

    @abstractmethod
    async def heard(self) -> dict[str, Any]:
        """What it says next.

        Raises:
            GoldenPathError: it ended in the middle.
        """

    @abstractmethod
    async def stop(self) -> None:
        """End it, if it still runs."""

    async def end(self, start_at: float, tell: Callable[[int, LoadProgress], None]) -> LoadEnd:
        """Give the word and listen until its end."""
        await self.begin(start_at)
        while (said := await self.heard())["kind"] != "end":
            progress = LoadProgress.model_validate_json(json.dumps(said["body"]))
            tell(self.given.part, progress)
        return LoadEnd.model_validate_json(json.dumps(said["body"]))


class LocalMember(Member):
    """A process of this machine."""

    def __init__(self, given: LoadOrder) -> None:
        super().__init__(given)
        self._process: Process | None = None

    async def start(self) -> None:
        """Start it and wait until it is ready."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, *COMMAND, stdin=PIPE, stdout=PIPE, start_new_session=True,
            limit=LIMIT_BYTES, cwd=ROOT,
        )  # fmt: skip
        await self._tell(self.given.model_dump_json(by_alias=True))
        async with asyncio.timeout(READY_S):
            await self.heard()

    async def begin(self, start_at: float) -> None:
        """Give the word."""
        await self._tell(repr(start_at))

    async def _tell(self, line: str) -> None:
        assert self._process and self._process.stdin
        with suppress(ConnectionError):  # it died: what it does not say any more tells so
            self._process.stdin.write(f"{line}\n".encode())
            await self._process.stdin.drain()

    async def heard(self) -> dict[str, Any]:
        """What it says next."""
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


def start_line() -> str:
    """The word for a process that hears it now, by the clock of its own machine."""
    return repr(time.time() + LEAD_S)

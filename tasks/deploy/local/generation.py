"""The processes of one revision."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import random
import re
import signal
import socket
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_PR_SET_PDEATHSIG = 1
_STOP_GRACE_S = 3.0
_PORTS = range(20_000, 30_000)


@dataclass
class Child:
    """One running process and the loopback port that it was told to listen on."""

    process: asyncio.subprocess.Process
    port: int
    log: Path


@dataclass
class Generation:
    """One revision: what to start for each service, and what runs."""

    revision: str
    specs: dict[str, dict[str, Any]]
    logs: Path
    children: dict[str, Child] = field(default_factory=dict)

    @property
    def running(self) -> bool:
        """Whether every process of the revision is alive."""
        alive = [c.process.returncode is None for c in self.children.values()]
        return len(alive) == len(self.specs) and all(alive)

    async def start(self, timeout_s: float) -> str:
        """Start every process and wait until each listens. Returns "" or what went wrong."""
        for service, spec in self.specs.items():
            try:
                self.children[service] = await self._spawn(service, spec)
            except OSError as error:
                return f"{service}: {spec['argv'][0]} could not be started: {error}"
        waits = [_listening(name, child, timeout_s) for name, child in self.children.items()]
        problems = [text for text in await asyncio.gather(*waits) if text]
        return "; ".join(problems)

    async def stop(self) -> None:
        """SIGTERM to each process group, SIGKILL after 3 s."""
        children = [c for c in self.children.values() if c.process.returncode is None]
        for child in children:
            _signal(child.process.pid, signal.SIGTERM)
        waits = [asyncio.ensure_future(c.process.wait()) for c in children]
        if waits:
            await asyncio.wait(waits, timeout=_STOP_GRACE_S)
        for child in self.children.values():
            _signal(child.process.pid, signal.SIGKILL)
        self.children.clear()

    def log_tail(self, n_bytes: int = 4000) -> str:
        """The ends of the logs, each under its service's name."""
        tails = {name: _tail(child.log, n_bytes) for name, child in self.children.items()}
        return "\n".join(f"[{name}]\n{text}" for name, text in tails.items() if text.strip())

    async def _spawn(self, service: str, spec: dict[str, Any]) -> Child:
        port = free_port()
        env = {**spec["env"], "PORT": str(port)}
        argv = [part.replace("{{port}}", str(port)) for part in spec["argv"]]
        log = self.logs / f"{self.revision}.{service}.{port}.log"  # an older one may still write
        with log.open("wb") as out:
            process = await asyncio.create_subprocess_exec(
                *argv,
                cwd=spec["cwd"],
                env=env,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )
        return Child(process, port, log)


def free_port() -> int:
    """A loopback port that was free a moment ago.

    Not one of those that the kernel hands out by itself (ip_local_port_range, from 32768 on): on a
    busy machine somebody else would have it before the service listens.
    """
    for port in (*random.SystemRandom().sample(_PORTS, 50), 0):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise OSError("no loopback port is free")


async def _listening(service: str, child: Child, timeout_s: float) -> str:
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        if child.process.returncode is not None:
            why = last_words(_tail(child.log, 20_000))
            return f"{service} ended with exit code {child.process.returncode} at start: {why}"
        if await _accepts(child.port):
            return ""
        await asyncio.sleep(0.03)
    return f"{service} did not listen on its port within {timeout_s:g} s"


def last_words(log: str) -> str:
    """The last exception of a log, else its last line: what follows a traceback says less."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    named = [line for line in lines if re.match(r"(\(?[A-Za-z_][\w.]*(Error|Exception)\b)", line)]
    return (named or lines or [""])[-1][:300]


async def _accepts(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


def _die_with_parent() -> None:
    """Linux: the kernel kills the child when the supervisor is gone, even by kill -9."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def _tail(path: Path, n_bytes: int) -> str:
    with contextlib.suppress(OSError):
        return path.read_bytes()[-n_bytes:].decode("utf-8", "replace")
    return ""

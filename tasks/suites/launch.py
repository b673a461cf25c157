"""Start a suite behind its guard, and be sure that it can be ended."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from data.records.orders import Endpoint, SuiteOrder
from tasks.suites.files import WorkFiles, size_bytes

GRACE_S = 2.0
_HERE = Path(__file__).resolve().parent
WITNESS_DIR = _HERE / "witness"
_PLUGIN = "goldenpath_witness"


def suite_env(order: SuiteOrder, files: WorkFiles) -> dict[str, str]:
    """The suite's environment: the order's own, the witness, and the gate's interpreter on PATH."""
    env = dict(order.env)
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    env.pop("GOLDENPATH_OWNER", None)
    env["PYTEST_ADDOPTS"] = f"{env.get('PYTEST_ADDOPTS', '')} -p {_PLUGIN}".strip()
    env["PYTHONPATH"] = _in_front(str(WITNESS_DIR), env.get("PYTHONPATH", ""))
    env["PYTHONUNBUFFERED"] = "1"
    env["GOLDENPATH_STREAM"] = str(files.stream)
    env["GOLDENPATH_TARGETS"] = ",".join(map(_address, order.targets))
    if order.watched:
        env["GOLDENPATH_TREE"] = str(files.contacts)
        env["GOLDENPATH_TREE_TARGETS"] = ",".join(map(_address, order.watched))
    env["GOLDENPATH_ONLY"] = str(files.only) if order.only or order.given else ""
    env["GOLDENPATH_EXCEPT"] = str(files.others) if order.others and not order.only else ""
    env["GOLDENPATH_TEST_TIMEOUT_S"] = f"{order.test_timeout_s or 0:g}"
    if sys.prefix != sys.base_prefix and "VIRTUAL_ENV" not in env:
        env["PATH"] = _in_front(str(Path(sys.executable).parent), env.get("PATH", os.defpath))
    return env


def _in_front(first: str, rest: str) -> str:
    return f"{first}{os.pathsep}{rest}" if rest else first


def _address(target: Endpoint) -> str:
    return f"{target.host}:{target.port}"


@dataclass(frozen=True, slots=True)
class Ending:
    """What the guard reported. `ended_by`: itself, timeout, gate; "" when the guard vanished."""

    pid: int | None = None
    exit_code: int | None = None
    ended_by: str = ""
    error: str = ""


class Process:
    """One suite's command behind its guard. Nothing of it outlives `stop`."""

    def __init__(self, order: SuiteOrder, files: WorkFiles, held: bool = False) -> None:
        self.files = files
        env = suite_env(order, files)
        if held:
            env["PYTEST_ADDOPTS"] += " -p goldenpath_hold"
            env["GOLDENPATH_HOLD"] = "1"
        self.status_start = size_bytes(files.status)
        self.began = time.monotonic()
        self.guard = subprocess.Popen(
            _guard_command(order, files),
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    @property
    def running(self) -> bool:
        """Whether the guard is there; it goes when the suite's whole tree is gone."""
        return self.guard.poll() is None

    def go(self) -> bool:
        """The turn of a held suite has come; False when it is no longer there to hear it."""
        assert self.guard.stdin is not None
        self.began = time.monotonic()
        try:
            self.guard.stdin.write(b"go\n")
            self.guard.stdin.flush()
        except OSError:
            return False
        return self.running

    def let_go(self) -> None:
        """Close the death pipe: the guard ends the suite from now on, with or without us."""
        assert self.guard.stdin is not None
        with suppress(OSError):
            self.guard.stdin.close()

    async def stop(self) -> None:
        """End the suite's whole tree and wait until it is gone; also fine when it ended before."""
        self.let_go()
        deadline = time.monotonic() + GRACE_S + 6.0
        while self.running and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        if self.running:
            self.guard.kill()
        if not self.ending().ended_by:
            self._kill_group()

    def _kill_group(self) -> None:
        """The guard did not do it (somebody killed it): the suite's group, and who left that."""
        pid = self.ending().pid
        if pid is not None:
            with suppress(OSError):
                os.killpg(pid, signal.SIGKILL)
        for other in _processes_of(self.files.stream):
            with suppress(OSError):
                os.kill(other, signal.SIGKILL)

    def ending(self) -> Ending:
        """What the guard has reported until now."""
        fields: dict[str, object] = {}
        if self.files.status.exists():
            with self.files.status.open("rb") as file:
                file.seek(self.status_start)
                for line in file.read().splitlines():
                    with suppress(ValueError):  # torn by a guard that was killed
                        fields.update(json.loads(line))
        return Ending(**fields)  # type: ignore[arg-type]


def _processes_of(stream: Path) -> list[int]:
    """Processes that carry this attempt's stream in their environment (Linux; else none)."""
    mark = b"\0GOLDENPATH_STREAM=" + os.fsencode(stream) + b"\0"
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # another user's, or gone
            if mark in b"\0" + (folder / "environ").read_bytes():
                found.append(int(folder.name))
    return found


def _guard_command(order: SuiteOrder, files: WorkFiles) -> list[str]:
    head = [sys.executable, "-I", "-S", str(_HERE / "guard.py")]
    paths = [str(files.status), str(files.stdout), str(files.stderr)]
    times = [f"{order.timeout_s:f}", f"{GRACE_S:f}"]
    return [*head, *paths, *times, str(order.cwd.absolute()), *order.command]

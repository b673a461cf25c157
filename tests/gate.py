"""Golden Path as its users start it: the command line in a process of its own."""

from __future__ import annotations

import fcntl
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import IO, Any, TypeVar

ROOT = Path(__file__).parents[1]
STAGING = ROOT / "examples" / "staging"
PLAN = STAGING / "plan.yaml"
PORTS = range(12_000, 20_000)
_own: set[int] = set()
T = TypeVar("T")
# A suite of pytest and of nothing that other packages hang into it: they cost as much as pytest.
PLAIN = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    exit_code: int
    stdout: str
    stderr: str
    seconds: float

    def json(self) -> Any:
        """The one JSON document on stdout; more or less than one is an error."""
        try:
            return json.loads(self.stdout)
        except ValueError as error:
            raise AssertionError(f"stdout is no JSON: {self.stdout!r}\n{self.stderr}") from error


@dataclass
class Stack:
    """One warehouse, one local deployment, ports of its own, and the gate that uses them."""

    folder: Path
    env: dict[str, str]
    plan: Path = PLAN
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def warehouse(self) -> Path:
        return self.folder / "goldenpath.duckdb"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def url(self, service: str) -> str:
        return f"http://127.0.0.1:{self.env[f'STAGING_{service.upper()}_PORT']}"

    def argv(self, *args: str) -> list[str]:
        """A command line; commands that deploy are told where, those that store are told too."""
        here = args[:2] == ("run", str(self.plan))
        state = ["--set", f"deploy.state={self.state}"] if here else []
        stores = args[0] not in ("check", "down", "probe")
        place = ["--warehouse", str(self.warehouse)] if stores else []
        return [sys.executable, "-m", "flows.cli", *args, *state, *place]

    def __call__(self, *args: str, timeout_s: float = 120, **env: str) -> Done:
        return run(self.argv(*args), {**self.env, **env}, timeout_s)

    def start(self, *args: str, **env: str) -> subprocess.Popen[str]:
        """Begin a command; the fixture kills what is left of it."""
        process = subprocess.Popen(
            self.argv(*args),
            env={**self.env, **env},
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.started.append(process)
        return process

    def spool(self, run_id: str) -> list[dict[str, Any]]:
        """The facts of a run's journal, wherever it is filed; a torn last line is none."""
        folder = Path(f"{self.warehouse}.spool")
        paths = [p for p in folder.glob(f"**/{run_id}.jsonl") if p.exists()]
        lines = paths[0].read_text().split("\n")[:-1] if paths else []
        read = [json.loads(line) for line in lines]
        return [{"kind": fact["kind"], **fact["body"]} for fact in read]

    def close(self) -> None:
        """Stop everything that was started here."""
        for process in self.started:
            process.kill()
            process.communicate()
        stop_supervisor(self.state)


def stop_supervisor(state: Path) -> None:
    """End the supervisor of a state folder, and wait until it is gone."""
    try:
        pid = int(json.loads((state / "supervisor.json").read_text())["pid"])
        os.kill(pid, signal.SIGTERM)
    except (OSError, ValueError):
        return
    wait_for(lambda: not alive(pid), 10, "the supervisor to end")


def run(argv: Sequence[str], env: Mapping[str, str], timeout_s: float) -> Done:
    """Run a command to its end."""
    began = time.monotonic()
    ended = subprocess.run(
        argv,
        env=dict(env),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    return Done(ended.returncode, ended.stdout, ended.stderr, time.monotonic() - began)


def clean_env(**changes: str) -> dict[str, str]:
    """The environment without what a developer's shell or another run may have set."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "GOLDENPATH_"))}
    kept.pop("HANGING_SUITE_RELEASED", None)
    kept["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"
    return {**kept, **changes}


def free_ports(n: int) -> list[int]:
    """Loopback ports on which nobody listens, this process's own until it ends.

    Not those that the kernel hands out: a port that is free now would be somebody else's before the
    service that is meant has started. Other tests keep off by a lock on the port's byte of a file.
    """
    return [_own_port() for _ in range(n)]


def _own_port() -> int:
    for port in random.SystemRandom().sample(PORTS, len(PORTS)):
        if port in _own:
            continue
        try:
            fcntl.lockf(_locks(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
        except OSError:
            continue
        _own.add(port)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError(f"no port of {PORTS} is free")


@cache
def _locks() -> IO[bytes]:
    return (Path(tempfile.gettempdir()) / f"goldenpath-test-ports-{os.getuid()}").open("ab")


def wait_for(what: Callable[[], T], timeout_s: float, name: str) -> T:
    """The first true answer; an assertion fails when there is none in time."""
    end = time.monotonic() + timeout_s
    while not (answer := what()):
        assert time.monotonic() < end, f"waited {timeout_s:g} s in vain for {name}"
        time.sleep(0.05)
    return answer


def alive(pid: int) -> bool:
    """Whether a process is there and not a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def processes_with(mark: str) -> list[int]:
    """Living processes whose environment or command line holds a text (Linux)."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            text = (folder / "environ").read_bytes() + (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if mark.encode() in text and alive(int(folder.name)) and int(folder.name) != os.getpid():
            found.append(int(folder.name))
    return found

"""Commands as processes forked from one that has imported what every command imports.

To start Python and to import is most of what a short command costs. A forked one still has its own
arguments, environment, streams and end of the interpreter, and what it imports on use (DuckDB,
Prefect, the reports) it imports itself. How commands start for users is shown by `gate.Stack`.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.gate import ROOT, Done

# Not DuckDB: it has threads, which a fork leaves behind.
AHEAD = (
    "asyncio",
    "data.rules.planning.load",
    "data.records.audit",
    "data.records.evidence",
    "flows.cli",
)


class Forks:
    """One process that forks for each command, one at a time; killed by `close`."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._turn = folder, threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.forking"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __call__(self, args: Sequence[str], env: Mapping[str, str]) -> Done:
        """Run one command line to its end; after two minutes it is killed."""
        assert self._process.stdin is not None and self._process.stdout is not None
        with self._turn:
            streams = [self._folder / name for name in ("stdout", "stderr")]
            order = {"args": list(args), "env": dict(env), "streams": [str(s) for s in streams]}
            began = time.monotonic()
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
            code = self._process.stdout.readline()
            assert code, "the process that forks has ended"
            took_s = time.monotonic() - began
            return Done(int(code), *(s.read_text() for s in streams), took_s)

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


def main() -> None:
    """Fork for each line of standard input, and say with which code it ended."""
    for name in AHEAD:
        importlib.import_module(name)
    gc.freeze()
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            _become(order)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _become(order: Mapping[str, Any]) -> None:
    """Leaves by SystemExit, as the command does that users start."""
    signal.alarm(120)
    os.environ.clear()
    os.environ.update(order["env"])
    for number, path in enumerate(order["streams"], start=1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.argv = ["goldenpath", *order["args"]]
    importlib.import_module("flows.cli").main()
    sys.exit("a command that did not exit")


if __name__ == "__main__":
    main()

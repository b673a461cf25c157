"""A real target (HTTP and WebSocket) and real suites to run against it."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from textwrap import dedent
from typing import Any

from websockets.sync.server import ServerConnection, serve

from data.records.facts import Collected, SuiteResult, TestResult
from data.records.orders import Endpoint, SuiteOrder
from data.records.plan import Suite
from tasks.suites.run import run_suite
from tests.gate import PLAIN

PYTEST = ("python", "-m", "pytest", "-q", "-p", "no:cacheprovider")


class QuietServer(ThreadingHTTPServer):
    """A client that hangs up is no news; a thread that told it at exit would abort the runner."""

    def handle_error(self, *_: object) -> None:
        """Be quiet."""


class Answers(BaseHTTPRequestHandler):
    """200 and "ok" to every GET, after 10 ms to /wait; keeps connections, unless it is /close."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are two writes: 40 ms for each answer else

    def do_GET(self) -> None:
        if self.path == "/wait":
            time.sleep(0.01)
        self.send_response(200)
        if self.path == "/close":
            self.send_header("Connection", "close")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: Any) -> None:
        """Silent."""


def _echo(connection: ServerConnection) -> None:
    for message in connection:
        connection.send(message)


@dataclass(frozen=True)
class Target:
    """Ports of the target; `other` is a server that is none."""

    http: int
    ws: int
    other: int

    @property
    def env(self) -> dict[str, str]:
        return {
            "URL": f"http://127.0.0.1:{self.http}",
            "NAME_URL": f"http://localhost:{self.http}",
            "WS_URL": f"ws://127.0.0.1:{self.ws}",
            "OTHER_URL": f"http://127.0.0.1:{self.other}",
        }


@contextmanager
def running_target() -> Iterator[Target]:
    """Three real servers on ports of their own."""
    https = [QuietServer(("127.0.0.1", 0), Answers) for _ in range(2)]
    ws = serve(_echo, "127.0.0.1", 0)
    for server in (*https, ws):
        threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield Target(https[0].server_port, ws.socket.getsockname()[1], https[1].server_port)
    finally:
        for server in (*https, ws):
            server.shutdown()


def order_for(folder: Path, code: str | dict[str, str], **changes: Any) -> SuiteOrder:
    """An order for a suite of one module (or of these files), written to `folder`.

    Plugins of other packages are there where the suite has tests that are coroutines, or workers.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = {"test_it.py": code} if isinstance(code, str) else code
    for name, text in {"pytest.ini": "[pytest]\nasyncio_mode = auto\n", **files}.items():
        (folder / name).write_text(dedent(text))
    command = changes.pop("command", PYTEST)
    needs = "async def test" in str(files) or any(word.startswith("-n") for word in command)
    plugins = {} if needs else PLAIN
    target: Target | None = changes.pop("target", None)
    extra = changes.pop("env", {})
    ports = () if target is None else (target.http, target.ws)
    fields: dict[str, Any] = {
        "run_id": "r1",
        "phase": "p1",
        "suite": Suite(id="s1", command=command),
        "command": command,
        "cwd": folder,
        "env": {**os.environ, **plugins, **(target.env if target else {}), **extra},
        "targets": tuple(Endpoint(host="127.0.0.1", port=port) for port in ports),
        "work_dir": folder / "work",
        "timeout_s": 30.0,
    }
    return SuiteOrder(**{**fields, **changes})


@dataclass
class Told:
    """What one run yielded, in order."""

    facts: list[Collected | TestResult | SuiteResult]

    @property
    def collected(self) -> list[Collected]:
        return [fact for fact in self.facts if isinstance(fact, Collected)]

    @property
    def tests(self) -> dict[str, TestResult]:
        """By the name after the file's."""
        results = [fact for fact in self.facts if isinstance(fact, TestResult)]
        return {result.test_id.partition("::")[2] or result.test_id: result for result in results}

    @property
    def outcomes(self) -> dict[str, str]:
        return {name: str(result.outcome) for name, result in self.tests.items()}

    @property
    def suite(self) -> SuiteResult:
        last = self.facts[-1]
        assert isinstance(last, SuiteResult)
        return last


def run(order: SuiteOrder) -> Told:
    """Run a suite to its end."""

    async def everything() -> Told:
        return Told([fact async for fact in run_suite(order)])

    return asyncio.run(everything())


def processes_with(word: str) -> list[str]:
    """Command lines of living processes whose environment holds a word."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if word.encode() in (folder / "environ").read_bytes():
                found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found

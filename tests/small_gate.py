"""A tiny product, suites of many short tests, and the gate over them: one run takes seconds."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

from gate import PLAIN
from suites.stage import Answers, QuietServer

HEAD = """
plan: small
environment: here
services: {{it: {{url: "http://127.0.0.1:{port}", health: {{path: /, status: null}}}}}}
health: {{interval: 10ms, consecutive: 1, deadline: 5s}}
phases:
"""
ASK = """
import os, time, urllib.request
import pytest

def ask(wait_s):
    time.sleep(wait_s)
    with urllib.request.urlopen(os.environ["URL"], timeout=5) as answer:
        assert answer.status == 200
"""


class Counting(Answers):
    """Counts what it is asked, so that a test that ran twice is found out."""

    def do_GET(self) -> None:
        asked: dict[str, int] = self.server.asked  # type: ignore[attr-defined]
        asked[self.path] = asked.get(self.path, 0) + 1
        super().do_GET()


@contextmanager
def target() -> Iterator[ThreadingHTTPServer]:
    """A server that answers at once; `asked` counts by path."""
    server = QuietServer(("127.0.0.1", 0), Counting)
    server.asked = {}  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()


def asking(waits_s: Mapping[str, float]) -> str:
    """A module with one function a name, each asking the target after its wait."""
    lines = [f"def test_{name}():\n    ask({wait_s})" for name, wait_s in waits_s.items()]
    return ASK + "\n\n".join(lines) + "\n"


def write_plan(folder: Path, port: int, phases: list[dict[str, Any]], **more: Any) -> Path:
    """A plan whose suites' modules are written beside it: `code` of a suite is its module."""
    for phase in phases:
        for suite in phase.get("suites", ()):
            place = folder / "suites" / suite["id"]
            place.mkdir(parents=True, exist_ok=True)
            (place / "pytest.ini").write_text("[pytest]\n")
            files = suite.pop("code")
            for name, text in ({"test_it.py": files} if isinstance(files, str) else files).items():
                (place / name).write_text(text)
            suite.setdefault("command", ["python", "-m", "pytest", "-q", "-p", "no:cacheprovider"])
            suite.update(
                cwd=f"suites/{suite['id']}", env={"URL": f"http://127.0.0.1:{port}/", **PLAIN}
            )
    path = folder / "plan.yaml"
    rest = json.dumps(phases) + "\n" + "".join(f"{k}: {json.dumps(v)}\n" for k, v in more.items())
    path.write_text(HEAD.format(port=port).rstrip() + " " + rest)
    return path

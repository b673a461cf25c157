"""A gate that is shut down between its last phase and its verdict approves nothing, and loses nothing."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from gate import Stack, wait_for
from suites.stage import QuietServer

from data.records.words import VerdictWord
from flows.hooks.ending import end_abandoned

pytestmark = pytest.mark.soak  # a run of the whole gate each


class Lingering(BaseHTTPRequestHandler):
    """Healthy until it was asked something; from then on its health takes until `calm` is set."""

    def do_GET(self) -> None:
        server: Any = self.server
        if self.path == "/say":
            server.n_said += 1
            server.calm.clear()
        else:
            server.calm.wait(20)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: Any) -> None:
        """Silent."""


@contextmanager
def lingering() -> Iterator[Any]:
    server: Any = QuietServer(("127.0.0.1", 0), Lingering)
    server.n_said, server.calm = 0, threading.Event()
    server.calm.set()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.calm.set()
    server.shutdown()


def plan(folder: Path, port: int) -> Path:
    path, url = folder / "plan.yaml", f"http://127.0.0.1:{port}"
    ask = {"id": "ask", "kind": "http", "request": {"url": f"{url}/say"}, "expect": {"status": 200}}
    document = {
        "plan": "small", "environment": "here",
        "services": {"api": {"url": url, "health": {"path": "/", "status": None, "timeout": "20s"}}},
        "health": {"interval": "10ms", "consecutive": 1, "deadline": "20s"},
        "phases": [{"id": "one", "priority": "P1", "probes": [ask]}],
    }  # fmt: skip
    path.write_text(json.dumps(document))
    return path


@pytest.mark.parametrize("shut_down", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_after_the_last_phase_nothing_is_approved_and_nothing_is_asked_twice(
    shut_down: signal.Signals, new_stack: Callable[..., Stack], prefect_api: str, tmp_path: Path
) -> None:
    stack = new_stack(prefect_api)
    with lingering() as server:
        path = plan(tmp_path, server.server_address[1])
        process = stack.start("run", str(path))
        spool = Path(f"{stack.warehouse}.spool")

        def kinds() -> list[str]:
            return [fact["kind"] for p in spool.glob("*.jsonl") for fact in stack.spool(p.stem)]

        wait_for(lambda: "phase" in kinds(), 60, "the phase to end")
        time.sleep(0.3)  # the look at the end is under way
        process.send_signal(shut_down)
        server.calm.set()
        assert process.wait(30) != 0
        assert "verdict" not in kinds()
        [run_id] = {p.stem for p in spool.glob("*.jsonl")}
        assert stack("show", run_id, "--json").json()["exit_code"] == 1
        held = end_abandoned(stack.warehouse, run_id, "its process is gone")
        assert held is not None
        assert held.verdict is VerdictWord.HOLD
        again = stack("run", str(path), "--resume", run_id, "--json")
    assert (again.exit_code, again.json()["verdict"]) == (0, "PROMOTE"), again.stderr
    assert server.n_said == 1

"""`make bench`: the gate's fixed cost, side by side in one run.

The fixed cost is the wall time of `goldenpath run` on a plan whose only check is one HTTP request
to a server that answers at once: everything but the checks themselves. Printed with a running
Prefect server and without, beside a bare Python start and Prefect's own "empty flow".
"""

from __future__ import annotations

import http.server
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

ROUNDS = 3
PLAN = """
plan: fixed-cost
environment: bench
services: {{it: {{url: "http://127.0.0.1:{port}", health: {{path: /, status: null}}}}}}
health: {{interval: 1ms, consecutive: 1, deadline: 5s}}
phases:
  - id: only
    priority: P1
    probes: [{{id: one, kind: http, request: {{url: "{{{{services.it.url}}}}/"}}}}]
"""
EMPTY_FLOW = (
    "from prefect import flow\nimport asyncio\n@flow\nasync def f(): pass\nasyncio.run(f())"
)


class _Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Be quiet."""


def main() -> None:
    """Measure and print a table."""
    from flows.wiring import prefect_defaults

    prefect_defaults()
    target = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Answer)
    threading.Thread(target=target.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plan = folder / "plan.yaml"
        plan.write_text(PLAN.format(port=target.server_address[1]))
        _measure(folder, plan)
    target.shutdown()


def _measure(folder: Path, plan: Path) -> None:
    from tasks.prefect_server import PrefectServer

    alone = {**os.environ, "PREFECT_HOME": str(folder / "home"), "PREFECT_API_URL": ""}
    alone.pop("PYTHONDONTWRITEBYTECODE", None)  # or each start compiles the gate anew
    alone.pop("PREFECT_API_URL")
    server = PrefectServer({**alone, "PREFECT_HOME": str(folder / "server")}, folder / "server.log")
    server.wait()
    served = {**alone, "PREFECT_API_URL": server.api_url}
    gate = [
        sys.executable,
        "-m",
        "flows.cli",
        "run",
        str(plan),
        "--json",
        "--warehouse",
        str(folder / "w.duckdb"),
    ]
    rows: list[tuple[str, list[str], dict[str, str]]] = [
        ("python -c pass", [sys.executable, "-c", "pass"], served),
        ("goldenpath check", [sys.executable, "-m", "flows.cli", "check", str(plan)], served),
        ("empty Prefect flow, running server", [sys.executable, "-c", EMPTY_FLOW], served),
        ("goldenpath run, running server (goal 3 s)", gate, served),
        ("empty Prefect flow, no server", [sys.executable, "-c", EMPTY_FLOW], alone),
        ("goldenpath run, no server (goal 9 s)", gate, alone),
    ]
    try:
        subprocess.run(gate, env=alone, capture_output=True, check=False)  # migrations, caches
        times = _in_turn([lambda c=c, e=e: _once(c, e) for _, c, e in rows])
    finally:
        server.stop()
    print(f"{'':46}{'min':>8}{'median':>8}{'max':>8}  s of {ROUNDS}")
    for (label, _, _), took in zip(rows, times, strict=True):
        numbers = f"{min(took):8.2f}{statistics.median(took):8.2f}{max(took):8.2f}"
        print(f"{label:46}{numbers}")
    print(
        json.dumps({r[0]: round(statistics.median(t), 3) for r, t in zip(rows, times, strict=True)})
    )


def _in_turn(works: list[Callable[[], float]]) -> list[list[float]]:
    """A B C A B C …, so that a slow minute of the machine falls on all of them."""
    times: list[list[float]] = [[] for _ in works]
    for _ in range(ROUNDS):
        for index, work in enumerate(works):
            times[index].append(work())
    return times


def _once(command: list[str], env: dict[str, str]) -> float:
    began = time.perf_counter()
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{command} ended with {done.returncode}:\n{done.stderr}")
    return time.perf_counter() - began


if __name__ == "__main__":
    main()

"""What it costs a suite to run under the gate: plain pytest and `run_suite`, side by side.

A thousand tests, each one request of 10 ms over a session's client; a suite of ten seconds
of tests that wait; and one empty test. Each round runs both, the other one first in every second, and
what counts is the median of the rounds' differences: a slow moment of the machine falls on both.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

from data.records.facts import SuiteResult
from data.records.orders import Endpoint, SuiteOrder
from data.records.plan import Suite
from tasks.suites.run import run_suite
from tests.suites.stage import Target, running_target

ROUNDS = 5
COMMAND = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
THOUSAND = """
import os, httpx, pytest
@pytest.fixture(scope="session")
def client():
    return httpx.Client(trust_env=False)
@pytest.mark.parametrize("n", range(1000))
def test_asks(client, n):
    assert client.get(os.environ["URL"] + "/wait").text == "ok"
"""
WAITING = """
import os, time, urllib.request, pytest
@pytest.mark.parametrize("n", range(20))
def test_waits(n):
    assert urllib.request.urlopen(os.environ["URL"]).read() == b"ok"
    time.sleep(0.5)
"""
EMPTY = "def test_nothing():\n    pass\n"
SUITES = {"1,000 requests": THOUSAND, "10 s of waiting": WAITING, "one empty test": EMPTY}


def main() -> None:
    """Measure and print a table."""
    print(f"{'':18}{'plain s':>9}{'gate s':>9}{'ratio':>8}{'more s':>8}   medians of {ROUNDS}")
    found = {}
    with target_elsewhere() as target, tempfile.TemporaryDirectory() as home:
        for name, code in SUITES.items():
            folder = Path(home) / name.replace(" ", "-")
            folder.mkdir()
            (folder / "test_it.py").write_text(code)
            env = {**os.environ, **target.env}
            pairs = [_both(folder, env, target.http, round_) for round_ in range(ROUNDS)]
            plain = statistics.median(one for one, _ in pairs)
            gate = plain + statistics.median(other - one for one, other in pairs)
            print(f"{name:18}{plain:9.2f}{gate:9.2f}{gate / plain:8.3f}{gate - plain:8.2f}")
            found[name] = {"plain_s": round(plain, 3), "gate_s": round(gate, 3)}
    fixed_s = found["one empty test"]["gate_s"] - found["one empty test"]["plain_s"]
    thousand = found["1,000 requests"]
    own_s = thousand["gate_s"] - thousand["plain_s"] - fixed_s
    print(
        f"the witness alone, without the fixed {fixed_s:.2f} s: {own_s / thousand['plain_s']:.1%}"
        f" of the time of 1,000 tests, {own_s:.2f} ms a test"
    )
    print(json.dumps(found))


@contextmanager
def target_elsewhere() -> Iterator[Target]:
    """In a process of its own: in the gate's, each answer would wait for the gate's own work."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(there,))
    process.start()
    try:
        yield here.recv()
    finally:
        here.send("enough")
        process.join()


def _serve(line: Connection) -> None:
    with running_target() as target:
        line.send(target)
        line.recv()


def _both(folder: Path, env: dict[str, str], port: int, round_: int) -> tuple[float, float]:
    if round_ % 2:
        gate = _gate(folder, env, port, round_)
        return _plain(folder, env), gate
    return _plain(folder, env), _gate(folder, env, port, round_)


def _plain(folder: Path, env: dict[str, str]) -> float:
    began = time.perf_counter()
    subprocess.run(COMMAND, cwd=folder, env=env, check=True, capture_output=True)
    return time.perf_counter() - began


def _gate(folder: Path, env: dict[str, str], port: int, round_: int) -> float:
    order = SuiteOrder(
        run_id="r", phase="p", suite=Suite(id="s", command=COMMAND), command=COMMAND, cwd=folder,
        env=env, targets=(Endpoint(host="127.0.0.1", port=port),), timeout_s=300,
        work_dir=folder / f"work-{round_}",
    )  # fmt: skip
    began = time.perf_counter()
    exit_code = asyncio.run(_exit_code(order))
    took_s = time.perf_counter() - began
    assert exit_code == 0, exit_code
    return took_s


async def _exit_code(order: SuiteOrder) -> int | None:
    ends = [fact async for fact in run_suite(order) if isinstance(fact, SuiteResult)]
    return ends[-1].exit_code


if __name__ == "__main__":
    main()

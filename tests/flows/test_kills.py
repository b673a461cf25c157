"""Whoever is killed at whatever moment: nothing that ended is lost, nothing is counted twice."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from gate import Stack, wait_for
from killing import ended_in_streams, killed_and_resumed, nothing_lost_nothing_twice
from small_gate import asking, target, write_plan

WAITS_S = {f"t{i}": 0.05 + 0.005 * (i % 10) for i in range(12)}
Kills = tuple[Stack, Path, float, dict[str, Any]]


BOTH = pytest.mark.parametrize("kills", [1, 2], indirect=True, ids=["one process", "two shards"])


@pytest.fixture
def kills(
    request: pytest.FixtureRequest,
    new_stack: Callable[..., Stack],
    prefect_api: str,
    tmp_path: Path,
) -> Iterator[Kills]:
    """A stack, what a whole run of it takes, and what it says. Its durations are known."""
    code = asking(WAITS_S) + "\n\ndef test_red():\n    ask(0.02)\n    assert 0\n"
    suite = {"id": "twelve", "shards": getattr(request, "param", 2), "code": code, "expect": 13}
    with target() as server:
        phases = [{"id": "one", "priority": "P1", "workers": 2, "suites": [suite]}]
        plan = write_plan(tmp_path, server.server_address[1], phases)
        stack = new_stack(prefect_api)
        began = time.monotonic()
        document = stack("run", str(plan), "--json").json()
        rows = {s["id"]: (s["collected"], s["passed"], s["failed"]) for s in document["suites"]}
        expected = {"verdict": document["verdict"], "rows": rows}
        assert expected == {"verdict": "HOLD", "rows": {"twelve": (13, 12, 1)}}
        yield stack, plan, time.monotonic() - began, expected


def rounds(kills: Kills, n: int) -> None:
    stack, plan, full_s, expected = kills
    first = int(os.environ.get("KILL_SEED") or random.randrange(10**6))
    print(f"seeds {first} to {first + n - 1}; a whole run takes {full_s:.1f} s")
    for seed in range(first, first + n):
        killed = killed_and_resumed(stack, plan, seed, full_s, len(WAITS_S) + 1)
        if killed is not None:
            nothing_lost_nothing_twice(stack, killed, expected)


@pytest.mark.soak
def test_a_kill_loses_nothing_and_counts_nothing_twice(kills: Kills) -> None:
    rounds(kills, 1)


@pytest.mark.soak
@BOTH
def test_fifty_kills_lose_nothing_and_count_nothing_twice(kills: Kills) -> None:
    rounds(kills, 25)  # times two: in one process and in two shards


LINGERS = """
import time

def pytest_sessionfinish():
    time.sleep(20)
"""


@pytest.mark.soak
def test_a_gate_killed_after_the_last_test_gets_its_suites_end_back_without_running_any(
    new_stack: Callable[..., Stack], prefect_api: str, tmp_path: Path
) -> None:
    stack = new_stack(prefect_api)
    files = {"test_it.py": asking({"a": 0, "b": 0}), "conftest.py": LINGERS}
    with target() as server:
        phases = [{"id": "one", "priority": "P1", "suites": [{"id": "lingers", "code": files}]}]
        plan = write_plan(tmp_path, server.server_address[1], phases)
        gate = stack.start("run", str(plan))
        assert gate.stderr is not None
        run_id = gate.stderr.readline().split()[-1]
        wait_for(lambda: len(ended_in_streams(stack, run_id)) == 2, 60, "both tests to end")
        gate.kill()
        gate.wait(10)
        before = ended_in_streams(stack, run_id)
        assert not [f for f in stack.spool(run_id) if f["kind"] == "suite"]

        document = stack("run", str(plan), "--resume", run_id, "--json", timeout_s=15).json()

    assert ended_in_streams(stack, run_id) == before
    told = [f for f in stack.spool(run_id) if f["kind"] == "suite"]
    assert [f["exit_code"] for f in told] == [None]
    assert "nobody saw its exit code" in told[0]["output_tail"]
    assert document["verdict"] == "PROMOTE", document["rule"]
    assert "exit code of the runner not known" in str(document["criteria"])

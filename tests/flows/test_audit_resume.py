"""An audit that was killed goes on: what was tried is kept, the rest is tried, the matrix is whole."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from gate import Stack, processes_with, wait_for
from suites.stage import Answers, QuietServer

from data.rules.sensitivity import Trial
from tasks.kept_trials import KeptTrials, Scope

PLAN = """
plan: shop
environment: here
services: {{api: {{url: "http://127.0.0.1:{port}", health: {{path: /, status: null}}}}}}
health: {{interval: 10ms, consecutive: 1, deadline: 5s}}
phases:
  - id: core
    priority: P1
    suites:
      - &one
        id: one
        command: [python, -m, pytest, -q, -p, "no:cacheprovider"]
        cwd: suite
        env: {{URL: "{{{{services.api.url}}}}", LOG: {log}}}
      - {{<<: *one, id: two}}
audit: {{controls: [refused, broken, empty, forbidden], workers: 1}}
"""
SUITE = """
import os, time, urllib.request
with open(os.environ["LOG"], "a") as log:
    log.write("one round\\n")

def test_strong():
    time.sleep(0.3)
    assert urllib.request.urlopen(os.environ["URL"], timeout=5).read() == b"ok"

def test_weak():
    try:
        urllib.request.urlopen(os.environ["URL"], timeout=5)
    except OSError:
        pass
"""
N_ROUNDS = 2 * (1 + 4)  # of each suite one on the sound target and one a control


@pytest.fixture
def plan(tmp_path: Path) -> Iterator[Path]:
    server = QuietServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    (tmp_path / "suite").mkdir()
    (tmp_path / "suite" / "test_it.py").write_text(SUITE)
    path = tmp_path / "plan.yaml"
    path.write_text(PLAN.format(port=server.server_port, log=tmp_path / "log"))
    yield path
    server.shutdown()


def rounds(plan: Path) -> int:
    return len((plan.parent / "log").read_text().splitlines())


def kept(stack: Stack, run_id: str) -> dict[Path, int]:
    folder = stack.folder / "runs" / run_id / "trials.kept"
    return {p: p.stat().st_mtime_ns for p in folder.glob("*/**/*.json")}


@pytest.mark.soak
@pytest.mark.parametrize("n_before", [0, 1, 4, 9])
def test_a_killed_audit_goes_on_with_what_is_missing(
    new_stack: Callable[..., Stack], prefect_api: str, plan: Path, n_before: int
) -> None:
    stack = new_stack(prefect_api)
    gate = stack.start("audit", str(plan))
    assert gate.stderr is not None
    run_id = gate.stderr.readline().split()[-1]
    wait_for(lambda: len(kept(stack, run_id)) >= n_before, 60, "some trials to end")
    if not n_before:
        wait_for(lambda: stack.spool(run_id) != [], 60, "the audit to begin")
    gate.kill()
    gate.wait(10)
    wait_for(lambda: not processes_with(f"LOG={plan.parent / 'log'}"), 20, "its suite to be ended")
    before = kept(stack, run_id)
    (plan.parent / "log").write_text("")
    done = stack("audit", str(plan), "--resume", run_id, "--json")
    assert done.exit_code == 0, done.stderr
    assert rounds(plan) == N_ROUNDS - len(before)
    after = kept(stack, run_id)
    assert len(after) == N_ROUNDS
    assert {path: after[path] for path in before} == before
    document = done.json()
    assert document["run_id"] == run_id
    found = {(c["suite"], c["test_id"].partition("::")[2]): set() for c in document["matrix"]}
    for cell in document["matrix"]:
        found[cell["suite"], cell["test_id"].partition("::")[2]] |= (
            {cell["fault"]} if cell["turned_red"] else set()
        )
    every = {"refused", "broken", "empty", "forbidden"}
    assert found == {(s, t): every if t == "test_strong" else set() for s, t in found}
    assert len(found) == 4
    stored = "SELECT count(*) AS n FROM sensitivity"
    assert stack("sql", stored, "--json").json() == [{"n": len(document["matrix"])}]


@pytest.mark.soak
def test_what_was_asked_for_at_first_is_what_a_resume_tries(
    new_stack: Callable[..., Stack], prefect_api: str, plan: Path
) -> None:
    stack = new_stack(prefect_api)
    done = stack("audit", str(plan), "--suite", "two", "--control", "empty", "--json").json()
    again = stack("audit", str(plan), "--resume", done["run_id"], "--json")
    assert again.json()["matrix"] == done["matrix"]
    assert rounds(plan) == 2
    wrong = stack("run", str(plan), "--resume", done["run_id"])
    assert wrong.exit_code == 2
    assert "goes on with goldenpath audit --resume" in wrong.stderr


def test_a_kept_trial_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    trials = KeptTrials(tmp_path)
    assert trials.get("p", "s", "first", "refused") is None
    trial = Trial.model_validate(
        {"control": "refused", "results": {}, "at": "2026-01-01T00:00:00Z"}
    )
    trials.put(trial, "p", "s", "first", "refused")
    assert trials.get("p", "s", "first", "refused") == trial
    (file,) = tmp_path.glob("**/refused.json")
    for torn in (b"", file.read_bytes()[:20], b"\xff", json.dumps({"control": 1}).encode()):
        file.write_bytes(torn)
        assert trials.get("p", "s", "first", "refused") is None


def test_the_first_scope_stands_until_another_is_asked_for(tmp_path: Path) -> None:
    trials, narrow = KeptTrials(tmp_path), Scope(suites=("one",))
    assert trials.scope(Scope()) == Scope()
    assert trials.scope(narrow) == trials.scope(Scope()) == narrow
    assert trials.scope(Scope(controls=("empty",))) == trials.scope(Scope())

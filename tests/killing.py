"""Kill the gate, its runner or both at a random moment, resume until done, and look what is left."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gate import Done, Stack, processes_with, wait_for

VICTIMS = ("runner", "gate", "both")


@dataclass
class Killed:
    """One run that was killed and brought to its end. `streamed`: (suite, test) -> when it ended,
    as the streams said right after each kill; `after_last`: the runner died with nothing left."""

    run_id: str
    done: Done
    streamed: dict[tuple[str, str, int], float]
    said: str
    runner_died_last: bool


def killed_and_resumed(
    stack: Stack, plan: Path, seed: int, full_s: float, n_tests: int
) -> Killed | None:
    """None when the gate was killed before there was a run to resume."""
    rng = random.Random(seed)
    gate = stack.start("run", str(plan), "--json")
    assert gate.stderr is not None
    run_id = gate.stderr.readline().split()[-1]
    streamed: dict[tuple[str, str, int], float] = {}
    said, last = [], False
    for again in range(rng.choice((1, 1, 2))):
        if again:
            gate = stack.start("run", str(plan), "--resume", run_id)
        victim, wait_s = rng.choice(VICTIMS), rng.uniform(0, full_s)
        said.append(f"seed {seed}: kill {victim} {wait_s:.2f} s into {run_id}")
        time.sleep(wait_s)
        last = _kill(stack, gate, run_id, victim)
        streamed.update(ended_in_streams(stack, run_id))
        last = last and len({key[:2] for key in streamed}) >= n_tests
        if not stack.spool(run_id):
            return None
    done = stack("run", str(plan), "--resume", run_id, "--json")
    streamed.update(ended_in_streams(stack, run_id))
    return Killed(run_id, done, streamed, "; ".join(said), last)


def _kill(stack: Stack, gate: subprocess.Popen[str], run_id: str, victim: str) -> bool:
    """End the victim with SIGKILL, then the gate by itself; whether a runner was hit alone."""
    runs = str(stack.folder / "runs" / run_id)
    runners = _runners(runs) if victim != "gate" else []
    if victim != "runner":
        gate.kill()
    for pid in runners:
        with suppress(OSError):
            os.kill(pid, signal.SIGKILL)
    gate.wait(60)
    wait_for(lambda: not processes_with(runs), 10, "its suites to be gone")
    return victim == "runner" and bool(runners)


def _runners(runs: str) -> list[int]:
    """Processes of suites, without the guards before them."""
    found = []
    for pid in processes_with(f"GOLDENPATH_STREAM={runs}"):
        with suppress(OSError):
            if b"guard.py" not in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(pid)
    return found


def ended_in_streams(stack: Stack, run_id: str) -> dict[tuple[str, str, int], float]:
    """(suite, test, attempt) -> when its last end was written; twice is an assertion."""
    found: dict[tuple[str, str, int], float] = {}
    for path in (stack.folder / "runs" / run_id).glob("*/*/stream-*.jsonl"):
        attempt = int(path.stem.removeprefix("stream-").partition(".")[0])
        for line in path.read_bytes().split(b"\n"):
            with suppress(ValueError):
                event = json.loads(line)
                if event["e"] == "test":
                    key = (path.parent.name, event["id"], attempt)
                    assert key not in found, f"{key} ran twice"
                    found[key] = event["at"]
    return found


def nothing_lost_nothing_twice(stack: Stack, killed: Killed, expected: dict[str, Any]) -> None:
    """Each test has one final row, what had ended is as it was, and so is the verdict."""
    where = killed.said
    ended: Counter[tuple[str, str, int]] = Counter()
    for at in {
        (f["suite"], f["test_id"], f["attempt"], f["at"]) for f in ended_tests(stack, killed)
    }:
        ended[at[:3]] += 1
    assert set(ended.values()) <= {1}, (where, ended)
    assert set(killed.streamed) <= set(ended), (where, "a finished result was lost")
    document = killed.done.json()
    rows = {s["id"]: (s["collected"], s["passed"], s["failed"]) for s in document["suites"]}
    assert rows == expected["rows"], where
    if killed.runner_died_last and document["verdict"] != expected["verdict"]:
        assert "exit code -9" in json.dumps(document["criteria"]), where
    else:
        assert document["verdict"] == expected["verdict"], (where, document["rule"])


def ended_tests(stack: Stack, killed: Killed) -> list[dict[str, Any]]:
    """Facts of tests that ended."""
    facts = stack.spool(killed.run_id)
    return [f for f in facts if f["kind"] == "test" and f["outcome"] != "NOT_RUN"]

"""A run keeps the issues of its project: from the command line, through the warehouse, to the forge."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from forge_server import TOKEN, forge_server
from gate import Done, Stack
from small_gate import asking, target, write_plan

pytestmark = pytest.mark.soak
ACTED = "SELECT action_taken, outcome FROM acted ORDER BY run_id, action_taken"


def test_a_failure_opens_an_issue_and_passing_deployments_close_it(
    new_stack: Callable[..., Stack], prefect_api: str, tmp_path: Path
) -> None:
    stack = new_stack(prefect_api)
    with target() as server, forge_server() as (forge, api):

        def run(code: str, revision: str, execute: bool = True) -> Done:
            suites = [{"id": "s", "code": code}]
            phases = [{"id": "one", "priority": "P1", "suites": suites}]
            issues = {"project": "github:o/r", "token_in": "HUB", "close_after": 2, "api": api}
            given = {**issues, "execute": execute}
            plan = write_plan(tmp_path, server.server_address[1], phases, issues=given)
            return stack("run", str(plan), "--revision", revision, "--json", HUB=TOKEN)

        red, green = asking({"t": 0}) + "    assert 0, 'broken'\n", asking({"t": 0})
        done = run(red, "r0", execute=False)
        assert done.json()["verdict"] == "HOLD" and forge.issues == [], done.stderr
        for revision, code in (("r1", red), ("r2", red), ("r3", green), ("r4", green)):
            done = run(code, revision)
            assert TOKEN not in done.stdout + done.stderr
    [issue] = forge.issues
    assert "3 runs" in issue["body"] and "broken" in issue["body"]
    assert issue["state"] == "closed" and "`r4`" in forge.notes[1][0]
    acted = [tuple(row.values()) for row in stack("sql", ACTED, "--json").json()]
    assert [outcome for _, outcome in acted] == ["dry run", "done", "done", "done"]
    kept = b"".join(f.read_bytes() for f in stack.folder.rglob("*") if f.is_file())
    assert TOKEN.encode() not in kept

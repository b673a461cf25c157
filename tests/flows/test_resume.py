"""A run that was cut off is brought to its end: nothing that ended is lost or run again."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from gate import STAGING, Stack, processes_with, wait_for

# The reference plan's deployment with the suites that these laws need, two phases of them.
PLAN = """
plan: resumed
environment: staging
services:
  auth: {{url: "http://127.0.0.1:${{STAGING_AUTH_PORT}}", revision: {{json: revision}}}}
  backend: {{url: "http://127.0.0.1:${{STAGING_BACKEND_PORT}}", revision: {{json: revision}}}}
  frontend: {{url: "http://127.0.0.1:${{STAGING_FRONTEND_PORT}}", revision: {{json: revision}}}}
deploy:
  deployer: local
  revision: healthy
  ttl: 3m
  generate: [JWT_SECRET_KEY]
  env: &urls
    AUTH_URL: "{{{{services.auth.url}}}}"
    BACKEND_URL: "{{{{services.backend.url}}}}"
    FRONTEND_URL: "{{{{services.frontend.url}}}}"
  processes:
    auth: {{command: [python, -m, stack.auth], cwd: {staging}}}
    backend: {{command: [python, -m, stack.backend], cwd: {staging}}}
    frontend: {{command: [python, -m, stack.frontend], cwd: {staging}}}
health: {{deadline: 15s, interval: 100ms, consecutive: 1}}
phases:
  - id: first
    priority: P1
    suites:
      - id: core_platform
        command: [python, -m, pytest, suites/core_platform]
        cwd: {staging}
        expect: 25
        timeout: 4s
        env: &target
          <<: *urls
          WS_URL: "{{{{services.backend.ws}}}}/ws"
          SUITE_REVISION: "{{{{revision}}}}"
  - id: second
    priority: P2
    suites:
      - id: agent_response_flow
        command: [python, -m, pytest, suites/agent_response_flow]
        cwd: {staging}
        expect: 3
        timeout: 60s
        env: *target
      - id: first_user_journey
        command: [python, -m, pytest, suites/first_user_journey]
        cwd: {staging}
        expect: 3
        timeout: 60s
        env: *target
"""
ATTEMPTS = "SELECT suite, test_id, attempt, outcome, ended_at::VARCHAR AS at FROM test_attempts"


@pytest.fixture
def stack(new_stack: Callable[..., Stack], prefect_api: str, tmp_path: Path) -> Stack:
    plan = tmp_path / "plan.yaml"
    plan.write_text(PLAN.format(staging=STAGING))
    return new_stack(prefect_api, plan)


def attempts(stack: Stack) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """Every attempt that the warehouse holds, by suite and test."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in stack("sql", ATTEMPTS, "--json").json():
        found.setdefault((row["suite"], row["test_id"]), []).append(row)
    return found


def test_a_killed_gate_leaves_no_suite_and_resume_runs_only_the_rest(stack: Stack) -> None:
    gate = stack.start("run", str(stack.plan), "--revision", "healthy")
    assert gate.stderr is not None
    run_id = gate.stderr.readline().split()[-1]
    wait_for(
        lambda: any(suite != "core_platform" for suite, _ in ended(stack, run_id)),
        60,
        "a test of the second phase to end",
    )
    gate.send_signal(signal.SIGKILL)
    gate.wait(5)
    wait_for(lambda: not processes_with(str(stack.folder / "runs")), 3, "its suites to be gone")
    before = ended(stack, run_id)
    assert 25 < len(before) < 31, "killed too early or too late to prove anything"

    refuses_other_rules(stack, run_id)
    resumed = stack("run", str(stack.plan), "--resume", run_id, "--json")

    document = resumed.json()
    assert (document["verdict"], resumed.exit_code) == ("PROMOTE", 0), resumed.stderr
    assert document["run_id"] == run_id
    assert document["coverage"]["seen"] == document["coverage"]["expected"]
    rows = attempts(stack)
    assert [[row["attempt"] for row in found] for found in rows.values()] == [[1]] * 31
    after = ended(stack, run_id)
    assert len(after) == 31
    assert all(len(times) == 1 for times in after.values()), "a test ran twice"
    assert {key: after[key] for key in before} == before
    assert kinds(stack, run_id).count("deploy") == 1


def refuses_other_rules(stack: Stack, run_id: str) -> None:
    """Results are not completed under rules that they were not for."""
    other = ("--set", "phases.1.tolerance=1")
    refused = stack("run", str(stack.plan), "--resume", run_id, "--json", *other, timeout_s=30)
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "another version" in refused.stderr


def ended(stack: Stack, run_id: str) -> dict[tuple[str, str], set[str]]:
    """When each test ended, as the journal says; a test that ran twice has two times."""
    found: dict[tuple[str, str], set[str]] = {}
    for fact in stack.spool(run_id):
        if fact["kind"] == "test" and fact["outcome"] != "NOT_RUN":
            found.setdefault((fact["suite"], fact["test_id"]), set()).add(fact["at"])
    return found


def kinds(stack: Stack, run_id: str) -> list[str]:
    return [fact["kind"] for fact in stack.spool(run_id)]


@pytest.mark.soak
def test_a_hanging_suite_keeps_what_ended_and_resume_runs_the_rest(stack: Stack) -> None:
    held = stack("run", str(stack.plan), "--revision", "hanging-suite", "--json")
    document = held.json()
    assert (document["verdict"], held.exit_code) == ("HOLD", 10)
    suite = next(s for s in document["suites"] if s["id"] == "core_platform")
    assert (suite["passed"], suite["not_run"], suite["timed_out"]) == (15, 10, True)
    before = attempts(stack)

    run_id = document["run_id"]
    resumed = stack(
        "run", str(stack.plan), "--resume", run_id, "--json", HANGING_SUITE_RELEASED="1"
    )

    document = resumed.json()
    assert (document["verdict"], resumed.exit_code) == ("PROMOTE", 0), document["rule"]
    suite = next(s for s in document["suites"] if s["id"] == "core_platform")
    assert (suite["passed"], suite["not_run"], suite["timed_out"]) == (25, 0, False)
    after = attempts(stack)
    passed = {k: rows for k, rows in before.items() if rows[0]["outcome"] == "PASS"}
    assert len(before) - len(passed) == 10
    assert {key: after[key] for key in passed} == passed, "what had passed is as it was"
    only = stack.folder / "runs" / run_id / "first" / "core_platform" / "only-1.json"
    assert set(json.loads(only.read_text())) == {t for (_, t) in after.keys() - passed.keys()}
    assert all(len(rows) == 1 for rows in after.values())
    assert document["revisions"]["backend"]["after"] == "hanging-suite"

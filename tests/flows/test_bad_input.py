"""What cannot be used is said in one clear message: exit 2, nothing on stdout, no traceback."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from gate import Done, Stack, processes_with, run, wait_for

SMALL = """
plan: small
environment: test
services: {it: {url: "http://127.0.0.1:9"}}
phases: [{id: only, priority: P1, suites: [{id: s, command: [python, -m, pytest, suites/nowhere]}]}]
"""
PROBED = SMALL.replace("suites: [{id: s, command: [python, -m, pytest, suites/nowhere]}]", "probes: []")

# name → (the plan's text or None for a missing file, what the message must name)
PLANS: dict[str, tuple[bytes | None, tuple[str, ...]]] = {
    "empty": (b"", ("expected a plan", "an empty file")),
    "a list": (b"- plan: x\n- 2\n", ("expected a plan", "a list")),
    "a word": (b"hello\n", ("expected a plan", "a str")),
    "missing": (None, ("plan.yaml", "no such file")),
    "broken YAML": (b"plan: [unclosed\nservices: {\n", ("plan.yaml:",)),
    "not UTF-8": (b"plan: \xff\xfe\n", ("plan.yaml", "cannot be read")),
    "a suite that is not there": (SMALL.encode(), ("suites/nowhere",)),
    "an unknown key": (SMALL.replace("services:", "servces:").encode(), ("servces", "services")),
    "no checks at all": (PROBED.encode(), ("only",)),
}


@pytest.fixture(scope="module")
def stack(new_stack: Callable[..., Stack]) -> Stack:
    return new_stack()


def refused(done: Done, *names: str) -> None:
    """The law of all usage errors."""
    assert done.exit_code == 2, done
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    for name in names:
        assert name in done.stderr
    assert len(done.stderr.strip().splitlines()) <= 6, done.stderr


@pytest.mark.parametrize("name", PLANS)
def test_a_plan_that_cannot_be_used_is_refused_before_anything_starts(
    name: str, tmp_path: Path, stack: Stack
) -> None:
    text, said = PLANS[name]
    plan = tmp_path / "plan.yaml"
    if text is not None:
        plan.write_bytes(text)
    refused(stack("run", str(plan), "--json", timeout_s=30), *said)
    assert not stack.warehouse.exists()


def test_a_warehouse_that_cannot_be_written_is_refused(stack: Stack, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    below = str(file / "deep" / "w.duckdb")
    done = run([*stack.argv("run", str(stack.plan), "--json"), "--warehouse", below], stack.env, 30)
    refused(done, str(file))


def test_a_file_that_is_no_warehouse_is_refused_and_left_alone(
    stack: Stack, tmp_path: Path
) -> None:
    file = tmp_path / "letter.txt"
    file.write_text("dear reader")
    argv = [*stack.argv("run", str(stack.plan), "--json"), "--warehouse", str(file)]
    refused(run(argv, stack.env, 30), str(file))
    assert file.read_text() == "dear reader"


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("run", "PLAN", "--json", "--set", "health.deadlin.x=3s"), ("health.deadlin", "no such place")),
        (("run", "PLAN", "--json", "--set", "health.deadlin=3s"), ("health.deadlin", "deadline")),
        (("run", "PLAN", "--json", "--set", "health.deadline"), ("KEY=VALUE",)),
        (("run", "PLAN", "--json", "--set", "health.deadline=soon"), ("soon",)),
        (("run", "PLAN", "--json", "--resume", "never-was"), ("never-was", "goldenpath runs")),
        (("run", "PLAN", "--json", "--resume", "../../etc/passwd"), ("passwd",)),
        (("show", "never-was", "--json"), ("never-was", "goldenpath runs")),
        (("show", "last", "--json"), ("there is no run yet",)),
        (("label", "never-was", "good"), ("never-was",)),
        (("sql", "SELEC 1", "--json"), ("SELEC",)),
        (("sql", "FROM no_such_view", "--json"), ("no_such_view",)),
        (("sql", "CREATE TABLE t (i int)", "--json"), ("expected one query",)),
        (("sql", "SELECT 1; SELECT 2", "--json"), ("expected one query",)),
        (("probe", "PLAN", "no_such_probe", "--json"), ("no_such_probe", "chat")),
        (("check", "PLAN", "--set", "phases.9.id=x"), ("phases.9.id", "no such place")),
    ],
    ids=lambda value: " ".join(value)[:60] if isinstance(value, tuple) else None,
)  # fmt: skip
def test_what_is_not_there_is_named(args: tuple[str, ...], said: tuple[str, ...], stack: Stack) -> None:
    done = stack(*(str(stack.plan) if a == "PLAN" else a for a in args), timeout_s=30)
    refused(done, *said)


def test_an_occupied_port_is_said_before_prefect_starts_and_leaves_nothing(
    new_stack: Callable[..., Stack],
) -> None:
    stack = new_stack(api="")  # without a server: the gate would start one of its own
    stack.env.pop("PREFECT_API_URL")
    port = int(stack.env["STAGING_BACKEND_PORT"])
    with socket.create_server(("127.0.0.1", port)):
        done = stack("run", str(stack.plan), "--json", timeout_s=30)
    assert done.exit_code == 2, done
    assert str(port) in done.stderr
    assert "backend" in done.stderr
    assert "Prefect" not in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert done.seconds < 8
    assert not (stack.folder / "prefect-server.log").exists()
    wait_for(lambda: not processes_with(str(stack.folder)), 3, "the supervisor to end")

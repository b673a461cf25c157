"""What cannot be used is said in one clear message: exit 2, nothing on stdout, no traceback."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from forking import Forks
from gate import Done, Stack, processes_with, run, wait_for

SMALL = """
plan: small
environment: test
services: {it: {url: "http://127.0.0.1:9"}}
phases: [{id: only, priority: P1, suites: [{id: s, command: [python, -m, pytest, suites/nowhere]}]}]
"""
PROBED = SMALL.replace(
    "suites: [{id: s, command: [python, -m, pytest, suites/nowhere]}]", "probes: []"
)

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


# command line with | between its words → what the message must name
COMMANDS: dict[str, tuple[str, ...]] = {
    "run|PLAN|--json|--set|health.deadlin.x=3s": ("health.deadlin", "deadline"),
    "run|PLAN|--json|--set|phases.9.id=x": ("phases.9.id", "no such place"),
    "run|PLAN|--json|--set|health.deadlin=3s": ("health.deadlin", "deadline"),
    "run|PLAN|--json|--set|health.deadline": ("KEY=VALUE",),
    "run|PLAN|--json|--set|health.deadline=soon": ("soon",),
    "run|PLAN|--json|--resume|never-was": ("never-was", "goldenpath runs"),
    "run|PLAN|--json|--resume|../../etc/passwd": ("passwd",),
    "show|never-was|--json": ("never-was", "goldenpath runs"),
    "show|last|--json": ("there is no run yet",),
    "label|never-was|good": ("never-was",),
    "sql|SELEC 1|--json": ("SELEC",),
    "sql|FROM no_such_view|--json": ("no_such_view",),
    "sql|CREATE TABLE t (i int)|--json": ("expected one query",),
    "sql|SELECT 1; SELECT 2|--json": ("expected one query",),
    "probe|PLAN|no_such_probe|--json": ("no_such_probe", "chat"),
    "check|PLAN|--set|phases.9.id=x": ("phases.9.id", "no such place"),
}


@pytest.fixture(scope="module")
def stack(new_stack: Callable[..., Stack]) -> Stack:
    return new_stack()


@pytest.fixture(scope="module")
def answers(
    stack: Stack, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Future[Done]]]:
    """All commands of the tables; the first starts as users start it, the others are forked."""
    folder = tmp_path_factory.mktemp("plans")
    forks = Forks(folder)

    def tell(*args: str) -> Done:
        return forks(stack.argv(*args)[3:], stack.env)

    with ThreadPoolExecutor(1) as pool, closing(forks):
        begun = {}
        for number, (name, (text, _)) in enumerate(PLANS.items()):
            plan = folder / str(number) / "plan.yaml"
            plan.parent.mkdir()
            if text is not None:
                plan.write_bytes(text)
            start = tell if number else stack
            begun[name] = pool.submit(start, "run", str(plan), "--json")
        for line in COMMANDS:
            args = [str(stack.plan) if word == "PLAN" else word for word in line.split("|")]
            begun[line] = pool.submit(tell, *args)
        yield begun


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
    name: str, answers: dict[str, Future[Done]], stack: Stack
) -> None:
    refused(answers[name].result(), *PLANS[name][1])
    assert not stack.warehouse.exists()


@pytest.mark.parametrize("line", [pytest.param(x, id=x.replace("|", " ")) for x in COMMANDS])
def test_what_is_not_there_is_named(line: str, answers: dict[str, Future[Done]]) -> None:
    refused(answers[line].result(), *COMMANDS[line])


def test_a_warehouse_that_cannot_be_written_is_refused(stack: Stack, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    below = str(file / "deep" / "w.duckdb")
    done = run([*stack.argv("run", str(stack.plan), "--json"), "--warehouse", below], stack.env, 90)
    refused(done, str(file))


def test_a_file_that_is_no_warehouse_is_refused_and_left_alone(
    stack: Stack, tmp_path: Path
) -> None:
    file = tmp_path / "letter.txt"
    file.write_text("dear reader")
    argv = [*stack.argv("run", str(stack.plan), "--json"), "--warehouse", str(file)]
    refused(run(argv, stack.env, 90), str(file))
    assert file.read_text() == "dear reader"


def test_an_occupied_port_is_said_before_prefect_starts_and_leaves_nothing(
    new_stack: Callable[..., Stack],
) -> None:
    stack = new_stack(api="")  # without a server: the gate would start one of its own
    stack.env.pop("PREFECT_API_URL")
    port = int(stack.env["STAGING_BACKEND_PORT"])
    with socket.create_server(("127.0.0.1", port)):
        done = stack("run", str(stack.plan), "--json", timeout_s=90)
    assert done.exit_code == 2, done
    assert str(port) in done.stderr
    assert "backend" in done.stderr
    assert "Prefect" not in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert not (stack.folder / "prefect-server.log").exists()
    wait_for(lambda: not processes_with(str(stack.folder)), 20, "the supervisor to end")


def test_a_prefect_server_that_is_not_there_is_the_gates_failure_in_one_sentence(
    stack: Stack, tmp_path: Path
) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text(SMALL.replace("suites/nowhere", "--version"))
    done = stack("run", str(plan), "--json", timeout_s=120)
    assert (done.exit_code, done.stdout) == (1, "")
    assert "Traceback" not in done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert "127.0.0.1:9" in last
    assert "not approved" in last
    assert "--resume small-" in last

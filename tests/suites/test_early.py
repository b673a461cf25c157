"""A runner that is started before its turn reads nothing of its suite, and may leave no trace."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tasks.suites.early import send_away, start_early
from tasks.suites.files import WorkFiles
from tests.suites.stage import order_for, run

SUITE = {
    "conftest.py": "open('read', 'w').close()\n",
    "test_it.py": "def test_a():\n    pass\n",
}


def _wait_until_it_waits(folder: Path) -> None:
    """Until pytest is up: the witness has opened its stream."""
    until = time.monotonic() + 20
    stream = folder / "work" / "stream-1.jsonl"
    while not (stream.exists() and "loaded" in stream.read_text()):
        assert time.monotonic() < until, "the runner never came up"
        time.sleep(0.02)
    time.sleep(0.3)


def test_it_waits_at_the_door_and_its_time_counts_from_its_turn(tmp_path: Path) -> None:
    order = order_for(tmp_path, SUITE, timeout_s=2.0)
    start_early(order)
    _wait_until_it_waits(tmp_path)
    time.sleep(2.0)
    assert not (tmp_path / "read").exists(), "not even the conftest was read"
    began = time.monotonic()
    told = run(order)
    assert told.outcomes == {"test_a": "PASS"}
    assert not told.suite.timed_out
    assert told.suite.duration_s < time.monotonic() - began + 0.1


async def test_one_whose_turn_never_comes_leaves_no_trace(tmp_path: Path) -> None:
    order = order_for(tmp_path, SUITE)
    start_early(order)
    _wait_until_it_waits(tmp_path)
    await send_away(order)
    files = WorkFiles(order)
    assert not any(
        p.exists() for p in (files.status, files.stream, files.stdout, tmp_path / "read")
    )
    await send_away(order)


@pytest.mark.parametrize(
    "command", [("sh", "-c", "python -m pytest"), ("python", "run.py"), ("make", "test")]
)
def test_a_command_that_could_do_more_is_not_started_early(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    order = order_for(tmp_path, SUITE, command=command)
    start_early(order)
    assert not WorkFiles(order).status.exists()


def test_a_pytest_inside_a_suite_that_was_held_does_not_wait(tmp_path: Path) -> None:
    inner = """
        import subprocess, sys
        def test_a():
            out = subprocess.run([sys.executable, "-m", "pytest", "-q", "inner.py"], timeout=20)
            assert out.returncode == 0
    """
    order = order_for(tmp_path, {"test_it.py": inner, "inner.py": "def test_b(): pass"})
    start_early(order)
    assert run(order).outcomes == {"test_a": "PASS"}

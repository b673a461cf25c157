"""Laws of endings: what ended is kept, the rest is NOT_RUN and says why, and nobody is left."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import aclosing
from pathlib import Path

import pytest

from data.records.facts import Collected, SuiteResult, TestResult
from tasks.suites import run as running
from tasks.suites.files import Tail
from tasks.suites.run import read_stream, run_suite
from tests.suites.stage import PYTEST, order_for, processes_with, run

HANGS = """
import subprocess, sys, time, pytest
@pytest.mark.parametrize("n", range(1, 26))
def test_x(n):
    if n == 16:
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
        time.sleep(60)
"""
DAEMON = "import os, time; os.fork() and os._exit(0); os.setsid(); os.fork() and os._exit(0); time.sleep(60)"


def _gone(word: str, within_s: float = 8.0) -> bool:
    deadline = time.monotonic() + within_s
    while processes_with(word) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not processes_with(word)


def test_a_suite_that_hangs_keeps_15_of_25(tmp_path: Path) -> None:
    mark = f"hang-{tmp_path.name}-{os.getpid()}"
    told = run(order_for(tmp_path, HANGS, timeout_s=6.0, env={"MARK": mark}))
    assert list(told.outcomes.values()) == ["PASS"] * 15 + ["NOT_RUN"] * 10
    assert told.suite.timed_out
    assert told.suite.exit_code is None
    assert told.suite.broken == ""
    assert told.tests["test_x[16]"].message == "suite timed out after 6 s during this test"
    assert told.tests["test_x[25]"].message == "suite timed out after 6 s during test_x[16]"
    assert told.tests["test_x[25]"].signature == ""
    assert not processes_with(mark)


@pytest.mark.parametrize("n", [0, 9])
def test_a_runner_that_leaves_in_the_middle_is_no_silence(tmp_path: Path, n: int) -> None:
    end = "os._exit(0)" if n == 0 else f"os.kill(os.getpid(), {n})"
    code = f"import os\ndef test_a(): pass\ndef test_b(): {end}\ndef test_c(): pass\n"
    told = run(order_for(tmp_path, code))
    assert told.outcomes == {"test_a": "PASS", "test_b": "NOT_RUN", "test_c": "NOT_RUN"}
    assert told.tests["test_b"].message == f"runner ended (exit code {-n}) during this test"
    assert told.tests["test_c"].message == f"runner ended (exit code {-n}) during test_b"
    assert told.suite.exit_code == -n


def test_an_early_stop_says_so(tmp_path: Path) -> None:
    code = "def test_a(): assert 0\ndef test_b(): pass\n"
    told = run(order_for(tmp_path, code, command=(*PYTEST, "-x")))
    assert told.outcomes == {"test_a": "FAIL", "test_b": "NOT_RUN"}
    assert told.tests["test_b"].message == (
        "pytest stopped early (stopping after 1 failures) before this test"
    )


def test_a_test_blocked_outside_python_is_a_failure_and_the_rest_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "STUCK_GRACE_S", 0.5)
    code = """
        import signal, time
        def test_a(): time.sleep(0.1)
        def test_b():
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
            time.sleep(60)
        def test_c(): pass
    """
    told = run(order_for(tmp_path, code, test_timeout_s=1.5))
    assert told.outcomes == {"test_a": "PASS", "test_b": "FAIL", "test_c": "NOT_RUN"}
    assert told.tests["test_b"].message == "timed out after 1.5 s"
    assert "test_b was blocked after its time-out" in told.tests["test_c"].message
    assert told.suite.exit_code is None
    assert not told.suite.timed_out


def test_a_suites_own_alarm_rings_for_the_suite(tmp_path: Path) -> None:
    code = """
        import signal, time, pytest
        rung = []
        @pytest.fixture
        def bell():
            old = signal.signal(signal.SIGALRM, lambda *_: rung.append(1))
            yield
            signal.signal(signal.SIGALRM, old)
        def test_late(bell):
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            time.sleep(0.2)
            assert rung == [1]
        def test_slow():
            time.sleep(60)
        def test_next(): pass
    """
    told = run(order_for(tmp_path, code, test_timeout_s=1.5))
    assert told.outcomes == {"test_late": "PASS", "test_slow": "FAIL", "test_next": "PASS"}
    assert told.tests["test_slow"].message == "timed out after 1.5 s"


def test_what_a_suite_leaves_behind_is_cleared(tmp_path: Path) -> None:
    mark = f"left-{tmp_path.name}-{os.getpid()}"
    code = f"""
        import os, signal, subprocess, sys, time
        def test_child(): subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        def test_daemon(): subprocess.run([sys.executable, "-c", {DAEMON!r}])
        def test_stubborn():
            subprocess.Popen(["sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"])
    """
    told = run(order_for(tmp_path, code, env={"MARK": mark}))
    assert set(told.outcomes.values()) == {"PASS"}
    assert told.suite.exit_code == 0
    assert not processes_with(mark)


def test_twenty_megabytes_of_output_cost_nothing_but_disk(tmp_path: Path) -> None:
    code = """
        import os, sys
        def test_a():
            for _ in range(20): os.write(1, b"x" * 1_000_000)
            os.write(2, b"\\xff\\xfe the end")
    """
    told = run(order_for(tmp_path, code, command=(*PYTEST, "-s")))
    assert told.outcomes == {"test_a": "PASS"}
    assert len(told.suite.output_tail.encode()) <= 4096 + 64
    assert told.suite.output_tail.endswith("\ufffd\ufffd the end")
    assert Path(told.suite.stdout_path).stat().st_size > 20_000_000


def test_results_survive_a_suite_that_breaks_its_own_stdout(tmp_path: Path) -> None:
    code = "import sys\ndef test_a(): pass\ndef test_b(): sys.stdout.close()\ndef test_c(): pass\n"
    told = run(order_for(tmp_path, code))
    assert told.outcomes["test_a"] == "PASS"
    assert set(told.outcomes) == {"test_a", "test_b", "test_c"}


def test_results_come_the_moment_they_are_there(tmp_path: Path) -> None:
    code = """
        import pathlib, time
        def test_a(): pass
        def test_b():
            end = time.monotonic() + 15
            while not pathlib.Path("seen").exists():
                assert time.monotonic() < end, "nobody was told of test_a while this one runs"
                time.sleep(0.02)
    """

    async def follow() -> dict[str, str]:
        told = {}
        async for fact in run_suite(order_for(tmp_path, code)):
            if isinstance(fact, TestResult):
                (tmp_path / "seen").touch()
                told[fact.test_id.partition("::")[2]] = str(fact.outcome)
        return told

    assert asyncio.run(follow()) == {"test_a": "PASS", "test_b": "PASS"}


async def _until_third_test(order: object) -> int:
    """Leave the generator early."""
    n = 0
    async with aclosing(run_suite(order)) as facts:  # type: ignore[type-var,arg-type]
        async for fact in facts:
            n += isinstance(fact, TestResult)
            if n == 3:
                break
    return n


def test_leaving_early_leaves_nobody(tmp_path: Path) -> None:
    mark = f"early-{tmp_path.name}-{os.getpid()}"
    assert asyncio.run(_until_third_test(order_for(tmp_path, HANGS, env={"MARK": mark}))) == 3
    assert not processes_with(mark)


@pytest.mark.parametrize("after_s", [0.0, 0.1, 1.5])
def test_cancelling_leaves_nobody(tmp_path: Path, after_s: float) -> None:
    mark = f"cancel-{tmp_path.name}-{os.getpid()}"

    async def cancelled() -> None:
        order = order_for(tmp_path, HANGS, env={"MARK": mark})
        task = asyncio.ensure_future(_until_end(order))
        await asyncio.sleep(after_s)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert not processes_with(mark)


async def _until_end(order: object) -> None:
    async with aclosing(run_suite(order)) as facts:  # type: ignore[type-var,arg-type]
        async for _ in facts:
            pass


GATE = """
import asyncio, sys
from data.records.orders import SuiteOrder
from tasks.suites.run import run_suite
async def main():
    order = SuiteOrder.model_validate_json(open(sys.argv[1]).read())
    async for fact in run_suite(order):
        pass
asyncio.run(main())
"""


def _started_gate(tmp_path: Path, mark: str) -> subprocess.Popen[bytes]:
    order = order_for(tmp_path, HANGS, env={"MARK": mark})
    (tmp_path / "order.json").write_text(order.model_dump_json(by_alias=True))
    (tmp_path / "gate.py").write_text(GATE)
    root = str(Path(running.__file__).parents[2])
    return subprocess.Popen(
        [sys.executable, str(tmp_path / "gate.py"), str(tmp_path / "order.json")],
        env={**os.environ, "PYTHONPATH": root},
        start_new_session=True,
    )


def _wait_for(path: Path, text: str) -> None:
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        if path.exists() and text in path.read_text():
            return
        time.sleep(0.05)
    raise AssertionError(f"{text} not in {path}")


def test_a_killed_gate_leaves_nobody_and_loses_nothing(tmp_path: Path) -> None:
    mark = f"killed-{tmp_path.name}-{os.getpid()}"
    gate = _started_gate(tmp_path, mark)
    stream = tmp_path / "work" / "stream-1.jsonl"
    _wait_for(stream, '"test_it.py::test_x[16]", "e": "start"')
    os.killpg(gate.pid, signal.SIGKILL)
    gate.wait()
    assert _gone(mark)

    order = order_for(tmp_path, HANGS.replace("n == 16", "n == 99"))
    first, *results = read_stream(order)
    assert isinstance(first, Collected)
    assert len(first.test_ids) == 25
    ended = [fact.test_id for fact in results if isinstance(fact, TestResult)]
    assert ended == list(first.test_ids[:15])

    rest = tuple(test_id for test_id in first.test_ids if test_id not in ended)
    told = run(order.model_copy(update={"only": rest}))
    assert list(told.outcomes.values()) == ["PASS"] * 10
    assert len(read_stream(order)) == 26


def test_a_killed_guard_leaves_no_suite(tmp_path: Path) -> None:
    mark = f"guard-{tmp_path.name}-{os.getpid()}"

    async def killed() -> list[object]:
        facts: list[object] = []
        async for fact in run_suite(order_for(tmp_path, HANGS, env={"MARK": mark})):
            facts.append(fact)
            if len(facts) == 5:
                guard = next(p for p in _pids(mark) if b"guard.py" in _command(p))
                os.kill(guard, signal.SIGKILL)
        return facts

    *_, late, last = asyncio.run(killed())
    assert isinstance(late, TestResult)
    assert isinstance(last, SuiteResult)
    assert "guard was killed" in late.message
    assert last.exit_code is None
    assert _gone(mark)


def _pids(mark: str) -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (folder / "environ").read_bytes():
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def _command(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def test_a_torn_last_line_is_ignored_and_does_not_spoil_the_next(tmp_path: Path) -> None:
    order = order_for(tmp_path, "def test_a(): pass\ndef test_b(): pass\n")
    run(order)
    stream = order.work_dir / "stream-1.jsonl"
    lines = stream.read_text().splitlines(keepends=True)
    place = next(
        n for n, line in enumerate(lines) if '"id": "test_it.py::test_b", "outcome"' in line
    )
    stream.write_text("".join(lines[:place]) + lines[place][:40])
    assert [fact.KIND for fact in read_stream(order)] == ["collected", "test"]
    run(order.model_copy(update={"only": ("test_it.py::test_b",)}))
    assert [fact.KIND for fact in read_stream(order)] == ["collected", "test", "test"]


def test_no_stream_is_an_empty_one(tmp_path: Path) -> None:
    assert read_stream(order_for(tmp_path, "")) == []


def test_a_line_is_read_once_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "s"
    tail = Tail(path)
    assert tail.lines() == []
    path.write_bytes(b'{"a": 1}\n{"b"')
    assert tail.lines() == ['{"a": 1}']
    with path.open("ab") as file:
        file.write(b": 2}\n")
    assert [json.loads(line) for line in tail.lines()] == [{"b": 2}]

"""Laws of suites whose runner writes files of results: what counts is what this run wrote."""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from data.records.facts import SuiteResult, TestResult
from data.records.orders import SuiteOrder
from data.records.plan import Results, Suite
from tasks.suites.run import run_suite
from tests.suites.stage import Told, order_for, processes_with, run

GREEN = (
    '<testsuite name="s" tests="2"><testcase name="a" time="0.5"/><testcase name="b"/></testsuite>'
)
RED = '<testsuite name="s"><testcase name="a"><failure message="no"/></testcase><testcase name="b"/></testsuite>'
ASSERTS = "import sys, time, os, pathlib\npathlib.Path('out').mkdir(exist_ok=True)\n"
WRITES = "def write(text, name='r.xml'): pathlib.Path('out', name).write_text(text)\n"


def order(
    folder: Path, code: str, path: str = "out/*.xml", format: str = "junit", **changes: Any
) -> SuiteOrder:
    command = ("python", "runner.py")
    suite = Suite(id="s1", command=command, results=Results(format=format, path=path))  # type: ignore[arg-type]
    files = {"runner.py": ASSERTS + WRITES + code}
    return order_for(folder, files, command=command, suite=suite, **changes)


def test_results_of_any_runner_are_told_and_nothing_could_look(tmp_path: Path) -> None:
    told = run(order(tmp_path, f"write('''{RED}'''); sys.exit(1)"))
    assert {f.test_id: str(f.outcome) for f in told.facts if isinstance(f, TestResult)} == {
        "s::a": "FAIL",
        "s::b": "PASS",
    }
    assert {result.witnessed for result in told.tests.values()} == {None}
    assert told.collected[0].test_ids == ("s::a", "s::b")
    assert (told.suite.exit_code, told.suite.broken) == (1, "")


def test_ctrf_is_read_like_junit(tmp_path: Path) -> None:
    report = '{"results": {"tests": [{"name": "a", "status": "passed", "duration": 7}]}}'
    told = run(order(tmp_path, f"write('''{report}''', 'r.json')", "out/r.json", "ctrf"))
    assert told.outcomes == {"a": "PASS"}
    assert told.tests["a"].duration_ms == 7


BROKEN = {
    "no file": ("print('all fine')", "exit code 0 and wrote no results to 'out/*.xml'; its last words: all fine"),
    "torn": (f"write('''{GREEN}'''[:70])", "r.xml: the file is torn: it ends after 1 tests"),
    "not XML": ("write('PASS')", "r.xml: not well-formed XML"),
    "totals": ("write('<testsuite tests=\"5\"><testcase name=\"a\"/></testsuite>')", "says tests=5, but 1 are in it"),
    "entities": ("write('<!DOCTYPE a [<!ENTITY b \"c\">]><testsuite/>')", "document type (DTD)"),
    "one of two": (f"write('''{GREEN}'''); write('x', 'z.xml')", "z.xml: not well-formed"),
    "a name of no command": ("os.execvp('sh', ['sh', '-c', 'no-such-command'])", "command was not found"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_files_that_cannot_be_trusted_make_the_suite_broken(tmp_path: Path, name: str) -> None:
    code, why = BROKEN[name]
    told = run(order(tmp_path, code))
    assert why in told.suite.broken
    assert "\n" not in told.suite.broken


def test_a_file_that_says_0_tests_is_an_empty_manifest(tmp_path: Path) -> None:
    told = run(order(tmp_path, "write('<testsuite tests=\"0\"/>')"))
    assert [fact.test_ids for fact in told.collected] == [()]
    assert told.tests == {}


def test_a_stale_file_is_ignored_and_named(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old.xml").write_text(GREEN)
    told = run(order(tmp_path, "print('crash'); sys.exit(3)"))
    assert told.tests == {}
    assert "from before its start, and so ignored: out/old.xml" in told.suite.broken
    assert "not read, from before the start: out/old.xml" in told.suite.output_tail


def test_an_old_file_put_in_place_during_the_run_is_stale(tmp_path: Path) -> None:
    (tmp_path / "old.xml").write_text(GREEN)
    long_ago = time.time() - 3600
    os.utime(tmp_path / "old.xml", (long_ago, long_ago))
    told = run(order(tmp_path, "import shutil; shutil.copy2('old.xml', 'out/r.xml')"))
    assert told.tests == {}
    assert "wrote no results" in told.suite.broken


def test_a_file_of_the_last_run_that_is_written_anew_is_fresh(tmp_path: Path) -> None:
    one = order(tmp_path, f"write('''{GREEN}''')")
    assert run(one).outcomes == run(one).outcomes == {"a": "PASS", "b": "PASS"}


GROWS = """
f = open('out/r.xml', 'w')
def say(text): f.write(text); f.flush()
say('<testsuite name="s">')
for name in 'abc':
    say(f'<testcase name="{name}"'); time.sleep(.3); say('/>')
    while not pathlib.Path('seen-' + name).exists(): time.sleep(.02)
say('</testsuite>')
"""


def test_a_result_is_told_while_the_runner_goes_on(tmp_path: Path) -> None:
    async def follow() -> list[str]:
        seen = []
        async for fact in run_suite(order(tmp_path, GROWS)):
            if isinstance(fact, TestResult):
                (tmp_path / f"seen-{fact.test_id[-1]}").touch()
                seen.append(fact.test_id)
        return seen

    assert asyncio.run(asyncio.wait_for(follow(), 60)) == ["s::a", "s::b", "s::c"]


def test_a_file_a_class_is_told_as_each_appears(tmp_path: Path) -> None:
    one = 'write(f\'<testsuite name="{n}" tests="1"><testcase classname="{n}" name="t"/></testsuite>\', f\'TEST-{n}.xml\')'
    code = f"for n in 'AB':\n    {one}\n    while not pathlib.Path('seen-' + n).exists(): time.sleep(.02)"

    async def follow() -> list[str]:
        seen = []
        async for fact in run_suite(order(tmp_path, code)):
            if isinstance(fact, TestResult):
                (tmp_path / f"seen-{fact.test_id[0]}").touch()
                seen.append(fact.test_id)
        return seen

    assert asyncio.run(asyncio.wait_for(follow(), 60)) == ["A::t", "B::t"]


def written_anew(folder: Path, first: str, then: str) -> Told:
    """A runner that writes its file a second time, once a result of the first was told."""
    code = f"write('''{first}''')\nwhile not os.path.exists('seen'): time.sleep(.02)\nwrite('''{then}''')"

    async def follow() -> Told:
        facts = []
        async for fact in run_suite(order(folder, code)):
            facts.append(fact)
            if isinstance(fact, TestResult):
                (folder / "seen").touch()
        return Told(facts)

    return asyncio.run(asyncio.wait_for(follow(), 60))


def test_a_head_that_is_written_anew_at_the_end_is_the_one_that_counts(tmp_path: Path) -> None:
    first = '<testsuite name="s" tests="0"><testcase name="a"/>'
    told = written_anew(tmp_path, first, RED)
    assert told.outcomes == {"a": "FAIL", "b": "PASS"}
    assert told.suite.broken == ""


@pytest.mark.soak
def test_a_red_test_that_the_file_says_green_later_is_flaky(tmp_path: Path) -> None:
    told = written_anew(tmp_path, RED, GREEN)
    assert told.outcomes == {"a": "FLAKY", "b": "PASS"}
    assert told.tests["a"].findings == ("the file said FAIL before: no",)


def test_a_test_that_was_told_and_is_gone_at_the_end_is_a_fault(tmp_path: Path) -> None:
    first = '<testsuite name="s"><testcase name="gone"/>'
    told = written_anew(tmp_path, first, GREEN)
    assert "1 tests that the files named while they grew are gone" in told.suite.broken


def test_what_a_time_out_cuts_off_is_not_run_and_the_rest_is_kept(tmp_path: Path) -> None:
    code = 'write(\'<testsuite name="s"><testcase name="a"/><testcase name="b">\'); time.sleep(60)'
    told = run(order(tmp_path, code, timeout_s=3.0))
    assert told.outcomes == {"a": "PASS", "b": "NOT_RUN"}
    assert "timed out after 3 s" in told.tests["b"].message
    assert (told.suite.timed_out, told.suite.broken, told.suite.exit_code) == (True, "", None)


def test_a_retry_runs_all_and_tells_what_was_asked(tmp_path: Path) -> None:
    told = run(order(tmp_path, f"write('''{GREEN}''')", only=("s::a", "s::gone"), attempt=2))
    assert {f.test_id: f.outcome for f in told.facts if isinstance(f, TestResult)} == {
        "s::a": "PASS",
        "s::gone": "NOT_RUN",
    }
    assert told.collected == []
    assert {result.attempt for result in told.tests.values()} == {2}


def test_a_window_lies_inside_the_run_or_is_the_arrival(tmp_path: Path) -> None:
    old = '<testsuite name="s" timestamp="2001-01-01T00:00:00Z"><testcase name="a" time="1"/></testsuite>'
    told = run(order(tmp_path, f"write('''{old}''')"))
    assert told.tests["a"].at >= told.suite.started_at
    assert told.tests["a"].duration_ms == 1000


def test_leaving_early_leaves_no_process(tmp_path: Path) -> None:
    async def leave() -> None:
        code = 'write(\'<testsuite name="s"><testcase name="a"/>\'); time.sleep(60)'
        env = {"MARK": f"left-{tmp_path.name}-{os.getpid()}"}
        async with aclosing(run_suite(order(tmp_path, code, env=env))) as facts:
            async for _ in facts:
                break

    asyncio.run(asyncio.wait_for(leave(), 60))
    assert processes_with(f"left-{tmp_path.name}-{os.getpid()}") == []


def test_the_suites_own_result_is_the_last_fact(tmp_path: Path) -> None:
    told = run(order(tmp_path, f"write('''{GREEN}'''); sys.exit(9)"))
    assert isinstance(told.facts[-1], SuiteResult)
    assert told.suite.exit_code == 9  # the judge: exit code 9 although no test failed

"""Laws of outcomes: what pytest said of a test is what is told, in five words."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.records.facts import TestResult
from tests.suites.stage import PYTEST, Told, order_for, run

SUITE = """
import asyncio, os, sys, time, unittest
import pytest

@pytest.fixture
def broken_set_up(): raise ValueError("no database")

@pytest.fixture
def broken_tear_down():
    yield
    raise RuntimeError("cannot clean up")

def test_passes(): pass
def test_fails(): assert {"status": 503} == {"status": 200}
def test_raises(): raise KeyError("tool_name")
def test_group(): raise ExceptionGroup("several", [ConnectionError("received 1000 (OK) main cleanup")])
def test_two_lines(): assert False, "first line\\nsecond line"
def test_set_up(broken_set_up): pass
def test_tear_down(broken_tear_down): pass
def test_fails_and_tear_down(broken_tear_down): assert 0, "the first cause"
def test_no_such_fixture(nothing_like_it): pass
@pytest.mark.skip(reason="not today")
def test_skipped(): pass
def test_skips_itself(): pytest.skip("no token")
@pytest.mark.xfail(reason="ticket 7")
def test_xfail(): assert 0
@pytest.mark.xfail(reason="ticket 8")
def test_xpass(): pass
@pytest.mark.xfail(reason="ticket 9", strict=True)
def test_xpass_strict(): pass
def test_sleeps_too_long(): time.sleep(60)
async def test_awaits_too_long(): await asyncio.sleep(60)
def test_swallows_too_long():
    try: time.sleep(60)
    except Exception: pass
class TestCase(unittest.TestCase):
    def test_subtests(self):
        for n in range(3):
            with self.subTest(n=n): self.assertNotEqual(n, 1)
def test_closes_stdout(): os.close(1)
def test_after_all(): pass
"""

EXPECTED = [
    ("test_passes", "PASS", "call", ""),
    ("test_fails", "FAIL", "call", "AssertionError: assert {'status': 503} == {'status': 200}"),
    ("test_raises", "FAIL", "call", "KeyError: 'tool_name'"),
    ("test_group", "FAIL", "call", "ExceptionGroup: several (1 sub-exception); ConnectionError: received 1000 (OK) main cleanup"),
    ("test_two_lines", "FAIL", "call", "AssertionError: first line"),
    ("test_set_up", "ERROR", "setup", "ValueError: no database"),
    ("test_tear_down", "ERROR", "teardown", "RuntimeError: cannot clean up"),
    ("test_fails_and_tear_down", "FAIL", "call", "AssertionError: the first cause"),
    ("test_no_such_fixture", "ERROR", "setup", "FixtureLookupError: fixture 'nothing_like_it' not found"),
    ("test_skipped", "SKIPPED", "setup", "not today"),
    ("test_skips_itself", "SKIPPED", "call", "no token"),
    ("test_xfail", "SKIPPED", "call", "xfail: ticket 7"),
    ("test_xpass", "PASS", "call", ""),
    ("test_xpass_strict", "FAIL", "call", "[XPASS(strict)] ticket 9"),
    ("test_sleeps_too_long", "FAIL", "call", "timed out after 1 s"),
    ("test_awaits_too_long", "FAIL", "call", "timed out after 1 s"),
    ("test_swallows_too_long", "FAIL", "call", "timed out after 1 s"),
    ("TestCase::test_subtests", "FAIL", "call", "AssertionError: 1 == 1"),
    ("test_closes_stdout", "PASS", "call", ""),
    ("test_after_all", "PASS", "call", ""),
]  # fmt: skip


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return run(order_for(tmp_path_factory.mktemp("outcomes"), SUITE, test_timeout_s=1.0))


@pytest.mark.parametrize(("name", "outcome", "stage", "message"), EXPECTED)
def test_each_end_has_its_word(
    told: Told, name: str, outcome: str, stage: str, message: str
) -> None:
    result = told.tests[name]
    assert (result.outcome, result.stage) == (outcome, stage), result
    assert message in result.message
    assert "\n" not in result.message


def test_every_test_has_one_result_and_the_order_survives(told: Told) -> None:
    names = [fact.test_id for fact in told.facts if isinstance(fact, TestResult)]
    assert names == list(told.collected[0].test_ids)
    assert len(names) == len(EXPECTED)


def test_the_manifest_comes_first_and_the_suite_last(told: Told) -> None:
    assert told.facts[0] is told.collected[0]
    assert told.suite.exit_code == 1
    assert told.suite.broken == ""
    assert not told.suite.timed_out


def test_failures_carry_a_signature_and_others_none(told: Told) -> None:
    for result in told.tests.values():
        assert bool(result.signature) == (result.outcome in ("FAIL", "ERROR"))
    assert told.tests["test_sleeps_too_long"].signature == "timed out after <n>"


def test_an_expected_failure_that_passed_is_a_finding(told: Told) -> None:
    assert told.tests["test_xpass"].findings[0].startswith("xpass")


def test_a_timed_out_test_shows_where_it_stood(told: Told) -> None:
    assert "most recent call first" in told.tests["test_sleeps_too_long"].detail


def test_without_targets_nothing_is_witnessed(told: Told) -> None:
    assert {result.witnessed for result in told.tests.values()} == {False}


ONLY = """
import pytest
def test_a(): pass
@pytest.mark.parametrize("n", ["x", "y z"])
def test_b(n): pass
def test_c(): pass
def test_left_out(): pass
"""


def test_only_runs_just_those_and_tells_the_whole_manifest(tmp_path: Path) -> None:
    only = ("test_it.py::test_b[y z]", "test_it.py::test_c", "test_it.py::test_gone")
    command = (*PYTEST, "-k", "not left_out")
    told = run(order_for(tmp_path, ONLY, only=only, attempt=2, command=command))
    assert told.outcomes == {"test_b[y z]": "PASS", "test_c": "PASS", "test_gone": "NOT_RUN"}
    assert "does not collect" in told.tests["test_gone"].message
    assert len(told.collected[0].test_ids) == 4
    assert told.collected[0].deselected == ("test_it.py::test_left_out",)
    assert {result.attempt for result in told.tests.values()} == {2}


NESTED = """
import os, subprocess, sys
def test_outer(tmp_path):
    (tmp_path / "test_inner.py").write_text("def test_inner(): assert 0")
    done = subprocess.run([sys.executable, "-m", "pytest", str(tmp_path)], capture_output=True)
    assert done.returncode == 1
"""


def test_a_pytest_inside_a_test_is_not_the_suite(tmp_path: Path) -> None:
    told = run(order_for(tmp_path, NESTED))
    assert told.outcomes == {"test_outer": "PASS"}


RERUNS = {
    "conftest.py": """
        from _pytest.runner import runtestprotocol
        def pytest_runtest_protocol(item, nextitem):
            reports = runtestprotocol(item, nextitem=nextitem, log=False)
            if any(report.failed for report in reports):
                for report in reports:
                    report.outcome = "rerun"
                    item.ihook.pytest_runtest_logreport(report=report)
                    break
                reports = runtestprotocol(item, nextitem=nextitem, log=False)
            for report in reports:
                item.ihook.pytest_runtest_logreport(report=report)
            return True
    """,
    "test_it.py": """
        runs = []
        def test_a(): runs.append(1); assert len(runs) > 1
        def test_b(): pass
    """,
}


def test_a_pass_on_a_rerun_inside_the_suite_is_flaky(tmp_path: Path) -> None:
    told = run(order_for(tmp_path, RERUNS))
    assert told.outcomes == {"test_a": "FLAKY", "test_b": "PASS"}
    assert told.tests["test_a"].message == "passed after 1 reruns inside the suite"

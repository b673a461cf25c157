"""Laws of broken suites: the suite's own fault, in one sentence, in other words than a failure."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.rules.readers.runner_output import Ended, broken_reason
from tests.suites.stage import PYTEST, order_for, run

GOOD = "def test_a(): pass\n"

BROKEN = {
    "import error": (
        {"test_bad.py": "import no_such_module_here\n", "test_it.py": GOOD}, PYTEST,
        "test_bad.py cannot be collected: ModuleNotFoundError: No module named 'no_such_module_here'"),
    "syntax error": ({"test_bad.py": "def test_a(:\n"}, PYTEST, "SyntaxError"),
    "conftest": (
        {"conftest.py": "raise RuntimeError('no TOKEN')\n", "test_it.py": GOOD}, PYTEST,
        "pytest could not begin (exit code 4) before it collected any test: RuntimeError: no TOKEN"),
    "no such file": ({"test_it.py": GOOD}, (*PYTEST, "nope.py"), "file or directory not found: nope.py"),
    "usage": ({"test_it.py": GOOD}, (*PYTEST, "--no-such-flag"), "unrecognized arguments: --no-such-flag"),
    "internal error": (
        {"conftest.py": "def pytest_runtest_protocol(item): raise OSError('full')\n", "test_it.py": GOOD},
        PYTEST, "pytest itself failed in this suite: OSError: full"),
    "no such command": ({"test_it.py": GOOD}, ("no-such-command",), "cannot be started: No such file or directory: 'no-such-command'"),
    "no such command in a shell": ({}, ("sh", "-c", "no-such-command"), "command was not found: "),
    "no pytest": ({"test_it.py": GOOD}, ("python", "-S", "-m", "pytest"), "the suite's interpreter has no pytest"),
    "not pytest at all": ({}, ("true",), "the witness plugin was not loaded: the command ended with exit code 0"),
    "drops the environment": (
        {"test_it.py": GOOD}, ("sh", "-c", "unset PYTEST_ADDOPTS; python -m pytest -q"),
        "the witness plugin was not loaded: the command ended with exit code 0 and reported no test"),
    "keeps half of it": (
        {"test_it.py": GOOD}, ("python", "-E", "-m", "pytest"), "the witness plugin was not loaded"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_suite_says_what_is_the_matter(tmp_path: Path, name: str) -> None:
    files, command, expected = BROKEN[name]
    told = run(order_for(tmp_path, files, command=command))
    assert expected in told.suite.broken
    assert "\n" not in told.suite.broken
    assert told.suite.exit_code is not None
    assert "PASS" not in told.outcomes.values()


def test_a_module_that_cannot_be_collected_is_an_error_of_its_own(tmp_path: Path) -> None:
    told = run(order_for(tmp_path, BROKEN["import error"][0]))
    assert told.outcomes == {"test_bad.py": "ERROR", "test_a": "NOT_RUN"}
    bad = told.tests["test_bad.py"]
    assert (bad.stage, bad.witnessed) == ("collect", None)
    assert bad.signature == "ModuleNotFoundError: No module named 'no_such_module_here'"
    assert "test_bad.py cannot be collected" in told.tests["test_a"].message


@pytest.mark.parametrize(
    ("code", "command"),
    [("", PYTEST), (GOOD, (*PYTEST, "-k", "nothing"))],
    ids=["no tests", "all deselected"],
)
def test_an_empty_suite_is_empty_and_not_broken(
    tmp_path: Path, code: str, command: tuple[str, ...]
) -> None:
    told = run(order_for(tmp_path, code, command=command))
    assert [fact.test_ids for fact in told.collected] == [()]
    assert (told.suite.exit_code, told.suite.broken) == (5, "")
    assert told.tests == {}


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    told = run(order_for(tmp_path, GOOD, cwd=tmp_path / "gone"))
    assert f"No such file or directory: '{tmp_path / 'gone'}'" in told.suite.broken


def test_failed_tests_an_early_stop_and_a_kill_by_the_gate_are_not_broken() -> None:
    for ended in (Ended(0), Ended(1), Ended(5, collected=False), Ended(None, loaded=False)):
        assert broken_reason(ended) == ""


def test_a_runner_that_died_before_it_collected_is_broken() -> None:
    reason = broken_reason(Ended(-11, collected=False, stderr="Fatal Python error: Segfault\n"))
    assert reason == (
        "the runner ended (exit code -11) before it collected any test: "
        "Fatal Python error: Segfault"
    )

"""What a case means in the file of a runner that is known by its root, beyond the words of it.

Source: files that the runners wrote on suites with one test for each way to end (Playwright 1.65,
pytest 9.2 with pytest-rerunfailures, node 20, jest-junit 17), and their reporters' documents.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal

from data.records.words import Outcome
from data.rules.readers.result_names import is_script

Runner = Literal["", "playwright", "pytest", "node"]
Meaning = tuple[Outcome, str]
UNEXPLAINED = "did not run: its runner skipped it and names no reason"
_SILENT_FILE = "not known: the file ran to its end and reported no test of its own"
_RERUN = "passed after a rerun inside the suite: the file keeps no result of the attempt before"
_JEST_EXTRA = "Test execution failure: could be caused by test hooks"


def runner_of(attributes: Mapping[str, str], root: bool) -> Runner:
    """Whose habits an element's content has, by what only this runner writes; "" for any other.

    Args:
        attributes: of a suite element; root: whether it is `<testsuites>`.
    """
    name = attributes.get("name")
    if root:
        if "id" in attributes:
            return "playwright"
        return "pytest" if name == "pytest tests" else ""
    return "pytest" if name == "pytest" else ""


def meaning(
    runner: Runner, name: str, outcome: Outcome, told: Collection[str], notes: Mapping[str, str]
) -> Meaning:
    """(outcome, why) of a case; "" where the case's own words say why.

    Never better than what is told: an expected failure and a skipped test are no passes, and what
    did not run is not skipped.

    Args:
        outcome: as told; told: the elements inside the case; notes: its properties.
    """
    if outcome is Outcome.NOT_RUN:
        return outcome, "did not run"
    if runner == "playwright":
        if outcome is Outcome.SKIPPED and not {"skip", "fixme"} & notes.keys():
            return Outcome.NOT_RUN, UNEXPLAINED
        if outcome is Outcome.SKIPPED:
            return outcome, notes.get("skip") or notes.get("fixme") or ""
        if "fail" in notes and outcome is Outcome.PASS:
            return Outcome.SKIPPED, f"xfail: {notes['fail'] or 'expected to fail, and did'}"
        if "fail" in notes and "failure" in told:
            return outcome, "expected to fail, but passed or failed in another way"
    if runner == "node" and outcome is Outcome.PASS and is_script(name):
        return Outcome.NOT_RUN, _SILENT_FILE
    return outcome, ""


def repeated(runner: Runner, outcome: Outcome) -> Meaning:
    """(outcome, why) of a case whose id the file has already.

    pytest's ids are unique: the second of two is a rerun or a failed tear-down. The attempt before
    a rerun has an element without a word in it, as if it had passed.
    """
    if runner == "pytest" and outcome is Outcome.PASS:
        return Outcome.FLAKY, _RERUN
    return outcome, ""


def is_extra(classname: str, name: str) -> bool:
    """Whether jest-junit added this case for a hook or a file that failed, and did not count it."""
    return classname == "Test suite failed to run" or name.lstrip().startswith(_JEST_EXTRA)

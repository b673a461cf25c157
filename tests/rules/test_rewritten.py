"""A red result is never undone by writing the file anew."""

from __future__ import annotations

import pytest

from data.records.results import ReadCase
from data.records.words import Outcome
from data.rules.readers.rewritten import after_red

BECOMES = {
    ("FAIL", "PASS"): "FLAKY",
    ("ERROR", "PASS"): "FLAKY",
    ("FAIL", "FLAKY"): "FLAKY",
    ("FAIL", "SKIPPED"): "FAIL",
    ("ERROR", "NOT_RUN"): "ERROR",
    ("FAIL", "ERROR"): "ERROR",
}


@pytest.mark.parametrize(("first", "then"), BECOMES)
def test_what_was_red_stays_known(first: str, then: str) -> None:
    red = ReadCase("t", Outcome(first), message="500 instead of 200")
    found = after_red(red, ReadCase("t", Outcome(then), findings=("odd",)))
    assert found.outcome == BECOMES[first, then]
    if then != "ERROR":
        assert found.findings == ("odd", f"the file said {first} before: 500 instead of 200")


@pytest.mark.parametrize("outcome", Outcome)
def test_without_a_red_nothing_changes(outcome: Outcome) -> None:
    case = ReadCase("t", outcome)
    assert after_red(None, case) == case

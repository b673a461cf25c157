"""Contact by time alone: neither credited nor accused where nobody can say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from data.records.facts import TestResult
from data.records.words import Outcome
from data.rules.attribution import Contact
from data.rules.contact_by_time import ELSEWHERE, SHARED, WEAKER, witnessed_by_time

T0 = datetime(2026, 1, 1, tzinfo=UTC)


def ended(name: str, at_s: float, took_s: float = 1.0, outcome: str = "PASS") -> TestResult:
    """A test that ended `at_s` after the start."""
    return TestResult(
        run_id="r", phase="p", suite="s", test_id=name, outcome=Outcome(outcome),
        duration_ms=took_s * 1000, at=T0 + timedelta(seconds=at_s),
    )  # fmt: skip


def contact(*at_s: float) -> list[Contact]:
    return [Contact("api", T0.timestamp() + at) for at in at_s]


APART = [ended("a", 10), ended("b", 20)]
BESIDE = [ended("a", 10), ended("b", 10)]


@pytest.mark.parametrize(
    ("tests", "contacts", "found"),
    [
        (APART, contact(9.5, 19.5), {"a": (True, WEAKER), "b": (True, WEAKER)}),
        (APART, contact(9.5), {"a": (True, WEAKER), "b": (False, WEAKER)}),
        (APART, contact(), {"a": (False, WEAKER), "b": (False, WEAKER)}),
        (BESIDE, contact(9.5), {"a": (True, SHARED), "b": (True, SHARED)}),
        # a session's set-up, or a runner that tells everything at its end
        (APART, contact(2.0, 9.5), {"a": (True, WEAKER), "b": (None, ELSEWHERE)}),
        (APART, contact(2.0), {"a": (None, ELSEWHERE), "b": (None, ELSEWHERE)}),
    ],
)
def test_contact_counts_for_who_ran_then(
    tests: list[TestResult],
    contacts: list[Contact],
    found: dict[str, tuple[bool | None, str]],
) -> None:
    seen = {t.test_id: (t.witnessed, t.findings[-1]) for t in witnessed_by_time(tests, contacts)}
    assert seen == found


def test_what_did_not_run_is_not_told_again() -> None:
    tests = [ended("a", 10, outcome="NOT_RUN"), ended("b", 10, outcome="SKIPPED")]
    assert list(witnessed_by_time(tests, contact(9.5))) == []

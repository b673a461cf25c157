"""From attempts to outcomes and grades, whatever their order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.records.words import Grade, Outcome
from data.rules.outcomes import final_outcomes, final_probes, grade_of
from tests.rules.matters import probed, test

SETTLED = [
    (["PASS"], "PASS"),
    (["FAIL"], "FAIL"),
    (["ERROR"], "ERROR"),
    (["NOT_RUN"], "NOT_RUN"),
    (["SKIPPED"], "SKIPPED"),
    (["FAIL", "PASS"], "FLAKY"),
    (["ERROR", "PASS"], "FLAKY"),
    (["FAIL", "FAIL", "PASS"], "FLAKY"),
    (["FAIL", "NOT_RUN", "PASS"], "FLAKY"),
    (["NOT_RUN", "PASS"], "PASS"),  # resumed: nothing was red
    (["PASS", "FAIL"], "FAIL"),
    (["FAIL", "FAIL"], "FAIL"),
    (["FAIL", "ERROR"], "ERROR"),
    (["FAIL", "NOT_RUN"], "FAIL"),  # a retry that did not end leaves the red
    (["ERROR", "SKIPPED"], "ERROR"),
    (["NOT_RUN", "NOT_RUN"], "NOT_RUN"),
    (["FLAKY"], "FLAKY"),
]
GRADES = [
    (None, None, None),
    (None, True, None),
    (False, None, Grade.VACUOUS),
    (False, True, Grade.VACUOUS),
    (True, None, Grade.WITNESSED),
    (True, True, Grade.PROVEN),
    (True, False, Grade.INSENSITIVE),
]


@pytest.mark.parametrize(("attempts", "expected"), SETTLED)
def test_attempts_of_a_test_settle_to_one_outcome(attempts: list[str], expected: str) -> None:
    tests = [test(outcome=o, attempt=n) for n, o in enumerate(attempts, 1)]
    (final,) = final_outcomes(tests).values()
    assert (final.outcome, final.attempts) == (expected, len(attempts))


@pytest.mark.parametrize(("attempts", "expected"), SETTLED)
def test_attempts_of_a_probe_settle_as_those_of_a_test(attempts: list[str], expected: str) -> None:
    found = final_probes(probed(o, attempt=n) for n, o in enumerate(attempts, 1))
    assert found["core", "chat"].outcome == expected


def test_nothing_settles_to_nothing() -> None:
    assert final_outcomes([]) == final_probes([]) == {}


@given(
    st.permutations([test(outcome=o, attempt=n) for n, o in enumerate(("FAIL", "NOT_RUN", "PASS"))])
)
def test_the_order_in_which_attempts_arrive_says_nothing(tests: list[object]) -> None:
    (final,) = final_outcomes(tests).values()  # type: ignore[arg-type]
    assert final.outcome is Outcome.FLAKY


def test_tests_keep_the_order_in_which_they_first_appeared() -> None:
    facts = [test(name="b"), test(name="a", outcome="FAIL"), test(name="a", attempt=2)]
    assert [key[2] for key in final_outcomes(facts)] == ["b", "a"]


def test_the_last_red_attempt_says_what_is_wrong() -> None:
    facts = [
        test(outcome="FAIL", signature="a"),
        test(outcome="ERROR", attempt=2, signature="b"),
        test(attempt=3),
    ]
    (final,) = final_outcomes(facts).values()
    assert final.red is not None
    assert final.red.signature == "b"


def test_a_probe_that_passed_at_last_says_what_failed_first() -> None:
    found = final_probes([probed("FAIL"), probed(attempt=2)])["core", "chat"]
    assert [f.signature for f in found.failures] == ["ws/closed-1000"]
    assert found.message == "attempt 1 FAIL; then passed"


@pytest.mark.parametrize(("witnessed", "sensitive", "grade"), GRADES)
def test_a_pass_is_worth_what_was_seen_of_it(
    witnessed: bool | None, sensitive: bool | None, grade: Grade | None
) -> None:
    assert grade_of(witnessed, sensitive) == grade


@pytest.mark.parametrize("outcome", ["FAIL", "ERROR", "NOT_RUN", "SKIPPED"])
def test_only_a_pass_has_a_grade(outcome: str) -> None:
    (final,) = final_outcomes([test(outcome=outcome)]).values()
    assert final.grade is None


def test_sensitivity_is_of_one_test_of_one_suite() -> None:
    tests = [test("auth", "t1"), test("auth", "t2"), test("search", "t1")]
    found = final_outcomes(tests, {("auth", "t1"): False})
    assert [f.grade for f in found.values()] == [
        Grade.INSENSITIVE,
        Grade.WITNESSED,
        Grade.WITNESSED,
    ]

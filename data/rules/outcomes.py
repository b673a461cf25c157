"""From attempts to final outcomes and evidence grades."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby

from data.records.facts import TestResult
from data.records.record import Record
from data.records.words import Grade, Outcome

TestKey = tuple[str, str, str]
RED = (Outcome.FAIL, Outcome.ERROR)


class FinalTest(Record):
    """One test after all of its attempts.

    Attributes:
        outcome: the last attempt's, or FLAKY when a red attempt was followed by a pass.
        grade: of a pass (FLAKY included); None when it did not pass or contact is unknown.
    """

    outcome: Outcome
    grade: Grade | None
    last: TestResult
    attempts: int


def final_outcomes(
    tests: Iterable[TestResult], sensitive: Mapping[tuple[str, str], bool] | None = None
) -> dict[TestKey, FinalTest]:
    """Final outcome of each test by (phase, suite, test id), in order of first appearance.

    Args:
        tests: every attempt, in any order.
        sensitive: (suite, test id) -> whether an audit saw it turn red; absent = unknown.
    """
    order: dict[TestKey, None] = {_key(test): None for test in tests}
    ranked = sorted(tests, key=lambda t: (_key(t), t.attempt))
    groups = {key: tuple(group) for key, group in groupby(ranked, key=_key)}
    return {key: _final(groups[key], (sensitive or {}).get(key[1:])) for key in order}


def grade_of(witnessed: bool | None, sensitive: bool | None) -> Grade | None:
    """What a pass is worth; None when nothing could see whether it touched the target."""
    if witnessed is None:
        return None
    if not witnessed:
        return Grade.VACUOUS
    if sensitive is None:
        return Grade.WITNESSED
    return Grade.PROVEN if sensitive else Grade.INSENSITIVE


def _key(test: TestResult) -> TestKey:
    return (test.phase, test.suite, test.test_id)


def _final(attempts: tuple[TestResult, ...], sensitive: bool | None) -> FinalTest:
    last = attempts[-1]
    passed = last.outcome is Outcome.PASS
    was_red = any(t.outcome in RED for t in attempts[:-1])
    outcome = Outcome.FLAKY if passed and was_red else _settled(attempts)
    good = outcome in (Outcome.PASS, Outcome.FLAKY)
    grade = grade_of(last.witnessed, sensitive) if good else None
    return FinalTest(outcome=outcome, grade=grade, last=last, attempts=len(attempts))


def _settled(attempts: tuple[TestResult, ...]) -> Outcome:
    """A retry that did not end leaves the red it was to check; a red stays red."""
    last = attempts[-1].outcome
    if last in (Outcome.NOT_RUN, Outcome.SKIPPED):
        earlier = [t.outcome for t in attempts if t.outcome in (*RED, Outcome.PASS)]
        return earlier[-1] if earlier else last
    return last

"""How every test of a run stands, in one walk: there may be 100,000 of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import NamedTuple

from data.records.facts import TestResult
from data.records.words import Grade, Outcome
from data.rules.outcomes import FinalTest, SuiteKey, final_of, grade_of

# What is read of a test, and so is in the hash; of 100,000 the rest would take longer than judging.
TEST_FIELDS = (
    *("phase", "suite", "test_id", "attempt", "outcome", "witnessed"),
    *("message", "signature", "stage"),
)
Row = tuple[str, str, str, int, Outcome, bool | None, str, str, str]
_FIELDS_OF = attrgetter(*TEST_FIELDS)


class Standing(NamedTuple):
    """How a test ended after all of its attempts, and what it is worth if it is a pass.

    Tests that stand alike share one: nearly all of them do.
    """

    outcome: Outcome
    grade: Grade | None


Tally = Counter[tuple[Outcome, Grade | None]]
_WORDS = (None, False, True)
_PASSES = {
    sensitive: {seen: Standing(Outcome.PASS, grade_of(seen, sensitive)) for seen in _WORDS}
    for sensitive in _WORDS
}


class Standings(NamedTuple):
    """Tests by (phase, suite) and test id, in order of first appearance.

    Attributes:
        all: how each of them stands.
        apart: with all that is known of them, those that were tried again or did not pass at once.
        unread: ids of modules that could not be imported, one for each attempt.
    """

    all: dict[SuiteKey, dict[str, Standing]]
    apart: dict[SuiteKey, dict[str, FinalTest]]
    unread: list[str]


def rows_of(tests: Iterable[TestResult]) -> list[Row]:
    """What is read of each test: the fields of `TEST_FIELDS`, in that order."""
    return list(map(_FIELDS_OF, tests))


def standings_of(
    tests: Sequence[TestResult],
    rows: Sequence[Row],
    sensitive: Mapping[tuple[str, str], bool],
) -> Standings:
    """How each test stands; arguments as for `final_outcomes`, and the rows of the same tests."""
    found, odd, unread = _passing(rows, sensitive)
    apart: dict[SuiteKey, dict[str, FinalTest]] = {place: {} for place in found}
    for place, groups in _attempts(tests, rows, odd).items():
        for name, attempts in groups.items():
            final = final_of(attempts, sensitive.get((place[1], name)))
            apart[place][name] = final
            found[place][name] = Standing(final.outcome, final.grade)
    return Standings(found, apart, unread)


def _passing(
    rows: Sequence[Row], sensitive: Mapping[tuple[str, str], bool]
) -> tuple[dict[SuiteKey, dict[str, Standing]], dict[SuiteKey, set[str]], list[str]]:
    """Every test as if it had passed at once, which of them did not, and modules not imported."""
    found: dict[SuiteKey, dict[str, Standing]] = {}
    odd: dict[SuiteKey, set[str]] = {}
    unread: list[str] = []
    place, passes = ("", ""), _PASSES[None]
    mine: dict[str, Standing] = {}
    for phase, suite, name, _, outcome, witnessed, _, _, stage in rows:
        if suite != place[1] or phase != place[0]:
            place = (phase, suite)
            mine = found.setdefault(place, {})
        if outcome is not Outcome.PASS or name in mine:
            odd.setdefault(place, set()).add(name)
        if stage == "collect":
            unread.append(name)
        if sensitive:
            passes = _PASSES[sensitive.get((suite, name))]
        mine[name] = passes[witnessed]
    return found, odd, unread


def _attempts(
    tests: Sequence[TestResult], rows: Sequence[Row], odd: Mapping[SuiteKey, set[str]]
) -> dict[SuiteKey, dict[str, list[TestResult]]]:
    """Every attempt of the tests that are named."""
    found: dict[SuiteKey, dict[str, list[TestResult]]] = {place: {} for place in odd}
    if odd:
        for row, test in zip(rows, tests, strict=True):
            if row[2] in odd.get(row[:2], ()):
                found[row[:2]].setdefault(row[2], []).append(test)
    return found

"""From attempts to final outcomes and evidence grades."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from data.records.facts import ProbeResult, SuiteResult, TestResult
from data.records.words import Grade, Outcome

SuiteKey = tuple[str, str]
TestKey = tuple[str, str, str]
ProbeKey = tuple[str, str]
RED = (Outcome.FAIL, Outcome.ERROR)
_NO_TESTS = 5  # pytest's exit code
_UNENDED = (Outcome.NOT_RUN, Outcome.SKIPPED)


class FinalTest(NamedTuple):
    """One test after all of its attempts. A tuple and no `Record`: there are 100,000 of them.

    Attributes:
        outcome: the last attempt's, or FLAKY when a red attempt was followed by a pass.
        grade: of a pass (FLAKY included); None when it did not pass or contact is unknown.
        red: the last red attempt, the one that says what is wrong.
    """

    outcome: Outcome
    grade: Grade | None
    last: TestResult
    red: TestResult | None
    attempts: int


def final_outcomes(
    tests: Iterable[TestResult], sensitive: Mapping[tuple[str, str], bool] | None = None
) -> dict[TestKey, FinalTest]:
    """Final outcome of each test by (phase, suite, test id), suite by suite.

    Suites, and in each of them its tests, are in order of first appearance.

    Args:
        tests: every attempt, in any order.
        sensitive: (suite, test id) -> whether an audit saw it turn red; absent = unknown.
    """
    known = sensitive or {}
    groups: dict[SuiteKey, dict[str, list[TestResult]]] = {}
    for test in tests:
        mine = groups.setdefault((test.phase, test.suite), {})
        mine.setdefault(test.test_id, []).append(test)
    return {
        (*place, name): final_of(attempts, known.get((place[1], name)))
        for place, named in groups.items()
        for name, attempts in named.items()
    }


def final_probes(probes: Iterable[ProbeResult]) -> dict[ProbeKey, ProbeResult]:
    """Each probe by (phase, probe) after all of its attempts.

    A pass after a red attempt is FLAKY and keeps the failures of the red ones: they say what is
    flaky. An attempt that did not end leaves the outcome of those that did.
    """
    groups: dict[ProbeKey, list[ProbeResult]] = {}
    for probe in sorted(probes, key=lambda p: p.attempt):
        groups.setdefault((probe.phase, probe.probe), []).append(probe)
    return {key: _final_probe(group) for key, group in groups.items()}


def as_one(shards: Sequence[SuiteResult]) -> SuiteResult:
    """The processes that shared one attempt of a suite, told as one: the worst of each.

    A shard without any test (exit code 5) says nothing against one that had some: what it ought
    to have run is missing by its own name.
    """
    codes = [s.exit_code for s in shards]
    told = [code for code in codes if code != _NO_TESTS] or codes
    red = [code for code in told if code]
    update = {
        "exit_code": max(red, key=abs) if red else None if None in told else 0,
        "timed_out": any(s.timed_out for s in shards),
        "broken": next((s.broken for s in shards if s.broken), ""),
        "duration_s": sum(s.duration_s for s in shards),
    }
    return shards[0].model_copy(update=update)


def grade_of(witnessed: bool | None, sensitive: bool | None) -> Grade | None:
    """What a pass is worth; None when nothing could see whether it touched the target."""
    if witnessed is None:
        return None
    if not witnessed:
        return Grade.VACUOUS
    if sensitive is None:
        return Grade.WITNESSED
    return Grade.PROVEN if sensitive else Grade.INSENSITIVE


_WORDS = (None, False, True)
_GRADES = {(w, s): grade_of(w, s) for w in _WORDS for s in _WORDS}


_made = tuple.__new__  # half the time of calling the class


def _attempt(test: TestResult) -> int:
    return test.attempt


def _only(test: TestResult, sensitive: bool | None) -> FinalTest:
    """`final_of` one attempt: nearly every test has no other."""
    outcome = test.outcome
    if outcome is Outcome.PASS or outcome is Outcome.FLAKY:
        return _made(FinalTest, (outcome, _GRADES[test.witnessed, sensitive], test, None, 1))
    return _made(FinalTest, (outcome, None, test, test if outcome in RED else None, 1))


def final_of(attempts: Sequence[TestResult], sensitive: bool | None) -> FinalTest:
    """One test after all of its attempts, at least one, in any order; `sensitive` None: unknown."""
    if len(attempts) == 1:
        return _only(attempts[0], sensitive)
    attempts = sorted(attempts, key=_attempt)
    last, red = attempts[-1], [t for t in attempts if t.outcome in RED]
    outcome = Outcome.FLAKY if last.outcome is Outcome.PASS and red else _settled(attempts)
    good = outcome in (Outcome.PASS, Outcome.FLAKY)
    return FinalTest(
        outcome=outcome,
        grade=grade_of(last.witnessed, sensitive) if good else None,
        last=last,
        red=red[-1] if red else None,
        attempts=len(attempts),
    )


def _settled(attempts: Sequence[TestResult]) -> Outcome:
    """A retry that did not end leaves the red it was to check; a red stays red."""
    last = attempts[-1].outcome
    if last in _UNENDED:
        earlier = [t.outcome for t in attempts if t.outcome in (*RED, Outcome.PASS)]
        return earlier[-1] if earlier else last
    return last


def _final_probe(attempts: list[ProbeResult]) -> ProbeResult:
    ended = [p for p in attempts if p.outcome not in _UNENDED] or attempts
    last, red = ended[-1], [p for p in ended if p.outcome in RED]
    if last.outcome is not Outcome.PASS or not red:
        return last
    was = "; ".join(f"attempt {p.attempt} {p.outcome}: {p.message}".rstrip(": ") for p in red)
    failures = tuple(failure for p in red for failure in p.failures)
    told = {"outcome": Outcome.FLAKY, "failures": failures, "message": f"{was}; then passed"}
    return last.model_copy(update=told)

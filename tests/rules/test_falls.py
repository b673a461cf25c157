"""More failures than in the promoted runs: seen where they can be, chance called chance."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from data.records.evidence import BaselineRun
from data.records.verdict import CriterionResult, Verdict
from data.rules.grammar import parse_rule
from data.rules.statistics.proportions import overdispersion
from tests.rules.making import Input, green, samples

RULE = "share(chat) >= -1 %"
CLEAN = [(3, 300)] * 20  # 1 % of failures


def case_of(earlier: list[tuple[int, int]], n_failed: int, n: int) -> Input:
    made = samples((100.0,) * n)
    made = tuple(s.model_copy(update={"ok": at >= n_failed}) for at, s in enumerate(made))
    runs = tuple(
        BaselineRun(run_id=f"old-{at}", revision="r", failed={"chat": counts})
        for at, counts in enumerate(earlier)
    )
    case = green(criteria=[{"id": "c", "priority": "P2", "rule": RULE}])
    return replace(
        case,
        evidence=case.evidence.model_copy(update={"samples": made}),
        history=case.history.model_copy(update={"baseline": runs}),
    )


def judged(earlier: list[tuple[int, int]], n_failed: int, n: int) -> Verdict:
    return case_of(earlier, n_failed, n).judged()


def found(earlier: list[tuple[int, int]], n_failed: int, n: int) -> CriterionResult:
    return next(c for c in judged(earlier, n_failed, n).criteria if c.id == "c")


@pytest.mark.parametrize(
    ("earlier", "n_failed", "n", "mark"),
    [
        (CLEAN, 3, 300, "PASS"),
        (CLEAN, 15, 300, "FAIL"),  # 1 % became 5 %
        (CLEAN, 0, 300, "PASS"),
        (CLEAN, 1, 30, "NOT_EVALUATED"),  # so few could not show it
        (CLEAN, 8, 30, "FAIL"),  # but so many are no chance
        ([(0, 300)] * 20, 2, 300, "PASS"),
        ([(0, 300)] * 20, 9, 300, "FAIL"),
        # promoted runs that differ so much among each other are no sharp yardstick
        ([(0, 300)] * 15 + [(15, 300)] * 5, 12, 300, "NOT_EVALUATED"),
    ],
)
def test_a_rise_of_failures_is_seen_where_it_can_be(
    earlier: list[tuple[int, int]], n_failed: int, n: int, mark: str
) -> None:
    told = found(earlier, n_failed, n)
    assert told.outcome == mark, told.sentence


def test_a_rise_inside_every_target_is_watched() -> None:
    assert judged(CLEAN, 15, 300).verdict == "PROMOTE_WITH_WATCH"


def test_a_first_deployment_has_no_yardstick_and_goes_on() -> None:
    verdict = judged([], 15, 300)
    assert verdict.verdict == "PROMOTE"
    assert "absolute criteria only" in verdict.criteria[-1].sentence


@pytest.mark.parametrize(
    "text", ["share(chat) <= -1 %", "share(chat) >= +1 %", "share(chat) >= -1"]
)
def test_only_a_fall_can_be_allowed(text: str) -> None:
    with pytest.raises(ValueError, match="share"):
        parse_rule(text)


ORDER = ("PASS", "NOT_EVALUATED", "FAIL")
RUNS = st.lists(st.tuples(st.integers(0, 5), st.integers(40, 60)), min_size=1, max_size=6)


@settings(max_examples=40)
@given(RUNS, st.integers(0, 60), st.integers(0, 60))
def test_a_failure_more_never_makes_it_better(
    earlier: list[tuple[int, int]], one: int, other: int
) -> None:
    fewer, more = sorted((one, other))
    assume(found(earlier, fewer, 60).outcome == "FAIL")
    assert found(earlier, more, 60).outcome == "FAIL"


@settings(max_examples=40)
@given(RUNS, st.integers(0, 60), st.permutations(range(6)))
def test_the_order_of_promoted_runs_is_nothing(
    earlier: list[tuple[int, int]], n_failed: int, order: list[int]
) -> None:
    mixed = [earlier[at] for at in order if at < len(earlier)]
    assert found(mixed, n_failed, 60).outcome == found(earlier, n_failed, 60).outcome


@given(RUNS, st.integers(2, 9))
def test_runs_that_agree_are_worth_what_they_count(earlier: list[tuple[int, int]], k: int) -> None:
    assert overdispersion(earlier) >= 1
    assert overdispersion([earlier[0]] * k) == 1

"""Declared criteria: joined comparisons, the baseline, warnings, policies and what decides nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.records.evidence import BaselineRun
from data.records.verdict import CriterionResult, Verdict
from tests.rules.making import LATENCIES, Input, green, samples

# LATENCIES: 40 values, 100 to 109 ms; the baseline has three runs of the same.
YES, NO = "p95(chat) < 110 ms", "p95(chat) < 50 ms"
UNKNOWN = "p99(chat) < 2 s"  # needs 100 samples


def judged(rule: str = YES, case: Input | None = None, **more: Any) -> Verdict:
    criterion = {"id": "c", "priority": "P2", "rule": rule} | more
    plan = green(criteria=[criterion]).plan
    return replace(case or green(), plan=plan).judged()


def found(verdict: Verdict, id: str = "c") -> CriterionResult:
    return next(c for c in verdict.criteria if c.id == id)


def with_samples(values: tuple[float, ...], ok: int | None = None) -> Input:
    """Of the samples the first `ok` went well; None: all."""
    made = samples(values)
    n_good = len(made) if ok is None else ok
    made = tuple(s.model_copy(update={"ok": n < n_good}) for n, s in enumerate(made))
    case = green()
    return replace(case, evidence=case.evidence.model_copy(update={"samples": made}))


def with_baseline(*medians: float) -> Input:
    runs = tuple(
        BaselineRun(run_id=f"old-{n}", revision="r1", samples={"chat": (m,) * 20})
        for n, m in enumerate(medians)
    )
    case = green()
    return replace(case, history=case.history.model_copy(update={"baseline": runs}))


THREE = {"PASS": YES, "FAIL": NO, "NOT_EVALUATED": UNKNOWN}
BOTH = [
    ("PASS", "PASS", "PASS"), ("PASS", "FAIL", "FAIL"), ("PASS", "NOT_EVALUATED", "NOT_EVALUATED"),
    ("FAIL", "FAIL", "FAIL"), ("FAIL", "NOT_EVALUATED", "FAIL"),
    ("NOT_EVALUATED", "NOT_EVALUATED", "NOT_EVALUATED"),
]  # fmt: skip
EITHER = [
    ("PASS", "PASS", "PASS"), ("PASS", "FAIL", "PASS"), ("PASS", "NOT_EVALUATED", "PASS"),
    ("FAIL", "FAIL", "FAIL"), ("FAIL", "NOT_EVALUATED", "NOT_EVALUATED"),
    ("NOT_EVALUATED", "NOT_EVALUATED", "NOT_EVALUATED"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("word", "one", "other", "mark"),
    [("and", *row) for row in BOTH] + [("or", *row) for row in EITHER],
)
def test_joined_comparisons_are_logic_with_a_third_value(
    word: str, one: str, other: str, mark: str
) -> None:
    for left, right in ((one, other), (other, one)):
        assert found(judged(f"{THREE[left]} {word} {THREE[right]}")).outcome == mark


def test_and_binds_closer_than_or_and_brackets_closer_than_both() -> None:
    assert found(judged(f"{YES} or {YES} and {NO}")).outcome == "PASS"
    assert found(judged(f"({YES} or {YES}) and {NO}")).outcome == "FAIL"


def test_a_joined_criterion_tells_each_figure() -> None:
    told = found(judged(f"{YES} and failed(p1) == 0"))
    assert "p95(chat) 109 ms (n = 40)" in told.sentence
    assert "failed(p1) 0 of 4 seen" in told.sentence
    assert told.evidence == ("samples/chat", "p1")


@pytest.mark.parametrize(
    ("rule", "medians", "mark"),
    [
        ("median(chat) <= +10 %", (100.0,), "PASS"),
        ("median(chat) <= +4 %", (100.0,), "PASS"),
        ("median(chat) <= +3.9 %", (100.0,), "FAIL"),
        ("median(chat) <= -5 %", (110.0,), "PASS"),
        ("median(chat) <= -5 %", (109.0,), "FAIL"),
        ("median(chat) <= +4 ms", (100.0,), "PASS"),
        ("median(chat) < +4 ms", (100.0,), "FAIL"),
        ("median(chat) >= -10 %", (100.0,), "PASS"),
        # the middle of the promoted runs, so that one of them alone is no yardstick
        ("median(chat) <= +5 %", (50.0, 100.0, 101.0), "PASS"),
        ("median(chat) <= +5 %", (50.0, 60.0, 101.0), "FAIL"),
    ],
)
def test_a_sign_makes_a_limit_relative(rule: str, medians: tuple[float, ...], mark: str) -> None:
    told = found(judged(rule, with_baseline(*medians)))
    assert told.outcome == mark, told.sentence
    assert f"of {len(medians)} promoted runs" in told.sentence


def test_without_a_promoted_run_a_relative_limit_waits_and_decides_nothing() -> None:
    verdict = judged("median(chat) <= +10 %", with_baseline())
    assert found(verdict).outcome == "NOT_EVALUATED"
    assert "absolute criteria only" in found(verdict).sentence
    assert verdict.verdict == "PROMOTE"


@given(st.lists(st.floats(1, 1000), min_size=1, max_size=9), st.sampled_from([1e-3, 7.0, 1e4]))
def test_a_share_of_the_baseline_has_no_unit(medians: list[float], factor: float) -> None:
    rule = "median(chat) <= +10 %"
    scaled = with_samples(tuple(v * factor for v in LATENCIES))
    history = with_baseline(*(m * factor for m in medians)).history
    one = found(judged(rule, with_baseline(*medians))).outcome
    assert found(judged(rule, replace(scaled, history=history))).outcome == one


@pytest.mark.parametrize(
    ("limit", "n", "ok", "mark"),
    [
        ("90 %", 20, 20, "PASS"),
        ("90 %", 20, 18, "PASS"),
        ("90 %", 20, 17, "FAIL"),
        ("99.5 %", 199, 199, "NOT_EVALUATED"),
        ("99.5 %", 200, 199, "PASS"),
        # not even 193 good ones more would make it 99.5 % of 200
        ("99.5 %", 7, 5, "FAIL"),
        ("99.5 %", 7, 6, "NOT_EVALUATED"),
        ("99.5 %", 0, 0, "NOT_EVALUATED"),
    ],
)
def test_a_share_needs_enough_to_tell_one_failure_from_none(
    limit: str, n: int, ok: int, mark: str
) -> None:
    assert found(judged(f"share(chat) >= {limit}", with_samples((1.0,) * n, ok))).outcome == mark


@given(st.integers(0, 60), st.integers(0, 60), st.sampled_from(["50 %", "90 %", "97 %", "99 %"]))
def test_a_failure_more_never_makes_a_share_pass(n_good: int, n_bad: int, limit: str) -> None:
    def mark(bad: int) -> str:
        case = with_samples((1.0,) * (n_good + bad), n_good)
        return found(judged(f"share(chat) >= {limit}", case)).outcome

    if mark(n_bad) == "FAIL":
        assert mark(n_bad + 1) == "FAIL"
    if mark(n_bad) != "PASS" and n_good + n_bad >= 100:
        assert mark(n_bad + 1) != "PASS"


def test_a_warning_is_a_criterion_of_its_own_that_is_watched() -> None:
    verdict = judged(YES, warn=NO)
    assert found(verdict).outcome == "PASS"
    assert (found(verdict, "c/warn").priority, found(verdict, "c/warn").outcome) == ("P3", "FAIL")
    assert verdict.verdict == "PROMOTE_WITH_WATCH"
    assert judged(YES, warn=YES).verdict == "PROMOTE"


def test_where_the_criterion_itself_is_not_satisfied_there_is_nothing_to_warn_of() -> None:
    assert [c.id for c in judged(NO, warn=NO).criteria if c.id.startswith("c")] == ["c"]


@pytest.mark.parametrize(
    ("priority", "policy", "verdict"),
    [
        ("P1", None, "HOLD"), ("P1", "hold", "HOLD"), ("P1", "watch", "HOLD"),
        ("P2", None, "HOLD"), ("P2", "hold", "HOLD"), ("P2", "watch", "PROMOTE_WITH_WATCH"),
        ("P3", None, "PROMOTE_WITH_WATCH"), ("P3", "hold", "HOLD"),
        ("P3", "watch", "PROMOTE_WITH_WATCH"),
    ],
)  # fmt: skip
def test_without_evidence_nothing_is_promoted_as_if_it_were_there(
    priority: str, policy: str | None, verdict: str
) -> None:
    assert judged(UNKNOWN, priority=priority, no_data=policy).verdict == verdict


@pytest.mark.parametrize("policy", [None, "hold", "watch"])
def test_a_policy_for_missing_evidence_says_nothing_about_a_failure(policy: str | None) -> None:
    assert judged(NO, no_data=policy).verdict == "HOLD"


@pytest.mark.parametrize(
    ("more", "mark"),
    [
        ({"samples": 40}, "PASS"),
        ({"samples": 41}, "NOT_EVALUATED"),
        ({"window": "39s"}, "PASS"),
        ({"window": "40s"}, "NOT_EVALUATED"),
    ],
)
def test_a_criterion_may_ask_for_more_evidence(more: dict[str, Any], mark: str) -> None:
    """40 samples, one a second."""
    assert found(judged(YES, **more)).outcome == mark


@pytest.mark.parametrize(("n", "mark"), [(4, "PASS"), (5, "NOT_RUN")])
def test_so_it_may_over_tests(n: int, mark: str) -> None:
    assert found(judged("failed(p1) == 0", samples=n)).outcome == mark


@pytest.mark.parametrize("rule", [YES, NO, UNKNOWN])
@pytest.mark.parametrize("priority", ["P1", "P2", "P3"])
def test_a_dry_run_is_told_and_decides_nothing(rule: str, priority: str) -> None:
    verdict = judged(rule, priority=priority, dry_run=True)
    assert found(verdict).sentence.startswith("dry run, decides nothing: ")
    assert verdict.verdict == "PROMOTE"
    assert "c" not in verdict.rule.split()
    assert verdict.revenue_at_risk is None or verdict.revenue_at_risk.amount == 0


def test_a_score_is_told_and_decides_nothing() -> None:
    criteria = [
        {"id": "a", "priority": "P3", "rule": YES, "weight": 3},
        {"id": "b", "priority": "P3", "rule": NO, "weight": 1},
        {"id": "c", "priority": "P3", "rule": YES},
    ]
    verdict = green(criteria=criteria).judged()
    assert (
        "score 75 of 100: 1 of 2 weighted criteria satisfied; it decides nothing" in verdict.notes
    )
    heavy = [criteria[0] | {"weight": 1000}, criteria[1] | {"priority": "P1"}]
    assert green(criteria=heavy).judged().verdict == "ROLL_BACK"


def test_a_shift_alone_is_watched_and_a_target_beside_it_decides_by_priority() -> None:
    slower = with_samples(tuple(v * 1.3 for v in LATENCIES))
    assert judged("shift(chat) < 10 %", slower, priority="P1").verdict == "PROMOTE_WITH_WATCH"
    joined = f"shift(chat) < 10 % and {YES}"
    assert judged(joined, slower, priority="P1").verdict == "ROLL_BACK"
    assert judged("shift(chat) < 10 % and failed(p1) == 0", slower).verdict == "PROMOTE_WITH_WATCH"


NO_YARDSTICK = "median(chat) <= +10 %"


@pytest.mark.parametrize(
    ("rule", "priority", "verdict"),
    [
        # no promoted run yet: absolute criteria only, and they still count
        (f"{NO} or {NO_YARDSTICK}", "P1", "ROLL_BACK"),
        (f"{NO} or {NO_YARDSTICK}", "P2", "HOLD"),
        (f"{YES} and {NO_YARDSTICK}", "P1", "PROMOTE"),
        (f"{NO} and {NO_YARDSTICK}", "P2", "HOLD"),
        (f"{UNKNOWN} or {NO_YARDSTICK}", "P2", "HOLD"),
        # what is not known excuses no failure, and a failure excuses nothing that is not known
        (f"{NO} or {UNKNOWN}", "P1", "HOLD"),
        (f"{NO} and {UNKNOWN}", "P1", "ROLL_BACK"),
    ],
)
def test_what_is_missing_beside_a_failure_excuses_nothing(
    rule: str, priority: str, verdict: str
) -> None:
    assert judged(rule, with_baseline(), priority=priority).verdict == verdict


def test_a_watched_shift_beside_missing_evidence_still_holds() -> None:
    slower = with_samples(tuple(v * 1.3 for v in LATENCIES))
    assert judged(f"shift(chat) < 10 % and {UNKNOWN}", slower, priority="P1").verdict == "HOLD"
    assert judged(UNKNOWN, slower, priority="P1").verdict == "HOLD"


def test_promoted_runs_with_too_few_samples_are_no_first_deployment() -> None:
    few = BaselineRun(run_id="old", revision="r1", samples={"chat": (100.0, 101.0)})
    case = green()
    case = replace(case, history=case.history.model_copy(update={"baseline": (few,)}))
    verdict = judged(NO_YARDSTICK, case)
    assert "no promoted run has the 5 samples" in found(verdict).sentence
    assert verdict.verdict == "HOLD"

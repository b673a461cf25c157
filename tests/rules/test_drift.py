"""Slow drift is seen although no release is much slower than the last, and noise is not drift.

One number a deployment: thousands of samples of one slow day are still one deployment.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.records.evidence import BaselineRun, History
from data.records.verdict import CriterionResult, Verdict
from data.records.words import Mark, VerdictWord
from data.rules.grammar import Rule, parse_rule
from data.rules.judge.shifts import RECENT, Level, drift, drifted
from tests.rules.making import NOW, both, green, known, planned, samples, seen

SHAPE = tuple(1.0 + n / 1000 for n in range(40))
DAY = timedelta(days=1)
RULES = ["shift(chat) <= 10 %", "p95(chat) <= +10 %", "median(chat) <= +10 ms"]


def rule(text: str = RULES[0]) -> Rule:
    found = parse_rule(text)
    assert isinstance(found, Rule)
    return found


def at_level(level: float) -> tuple[float, ...]:
    return tuple(level * one for one in SHAPE)


def release(days_ago: float, level: float, name: str = "") -> BaselineRun:
    when = NOW - days_ago * DAY
    run_id = name or f"run-{days_ago:g}"
    return BaselineRun(run_id=run_id, revision="r", at=when, samples={"chat": at_level(level)})


def judged(text: str, level: float, history: History, **baseline: Any) -> Verdict:
    criteria = [{"id": "slower", "priority": "P1", "rule": text}]
    change = both(
        planned(criteria=criteria, baseline={"runs": 3} | baseline),
        seen(samples=samples(at_level(level))),
        known(
            baseline=history.baseline, anchor=history.anchor, reference=history.reference
        ),
    )  # fmt: skip
    return change(green()).judged()


def answer(verdict: Verdict) -> CriterionResult:
    return next(c for c in verdict.criteria if c.id == "slower")


def told(levels: Sequence[float]) -> History:
    """Promoted releases one a day, the newest yesterday; the newest three are the baseline."""
    runs = [release(days_ago, level) for days_ago, level in enumerate(reversed(levels), 1)]
    return History(baseline=tuple(runs[:3]), anchor=tuple(runs[3:]))


@pytest.mark.parametrize("text", RULES)
def test_three_percent_in_each_of_ten_releases_are_seen(text: str) -> None:
    levels = [100 * 1.03**n for n in range(11)]
    verdicts = [judged(text, levels[n], told(levels[:n])) for n in range(1, 11)]
    assert [answer(v).outcome for v in verdicts[:4]] == [Mark.PASS] * 4
    last = answer(verdicts[-1])
    assert last.outcome is Mark.FAIL
    assert "slow drift: the newest 5 deployments are +1" in last.sentence
    assert verdicts[-1].verdict is VerdictWord.PROMOTE_WITH_WATCH  # no reason to go back one


@pytest.mark.parametrize("text", RULES)
def test_a_steady_level_and_one_that_falls_are_no_drift(text: str) -> None:
    for levels in ([100.0] * 20, [100 * 0.97**n for n in range(20)]):
        assert answer(judged(text, levels[-1], told(levels[:-1]))).outcome is Mark.PASS


def test_releases_before_the_window_do_not_count() -> None:
    levels = [100 * 1.03**n for n in range(11)]
    history = told(levels[:-1])
    assert answer(judged(RULES[0], levels[-1], history, anchor="10d")).outcome is Mark.FAIL
    assert answer(judged(RULES[0], levels[-1], history, anchor="8d")).outcome is Mark.PASS


def test_a_frozen_reference_is_measured_from() -> None:
    frozen = release(400, 100, "golden")
    near = told([112.0] * 4).model_copy(update={"reference": frozen})
    found = judged(RULES[0], 112, near, reference="golden")
    assert answer(found).outcome is Mark.FAIL
    assert "+12.0% against the reference golden, 101.9 ms" in answer(found).sentence
    assert answer(judged(RULES[0], 109, told([109.0] * 4).model_copy(
        update={"reference": frozen}), reference="golden")).outcome is Mark.PASS  # fmt: skip


def test_a_reference_that_is_not_there_is_no_pass() -> None:
    found = judged(RULES[0], 100, told([100.0] * 4), reference="lost")
    assert answer(found).outcome is Mark.NOT_EVALUATED
    assert "the reference lost is no earlier run" in answer(found).sentence
    assert found.verdict is VerdictWord.PROMOTE_WITH_WATCH


def levels_of(values: Sequence[float]) -> list[Level]:
    return [Level(NOW + n * DAY, f"run-{n}", value) for n, value in enumerate(values)]


@pytest.mark.parametrize(
    ("values", "value"),
    [
        ([100.0] * 20, 500.0),  # one slow deployment is a step, which shift itself tells
        ([100.0] * 4 + [500.0] * 4, 500.0),  # fewer than five older ones
        ([100.0] * 10 + [500.0, 100.0] * 2, 500.0),  # now and then
        ([], 100.0),
        ([0.0] * 9, 0.0),
    ],
)
def test_what_is_not_five_in_a_row_is_no_drift(values: list[float], value: float) -> None:
    assert drift(rule(), value, levels_of(values)) == ""


def test_other_limits_than_so_much_more_know_no_drift() -> None:
    for text in ("p95(chat) <= -5 %", "median(chat) >= -10 %"):
        assert drifted(rule(text), 999.0, levels_of([100.0] * 20), ("", None)) == (Mark.PASS, "")


def test_noise_between_deployments_seldom_looks_like_drift() -> None:
    """5 % noise between deployments, no change: 400 histories of 25, at most 2 in 100 alarms."""
    n = 0
    for seed in range(400):
        draw = random.Random(seed)
        values = [draw.gauss(100, 5) for _ in range(25)]
        n += drift(rule("shift(chat) <= 5 %"), values[-1], levels_of(values[:-1])) != ""
    assert n <= 8


some = st.lists(st.integers(50, 400).map(float), min_size=0, max_size=16)


@settings(max_examples=60, deadline=None)
@given(some, st.integers(50, 400), st.integers(0, 6), st.randoms(use_true_random=False))
def test_neither_order_nor_unit_matters_and_slower_is_never_better(
    values: list[float], value: int, power: int, mixer: random.Random
) -> None:
    levels = levels_of(values)
    found = drift(rule(), value, levels)
    assert drift(rule(), value, mixer.sample(levels, len(levels))) == found
    scaled = [level._replace(value=level.value * 10**power) for level in levels]
    assert bool(drift(rule(), value * 10**power, scaled)) == bool(found)
    if found:
        assert drift(rule(), value + 50, levels)
        assert len(levels) >= 2 * RECENT - 1


NOISY = tuple(100.0 + 40 * ((n * 7) % 11 - 5) / 5 for n in range(12))


def marks(level: float, rules: list[str], **known_runs: tuple[float, ...]) -> Verdict:
    """Three promoted runs of these samples each, and this run the same, `chat` times `level`."""
    runs = tuple(
        BaselineRun(run_id=f"old-{n}", revision="r", samples=dict(known_runs)) for n in range(3)
    )
    now = [
        s
        for m, vs in known_runs.items()
        for s in samples(tuple(v * (level if m == "chat" else 1) for v in vs), m)
    ]
    criteria = [{"id": f"c{n}", "priority": "P2", "rule": text} for n, text in enumerate(rules)]
    change = both(planned(criteria=criteria), seen(samples=tuple(now)), known(baseline=runs))
    return change(green()).judged()


def test_a_shift_that_could_not_be_seen_is_watched_and_says_how_blind_it_is() -> None:
    found = marks(1.0, ["shift(chat) <= 10 %"], chat=NOISY)
    (one,) = (c for c in found.criteria if c.id == "c0")
    assert one.outcome is Mark.NOT_EVALUATED
    assert "with n = 12 a 20% shift would be seen" in one.sentence
    assert found.verdict is VerdictWord.PROMOTE_WITH_WATCH
    assert marks(3.0, ["shift(chat) <= 10 %"], chat=NOISY).verdict is found.verdict
    assert marks(1.0, ["shift(chat) <= 10 %"], chat=at_level(100)).verdict is VerdictWord.PROMOTE


def test_many_metrics_share_one_level() -> None:
    """p = 0.002 alone is a regression; as one of five metrics it is chance."""
    near = tuple(100.0 + n for n in range(8))
    names = [f"m{n}" for n in range(1, 5)]
    rules = ["shift(chat) <= 1 %", *(f"shift({name}) <= 90 %" for name in names)]
    alone = marks(1.049, rules[:1], chat=near)
    among = marks(1.049, rules, chat=near, **dict.fromkeys(names, tuple(100.0 for _ in range(8))))
    first = [next(c for c in v.criteria if c.id == "c0") for v in (alone, among)]
    assert "p = 0.0" in first[0].sentence and first[0].outcome is Mark.FAIL
    assert first[1].outcome is not Mark.FAIL and "that is chance" in first[1].sentence


def test_wider_scatter_is_told_and_decides_nothing() -> None:
    wide = tuple(100 + 20 * (v - 1.02) * 50 for v in SHAPE)
    runs = tuple(
        BaselineRun(run_id=f"old-{n}", revision="r", samples={"chat": at_level(100)})
        for n in range(3)
    )
    criteria = [{"id": "c0", "priority": "P1", "rule": "shift(chat) <= 50 %"}]
    change = both(planned(criteria=criteria), seen(samples=samples(wide)), known(baseline=runs))
    found = change(green()).judged()
    (one,) = (c for c in found.criteria if c.id == "c0")
    assert (one.outcome, found.verdict) == (Mark.PASS, VerdictWord.PROMOTE)
    assert "times as much as the baseline" in one.sentence

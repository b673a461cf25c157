"""Two sets of numbers, or two shares: same, worse, better, or not enough evidence.

The Mann-Whitney rank test says whether one side tends to be larger; the Hodges-Lehmann estimate
says by how much. Both are needed: significant *and* larger than the smallest shift that matters.
Where neither is found, the power says whether it could have been: if not, that is no SAME.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import StrEnum
from typing import Literal

from data.records.record import Record
from data.rules.statistics.location import rank_tails, shift_of
from data.rules.statistics.power import MIN_POWER, rank_power, share_power
from data.rules.statistics.proportions import exact_interval, more_bad
from data.rules.statistics.spread import wider
from data.rules.statistics.tail import quantile_shift

ALPHA = 0.01
MIN_EACH = 8
SEEN = 2.0  # a shift of so many times the smallest that matters should be seen


class Word(StrEnum):
    """What a comparison says."""

    SAME = "SAME"
    WORSE = "WORSE"
    BETTER = "BETTER"
    NOT_ENOUGH_EVIDENCE = "NOT_ENOUGH_EVIDENCE"


class Comparison(Record):
    """The answer with its numbers.

    Attributes:
        shift: candidate against baseline as a share of the baseline's median (0.2 = 20 % up).
        interval: 99 % interval of the shift, same unit.
        p: one-sided p-value in the direction of the shift.
        power: how often twice the smallest shift that matters would be called WORSE, 0..1.
    """

    word: Word
    n_baseline: int
    n_candidate: int
    shift: float | None = None
    interval: tuple[float, float] | None = None
    p: float | None = None
    power: float | None = None
    sentence: str = ""


def compare(
    baseline: Sequence[float],
    candidate: Sequence[float],
    worse: Literal["up", "down"] = "up",
    min_shift: float = 0.05,
    min_power: float = 0.0,
    n_asked: int = 1,
) -> Comparison:
    """Compare a candidate with its baseline.

    Scaling both sides changes nothing, swapping them swaps WORSE and BETTER (up to the base of
    the share). Fewer than 8 finite numbers on a side, or a baseline whose median is 0, is not
    enough evidence; nor is SAME where twice `min_shift` would be seen too seldom.

    Args:
        baseline, candidate: numbers of one unit, any order.
        worse: the direction that is bad.
        min_shift: smallest share of the baseline's median that matters.
        min_power: how often twice as much must be seen, 0..1, for SAME to be an answer.
        n_asked: so many metrics share the level; each alone then sees less.
    """
    base, cand = _finite(baseline), _finite(candidate)
    middle = abs(_median(base)) if base else 0.0
    if min(len(base), len(cand)) < MIN_EACH or middle == 0:
        return _not_enough(len(base), len(cand), middle)
    found = shift_of(base, cand, ALPHA)
    share = found.estimate / middle
    ends = tuple(end / middle for end in found.interval or (-math.inf, math.inf))
    tails = rank_tails(base, cand)
    p = tails.greater if share > 0 else tails.less
    power = _power(base, len(cand), min_shift, n_asked) if min_power else None
    word = _word(share, p, worse, min_shift)
    told = f"{share:+.1%} (99 % interval {ends[0]:+.1%} to {ends[1]:+.1%}, p = {p:.2g},"
    told += f" n = {len(base)} and {len(cand)})"
    if word is Word.SAME and power is not None and power < min_power:
        word, told = Word.NOT_ENOUGH_EVIDENCE, f"{told}; {_seldom(len(cand), min_shift, power)}"
    return Comparison(
        word=word,
        n_baseline=len(base),
        n_candidate=len(cand),
        shift=share,
        interval=(ends[0], ends[1]),
        p=p,
        power=power,
        sentence=told,
    )


def _power(base: list[float], n: int, min_shift: float, n_asked: int) -> float:
    least = min_shift * abs(_median(base))
    return rank_power(base, n, SEEN * least, least, ALPHA / n_asked)


def _seldom(n: int, min_shift: float, power: float) -> str:
    return f"with n = {n} a {SEEN * min_shift:.0%} shift would be seen {power:.0%} of the time"


def asides(baseline: Sequence[float], candidate: Sequence[float]) -> tuple[str, ...]:
    """What else is to be told of two sets and decides nothing: the slow end, and the scatter."""
    base, cand = _finite(baseline), _finite(candidate)
    if min(len(base), len(cand)) < MIN_EACH:
        return ()
    moved = quantile_shift(base, cand, 0.95)
    bounded = all(math.isfinite(end) for end in moved.interval)
    low, high = moved.interval
    bounds = f"95 % interval {low:+.4g} to {high:+.4g}" if bounded else "too few to bound it"
    scatter = wider(base, cand)
    return (f"p95 {moved.estimate:+.4g} ({bounds})", *([scatter] if scatter else []))


def compare_shares(
    baseline: tuple[int, int],
    candidate: tuple[int, int],
    least: float = 0.0,
    seen: float = 0.05,
    min_power: float = MIN_POWER,
) -> Comparison:
    """Compare how much went wrong: 15 of 30 with 0 of 30. More bad is WORSE.

    `shift` is a difference of shares, its interval is of the candidate's own (exact, 99 %).

    Args:
        baseline, candidate: (bad, of how many).
        least: a rise up to this does not matter, 0..1.
        seen: the rise that must be seen as often as `min_power` for SAME to be an answer, 0..1.
    """
    (k_base, n_base), (k_cand, n_cand) = baseline, candidate
    if min(n_base, n_cand) == 0:
        return _not_enough(n_base, n_cand, math.nan)
    rise = k_cand / n_cand - k_base / n_base
    p = more_bad(*baseline, *candidate) if rise > 0 else more_bad(*candidate, *baseline)
    word = _word(rise, p, "up", least)
    told = f"{k_cand} of {n_cand} against {k_base} of {n_base} (p = {p:.2g})"
    was = k_base / n_base
    power = share_power(was, min(1.0, was + seen), n_base, n_cand, ALPHA, least)
    if word is Word.SAME and power < min_power:
        word = Word.NOT_ENOUGH_EVIDENCE
        told += f"; with n = {n_cand} a rise of {seen:.0%} would be seen {power:.0%} of the time"
    return Comparison(
        word=word,
        n_baseline=n_base,
        n_candidate=n_cand,
        shift=rise,
        interval=exact_interval(k_cand, n_cand, ALPHA),
        p=p,
        power=power,
        sentence=told,
    )


def _word(share: float, p: float, worse: str, min_shift: float) -> Word:
    if p >= ALPHA or abs(share) <= min_shift:
        return Word.SAME
    return Word.WORSE if (share > 0) == (worse == "up") else Word.BETTER


def _not_enough(n_base: int, n_cand: int, middle: float) -> Comparison:
    short = min(n_base, n_cand) < MIN_EACH
    text = f"needs {MIN_EACH} numbers a side" if short else f"the baseline's median is {middle:g}"
    return Comparison(
        word=Word.NOT_ENOUGH_EVIDENCE,
        n_baseline=n_base,
        n_candidate=n_cand,
        sentence=f"{text} (n = {n_base} and {n_cand})",
    )


def _finite(values: Sequence[float]) -> list[float]:
    return sorted(float(v) for v in values if math.isfinite(v))


def _median(ordered: Sequence[float]) -> float:
    n = len(ordered)
    return (ordered[(n - 1) // 2] + ordered[n // 2]) / 2

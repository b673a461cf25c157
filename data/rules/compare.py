"""Two sets of numbers: same, worse, better, or not enough evidence.

The Mann-Whitney rank test (scipy, exact for small samples without ties) says whether one side
tends to be larger; the Hodges-Lehmann estimate says by how much. Both are needed: significant
*and* larger than the smallest shift that matters.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import StrEnum
from typing import Literal

from data.records.record import Record

ALPHA = 0.01
MIN_EACH = 8
_MAX_PAIRS = 250_000


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
    """

    word: Word
    n_baseline: int
    n_candidate: int
    shift: float | None = None
    interval: tuple[float, float] | None = None
    p: float | None = None
    sentence: str = ""


def compare(
    baseline: Sequence[float],
    candidate: Sequence[float],
    worse: Literal["up", "down"] = "up",
    min_shift: float = 0.05,
) -> Comparison:
    """Compare a candidate with its baseline.

    Scaling both sides changes nothing, swapping them swaps WORSE and BETTER (up to the base of
    the share). Fewer than 8 finite numbers on a side, or a baseline whose median is 0, is not
    enough evidence.

    Args:
        baseline, candidate: numbers of one unit, any order.
        worse: the direction that is bad.
        min_shift: smallest share of the baseline's median that matters.
    """
    base, cand = _finite(baseline), _finite(candidate)
    middle = _median(base) if base else 0.0
    if min(len(base), len(cand)) < MIN_EACH or middle == 0:
        return _not_enough(len(base), len(cand), middle)
    shift, interval = _hodges_lehmann(base, cand)
    share, ends = shift / abs(middle), (interval[0] / abs(middle), interval[1] / abs(middle))
    p = _p_value(base, cand, up=share > 0)
    word = _word(share, p, worse, min_shift)
    sentence = (
        f"{share:+.1%} (99 % interval {ends[0]:+.1%} to {ends[1]:+.1%}, p = {p:.2g},"
        f" n = {len(base)} and {len(cand)})"
    )
    return Comparison(
        word=word,
        n_baseline=len(base),
        n_candidate=len(cand),
        shift=share,
        interval=ends,
        p=p,
        sentence=sentence,
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


def _p_value(base: list[float], cand: list[float], up: bool) -> float:
    from scipy.stats import mannwhitneyu  # half a second to import: only when it is needed

    return float(mannwhitneyu(cand, base, alternative="greater" if up else "less").pvalue)


def _hodges_lehmann(base: list[float], cand: list[float]) -> tuple[float, tuple[float, float]]:
    """Median of all differences, and its 99 % interval by the normal approximation of the ranks.

    Source: Hollander, Wolfe & Chicken, Nonparametric Statistical Methods, 3rd ed., 4.2 and 4.3.
    """
    base, cand = _thinned(base), _thinned(cand)
    gaps = sorted(c - b for c in cand for b in base)
    n_pairs, m, n = len(gaps), len(base), len(cand)
    spread = 2.5758 * math.sqrt(m * n * (m + n + 1) / 12)
    low = max(0, math.floor(n_pairs / 2 - spread))
    return _median(gaps), (gaps[low], gaps[n_pairs - 1 - low])


def _thinned(ordered: list[float]) -> list[float]:
    """At most 500 evenly ranked values, which bounds the number of pairs."""
    limit = math.isqrt(_MAX_PAIRS)
    if len(ordered) <= limit:
        return ordered
    return [ordered[round(i * (len(ordered) - 1) / (limit - 1))] for i in range(limit)]

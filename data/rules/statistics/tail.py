"""The slow end of a distribution: how often a target is missed, and how a quantile moved.

Sources: Clopper & Pearson 1934 for shares; order statistics for quantiles (Hahn & Meeker,
Statistical Intervals, 2nd ed., 5.2), which suppose nothing of the distribution.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from data.rules.quantiles import percentile
from data.rules.statistics.proportions import exact_interval


class Exceedance(NamedTuple):
    """How many numbers lie above a target, and between which shares the true one lies."""

    n_above: int
    n: int
    interval: tuple[float, float]


class QuantileShift(NamedTuple):
    """Candidate's quantile minus the baseline's; an end is infinite where nothing bounds it."""

    estimate: float
    interval: tuple[float, float]


def exceedance(values: Sequence[float], target: float, alpha: float = 0.05) -> Exceedance:
    """The share of numbers above a target, of one number at least."""
    n_above = sum(value > target for value in values)
    return Exceedance(n_above, len(values), exact_interval(n_above, len(values), alpha))


def quantile_interval(
    values: Sequence[float], share: float, alpha: float = 0.05
) -> tuple[float, float]:
    """Between which two of its numbers a distribution's quantile lies; infinite where unbounded."""
    from scipy.special import bdtr  # P(at most k of n)

    ordered, n = sorted(values), len(values)
    at_most = [float(bdtr(k, n, share)) for k in range(n)]
    low = sum(p <= alpha / 2 for p in at_most)  # numbers that are surely below
    high = sum(p < 1 - alpha / 2 for p in at_most) + 1
    return (
        ordered[low - 1] if low else -math.inf,
        ordered[high - 1] if high <= n else math.inf,
    )


def quantile_shift(
    baseline: Sequence[float], candidate: Sequence[float], share: float, alpha: float = 0.05
) -> QuantileShift:
    """How far a quantile moved; each side's interval takes half of `alpha`, so it holds."""
    base = quantile_interval(baseline, share, alpha / 2)
    cand = quantile_interval(candidate, share, alpha / 2)
    moved = percentile(candidate, share) - percentile(baseline, share)
    return QuantileShift(moved, (cand[0] - base[1], cand[1] - base[0]))

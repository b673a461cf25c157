"""How often a change of a given size would be seen: computed, never drawn.

Sources: the rank test's moments, Lehmann, Nonparametrics (1975), 2.3; the exact power of a test of
shares by summing over every outcome.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import lru_cache
from statistics import NormalDist

from data.rules.statistics.proportions import fisher_tail

_UNLIKELY = 1e-12  # counts of the baseline beyond it are left out
MIN_POWER = 0.8  # Cohen, Statistical Power Analysis, 2nd ed. (1988): what is usually asked for


def rank_power(
    baseline: Sequence[float], n: int, shift: float, least: float, alpha: float
) -> float:
    """How often `n` numbers, shifted against this baseline, would be called worse, 0..1.

    Called worse: p < alpha, and the estimated shift above `least`. One of both without the other is
    rare, so the rarer of them tells.

    Args:
        baseline: what is known of the distribution; its values stand for all.
        shift, least: in the unit of the numbers; the larger the shift, the larger the power.
        alpha: one-sided.
    """
    m, pairs = len(baseline), len(baseline) * n
    level = NormalDist().inv_cdf(1 - alpha) * math.sqrt(pairs * (m + n + 1) / 12) + 0.5
    ordered = sorted(baseline)
    return min(
        _beyond(ordered, n, shift, pairs / 2 + level),
        _beyond(ordered, n, shift - least, pairs / 2),
    )


def _beyond(ordered: list[float], n: int, shift: float, level: float) -> float:
    """How often more than `level` pairs would have the shifted number above the other."""
    m = len(ordered)
    below = [_share_below(ordered, value + shift) for value in ordered]
    above = [1 - _share_below(ordered, value - shift) for value in ordered]
    p = math.fsum(below) / m
    by_new = math.fsum(b * b for b in below) / m - p * p
    by_old = math.fsum(a * a for a in above) / m - p * p
    variance = m * n * (p * (1 - p) + (n - 1) * by_old + (m - 1) * by_new)
    distance = m * n * p - level
    if variance <= 1e-9:
        return float(distance > 0)
    return NormalDist().cdf(distance / math.sqrt(variance))


def _share_below(ordered: list[float], value: float) -> float:
    return (bisect_left(ordered, value) + bisect_right(ordered, value)) / (2 * len(ordered))


@lru_cache(4096)
def share_power(
    base: float, cand: float, n_base: int, n_cand: int, alpha: float, least: float = 0.0
) -> float:
    """How often Fisher's exact test would find a rise of the share from `base` to `cand`, 0..1.

    Boschloo's finds a little more, so this promises no more than is kept.

    Args:
        alpha: one-sided.
        least: the seen rise must be larger than this, 0..1.
    """
    from scipy.stats import binom

    total = 0.0
    low, high = binom.ppf(_UNLIKELY, n_base, base), binom.isf(_UNLIKELY, n_base, base)
    for k in range(max(0, int(low)), int(high) + 1):
        weight = float(binom.pmf(k, n_base, base))
        first = _first_found(k, n_base, n_cand, alpha, least)
        total += weight * float(binom.sf(first - 1, n_cand, cand))
    return min(1.0, total)


def _first_found(k_base: int, n_base: int, n_cand: int, alpha: float, least: float) -> int:
    """The smallest count on the candidate's side that is found; n + 1 where none is."""
    low, high = 0, n_cand + 1
    while low < high:  # more bad outcomes never give a larger p
        k = (low + high) // 2
        rise = k / n_cand - k_base / n_base
        if rise > least and fisher_tail(k_base, n_base, k, n_cand) < alpha:
            high = k
        else:
            low = k + 1
    return low

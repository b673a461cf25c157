"""Whether one set of numbers tends to be larger than another, and by how much.

Sources: Mann & Whitney 1947; exact tails with ties by counting (as in golang.org/x/perf);
Hollander, Wolfe & Chicken, Nonparametric Statistical Methods, 3rd ed., 4.1 to 4.3.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import groupby
from statistics import NormalDist
from typing import NamedTuple

EXACT_N = 30  # numbers of both sides together up to which tails are counted, not approximated
_EXACT_SIDE = 8  # as scipy decides between exact and approximate
_MAX_PAIRS = 250_000


class Tails(NamedTuple):
    """P-values of the rank test: that the candidate is smaller, that it is larger."""

    less: float
    greater: float

    @property
    def two_sided(self) -> float:
        """Twice the smaller tail, at most 1."""
        return min(1.0, 2 * min(self))


class Shift(NamedTuple):
    """Candidate minus baseline, in the unit of the numbers.

    Attributes:
        interval: None where so few numbers cannot reach the confidence, whatever they are.
    """

    estimate: float
    interval: tuple[float, float] | None


def rank_tails(baseline: Sequence[float], candidate: Sequence[float]) -> Tails:
    """The Mann-Whitney rank test of two sets, each of one number at least.

    Exact, ties included, for up to 30 numbers together; for more scipy's, which is exact where
    the smaller side has at most 8 and nothing is tied, else approximated with corrections.
    """
    if len(baseline) + len(candidate) <= EXACT_N:
        return _counted(baseline, candidate)
    from scipy.stats import mannwhitneyu  # half a second to import: only when it is needed

    less, greater = (
        float(mannwhitneyu(candidate, baseline, alternative=side).pvalue)
        for side in ("less", "greater")
    )
    return Tails(less, greater)


def careful_tails(baseline: Sequence[float], candidate: Sequence[float]) -> Tails:
    """The rank test for decisions: among all numbers, tied or not, against the null of untied ones.

    A null that is made from the ties at hand changes with them, and so a slower number could look
    better: 1, 1, 3, 3 against 2, 4, 4, 5 gives 0.043, and 0.057 with 5 for one of the 4. Here a
    larger number of the candidate never raises `greater`. Up to 30 numbers together a tie counts
    for neither side: the answer holds in whatever order the tied ones truly were. Beyond, it is
    half a win. Without ties it is `rank_tails`.
    """
    m, n = len(baseline), len(candidate)
    if m + n <= EXACT_N:
        ways = _ways(tuple(range(1, m + n + 1)), n)
        below = n * (n + 1) // 2  # the smallest sum of ranks, of no win at all
        return Tails(
            _tails(ways, below + m * n - _wins(baseline, candidate)).less,
            _tails(ways, below + _wins(candidate, baseline)).greater,
        )
    ranks = _doubled_ranks([*baseline, *candidate])
    wins = sum(ranks[value] for value in candidate) / 2 - n * (n + 1) / 2
    if min(m, n) <= _EXACT_SIDE:
        return Tails(_untied(baseline, candidate, "less"), _untied(baseline, candidate, "greater"))
    null = NormalDist(m * n / 2, math.sqrt(m * n * (m + n + 1) / 12))
    return Tails(null.cdf(wins + 0.5), 1 - null.cdf(wins - 0.5))


def _wins(over: Sequence[float], under: Sequence[float]) -> int:
    """Pairs in which a number of `over` is larger; a tie is none."""
    return sum(one > other for one in over for other in under)


def _untied(baseline: Sequence[float], candidate: Sequence[float], side: str) -> float:
    """Exact for large sets; scipy's exact null is the one of untied numbers."""
    from scipy.stats import mannwhitneyu

    found = mannwhitneyu(candidate, baseline, alternative=side, method="exact")
    return float(found.pvalue)


def shift_of(baseline: Sequence[float], candidate: Sequence[float], alpha: float) -> Shift:
    """Hodges-Lehmann: the median of all differences, with an interval that misses it by `alpha`.

    At most 500 evenly ranked numbers of each side are taken.
    """
    import numpy as np

    base, cand = _thinned(sorted(baseline)), _thinned(sorted(candidate))
    gaps = np.subtract.outer(np.array(cand), np.array(base)).ravel()
    skipped, n = _skipped(len(base), len(cand), alpha), len(gaps)
    gaps.partition(sorted({(n - 1) // 2, n // 2, max(skipped, 0), n - 1 - max(skipped, 0)}))
    ends = None if skipped < 0 else (float(gaps[skipped]), float(gaps[n - 1 - skipped]))
    return Shift(float(gaps[(n - 1) // 2] + gaps[n // 2]) / 2, ends)


def _counted(baseline: Sequence[float], candidate: Sequence[float]) -> Tails:
    ranks = _doubled_ranks([*baseline, *candidate])
    seen = sum(ranks[value] for value in candidate)
    every = sorted(ranks[value] for value in (*baseline, *candidate))
    return _tails(_ways(tuple(every), len(candidate)), seen)


def _tails(ways: Mapping[int, int], seen: int) -> Tails:
    total = sum(ways.values())
    less = sum(n for rank_sum, n in ways.items() if rank_sum <= seen)
    greater = sum(n for rank_sum, n in ways.items() if rank_sum >= seen)
    return Tails(less / total, greater / total)


def _doubled_ranks(values: list[float]) -> dict[float, int]:
    """Twice the middle rank of each value: whole numbers, so that counting is exact."""
    found, before = {}, 0
    for value, tied in groupby(sorted(values)):
        n = len(list(tied))
        found[value] = 2 * before + n + 1
        before += n
    return found


@lru_cache(256)
def _ways(ranks: tuple[int, ...], n: int) -> dict[int, int]:
    """Sum of ranks -> in how many ways `n` of them give it."""
    ways: list[dict[int, int]] = [{0: 1}, *({} for _ in range(n))]
    for rank in ranks:
        for taken in range(n, 0, -1):
            for total, count in ways[taken - 1].items():
                ways[taken][total + rank] = ways[taken].get(total + rank, 0) + count
    return ways[n]


def _skipped(m: int, n: int, alpha: float) -> int:
    """How many differences lie outside the interval at each end; -1: it cannot be so sure."""
    if m + n > EXACT_N:
        z = NormalDist().inv_cdf(1 - alpha / 2)
        spread = z * math.sqrt(m * n * (m + n + 1) / 12)
        return max(-1, math.floor(m * n / 2 - spread))
    ways = _ways(tuple(range(1, m + n + 1)), n)
    lowest, total, below = n * (n + 1) // 2, math.comb(m + n, n), 0
    for skipped in range(m * n + 1):
        below += ways[lowest + skipped]
        if below > alpha / 2 * total:
            return skipped - 1
    return -1


def _thinned(ordered: list[float]) -> list[float]:
    limit = math.isqrt(_MAX_PAIRS)
    if len(ordered) <= limit:
        return ordered
    return [ordered[round(i * (len(ordered) - 1) / (limit - 1))] for i in range(limit)]

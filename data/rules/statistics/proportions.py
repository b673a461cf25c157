"""Shares of bad outcomes: how sure one is, and whether two differ.

Sources: Clopper & Pearson 1934; Wilson 1927; Brown, Cai & DasGupta 2001 (Jeffreys); Fisher 1935;
Boschloo 1970. Published values: Newcombe, Statistics in Medicine 17 (1998), Table I.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from statistics import NormalDist

_BOSCHLOO_N = 100  # on the larger side; beyond it Fisher's test loses little and costs nothing

_MIN_RUNS = 4

Interval = tuple[float, float]


def exact_interval(k: int, n: int, alpha: float = 0.05) -> Interval:
    """Clopper-Pearson: never less sure than it says. `k` of `n`, n > 0; shares 0..1."""
    from scipy.special import betaincinv

    _check(k, n)
    low = float(betaincinv(k, n - k + 1, alpha / 2)) if k else 0.0
    high = float(betaincinv(k + 1, n - k, 1 - alpha / 2)) if k < n else 1.0
    return low, high


def wilson_interval(k: int, n: int, alpha: float = 0.05) -> Interval:
    """Wilson: as sure as it says on average, short and never outside 0..1."""
    _check(k, n)
    z, share = NormalDist().inv_cdf(1 - alpha / 2), k / n
    middle, half = (
        share + z * z / (2 * n),
        z * math.sqrt(share * (1 - share) / n + (z / n / 2) ** 2),
    )
    low, high = (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)
    return (low if k else 0.0), (high if k < n else 1.0)


def jeffreys_interval(k: int, n: int, alpha: float = 0.05) -> Interval:
    """Jeffreys: Bayes' interval under the prior Beta(1/2, 1/2); 0 and 1 are ends where seen."""
    from scipy.special import betaincinv

    _check(k, n)
    low = float(betaincinv(k + 0.5, n - k + 0.5, alpha / 2)) if k else 0.0
    high = float(betaincinv(k + 0.5, n - k + 0.5, 1 - alpha / 2)) if k < n else 1.0
    return low, high


@lru_cache(4096)
def more_bad(k_base: int, n_base: int, k_cand: int, n_cand: int) -> float:
    """One-sided p-value that the candidate's share is larger than the baseline's.

    Boschloo's exact test for up to 100 a side, else Fisher's: both hold their level whatever the
    true share is, and more bad outcomes never give a larger p.
    """
    from scipy.stats import boschloo_exact

    _check(k_base, n_base)
    _check(k_cand, n_cand)
    fisher = fisher_tail(k_base, n_base, k_cand, n_cand)
    if max(n_base, n_cand) > _BOSCHLOO_N or k_base + k_cand in (0, n_base + n_cand):
        return fisher
    table = [[k_cand, k_base], [n_cand - k_cand, n_base - k_base]]
    return min(fisher, float(boschloo_exact(table, alternative="greater").pvalue))


def fisher_tail(k_base: int, n_base: int, k_cand: int, n_cand: int) -> float:
    """Fisher's exact one-sided p-value that the candidate's share is larger."""
    from scipy.stats import hypergeom

    return float(hypergeom.sf(k_cand - 1, n_base + n_cand, k_base + k_cand, n_cand))


def overdispersion(runs: Sequence[tuple[int, int]]) -> float:
    """How many times as much the shares of several runs differ as chance makes them; 1 or more.

    Pearson's chi-square over its degrees of freedom (McCullagh & Nelder 1989, 4.5.2), where it is
    more than one in twenty would be by chance; counts divided by it are worth what they seem. Fewer
    than four runs cannot say.

    Args:
        runs: (bad, of how many) of each, n > 0.
    """
    from scipy.special import chdtri

    bad, n = sum(k for k, _ in runs), sum(size for _, size in runs)
    if len(runs) < _MIN_RUNS or bad in (0, n):
        return 1.0
    share = bad / n
    chi2 = sum((k - size * share) ** 2 / (size * share * (1 - share)) for k, size in runs)
    freedom = len(runs) - 1
    return chi2 / freedom if chi2 > float(chdtri(freedom, 0.05)) else 1.0


def _check(k: int, n: int) -> None:
    if not 0 <= k <= n or n == 0:
        raise ValueError(f"expected 0 <= k <= n and n > 0, got k = {k} and n = {n}")

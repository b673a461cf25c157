"""Whether numbers scatter more than they did: a warning, never a reason to hold."""

from __future__ import annotations

from collections.abc import Sequence

MIN_EACH = 8
ALPHA = 0.01


def wider(baseline: Sequence[float], candidate: Sequence[float]) -> str:
    """A sentence where the candidate scatters more than the baseline, or "".

    Brown & Forsythe 1974 (scipy's `levene` around the median), p < 0.01, and at least half as wide
    again: the mean distance from the median. Fewer than 8 a side say nothing.
    """
    if min(len(baseline), len(candidate)) < MIN_EACH:
        return ""
    before, now = _scatter(baseline), _scatter(candidate)
    if now <= 1.5 * before:
        return ""
    if before > 0:
        from scipy.stats import levene

        if not levene(list(baseline), list(candidate), center="median").pvalue < ALPHA:
            return ""
    told = f"{now / before:.1f} times as much as" if before else "unlike"
    return f"it scatters {told} the baseline"


def _scatter(values: Sequence[float]) -> float:
    ordered = sorted(values)
    middle = (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2
    return sum(sorted(abs(value - middle) for value in ordered)) / len(ordered)

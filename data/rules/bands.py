"""What is usual for a number over deployments: a band from those that were approved before."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from data.rules.quantiles import MIN_SAMPLES, percentile

N_BASELINE = 20
_LOW, _MIDDLE, _HIGH = 0.1, 0.5, 0.9

Numbers = Sequence[float | None]


def band(
    values: Numbers, approved: Sequence[bool], n_baseline: int = N_BASELINE
) -> tuple[tuple[float | None, float | None, float | None], ...]:
    """For each deployment p10, median and p90 of the approved ones just before it.

    The deployment itself is never part of its own band, a refused one is part of none, and a value
    that is not there is left out. Fewer than five: no band.

    Args:
        values: oldest first, None where nothing was measured.
        approved: of each deployment whether it may stand for what is usual.
        n_baseline: how many approved ones count, at most.

    Returns:
        (low, middle, high) a deployment by nearest rank, all None where too few are known.
    """
    seen: deque[float] = deque(maxlen=n_baseline)
    found = []
    for value, good in zip(values, approved, strict=True):
        enough = len(seen) >= MIN_SAMPLES
        low, middle, high = (
            percentile(seen, q) if enough else None for q in (_LOW, _MIDDLE, _HIGH)
        )
        found.append((low, middle, high))
        if good and value is not None:
            seen.append(value)
    return tuple(found)


def rolling_share(marks: Sequence[bool | None], n: int) -> tuple[float | None, ...]:
    """Share (0..1) of True among the last `n` marks that are known; None before the first five."""
    seen: deque[bool] = deque(maxlen=n)
    found: list[float | None] = []
    for mark in marks:
        if mark is not None:
            seen.append(mark)
        found.append(sum(seen) / len(seen) if len(seen) >= MIN_SAMPLES else None)
    return tuple(found)

"""Percentiles by nearest rank, and how many samples each one needs."""

from __future__ import annotations

import math
from collections.abc import Sequence

MIN_SAMPLES = 5


def percentile(values: Sequence[float], share: float) -> float:
    """Nearest-rank percentile: the smallest value with at least `share` of all at or below it.

    Args:
        values: at least one, in any order and unit.
        share: 0 < share <= 1.

    Raises:
        ValueError: no values, or a share outside (0, 1].
    """
    if not values or not 0 < share <= 1:
        raise ValueError("expected at least one value and a share in (0, 1]")
    rank = math.ceil(round(share * len(values), 9))
    return sorted(values)[max(rank, 1) - 1]


def samples_needed(share: float) -> int:
    """Fewest samples with one above the percentile: 20 for p95, 100 for p99, never under 5."""
    return max(MIN_SAMPLES, math.ceil(round(1 / (1 - share), 9))) if share < 1 else 1

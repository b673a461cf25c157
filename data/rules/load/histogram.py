"""Histograms of times that merge exactly: three significant digits, from 1 us to a day.

The buckets are those of HdrHistogram (http://hdrhistogram.org): linear up to 2,048 us, then 1,024
equal buckets for each doubling, so that a bucket is never wider than 0.1 % of its values. Merging
adds counts: in any order and from any number of processes the result is the same.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable

from data.records.load_figures import Spread

_BITS = 10
_LINEAR = 1 << (_BITS + 1)


def bucket_of(value_ms: float) -> int:
    """The bucket of a time; less than nothing counts as nothing."""
    value_us = round(value_ms * 1000)
    if value_us < _LINEAR:
        return value_us if value_us > 0 else 0
    shift = value_us.bit_length() - _BITS - 1
    return (shift << _BITS) + (value_us >> shift)


def value_of(bucket: int) -> float:
    """The middle of a bucket, in ms."""
    if bucket < _LINEAR:
        return bucket / 1000
    shift = (bucket >> _BITS) - 1
    low = ((bucket & ((1 << _BITS) - 1)) + (1 << _BITS)) << shift
    return (low + ((1 << shift) - 1) / 2) / 1000


class Histogram:
    """Counts of times by bucket; sum, smallest and largest are exact."""

    __slots__ = ("counts", "max_ms", "min_ms", "n", "sum_ms")

    def __init__(self, spread: Spread | None = None) -> None:
        self.counts: Counter[int] = Counter()
        self.n = 0
        self.sum_ms = 0.0
        self.min_ms = math.inf
        self.max_ms = -math.inf
        if spread is not None:
            self.merge(spread)

    def add(self, value_ms: float) -> None:
        """Count one time."""
        self.counts[bucket_of(value_ms)] += 1
        self.n += 1
        self.sum_ms += value_ms
        if value_ms < self.min_ms:
            self.min_ms = value_ms
        if value_ms > self.max_ms:
            self.max_ms = value_ms

    def merge(self, other: Spread) -> None:
        """Add the counts of another distribution."""
        for bucket, n in other.counts:
            self.counts[bucket] += n
        self.n += other.n
        self.sum_ms += other.sum_ms
        self.min_ms = min(self.min_ms, math.inf if other.min_ms is None else other.min_ms)
        self.max_ms = max(self.max_ms, -math.inf if other.max_ms is None else other.max_ms)

    def spread(self) -> Spread:
        """As a record."""
        if not self.n:
            return Spread()
        return Spread(
            n=self.n,
            sum_ms=self.sum_ms,
            min_ms=self.min_ms,
            max_ms=self.max_ms,
            counts=tuple(sorted(self.counts.items())),
        )


def merged(spreads: Iterable[Spread]) -> Spread:
    """One distribution of several."""
    whole = Histogram()
    for spread in spreads:
        whole.merge(spread)
    return whole.spread()


def percentile(spread: Spread, share: float) -> float | None:
    """Nearest-rank percentile in ms, within 0.1 %; None of nothing.

    Args:
        share: 0 < share <= 1.
    """
    if not spread.n:
        return None
    rank, seen = max(1, math.ceil(round(share * spread.n, 9))), 0
    for bucket, n in spread.counts:
        seen += n
        if seen >= rank:
            value = value_of(bucket)
            return min(max(value, spread.min_ms or 0.0), spread.max_ms or value)
    return spread.max_ms


def over(spread: Spread, limit_ms: float) -> int:
    """How many times lie in buckets above the one of `limit_ms`."""
    edge = bucket_of(limit_ms)
    return sum(n for bucket, n in spread.counts if bucket > edge)

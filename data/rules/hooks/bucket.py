"""A token bucket: so many at once, so many a second after that."""

from __future__ import annotations

from data.records.record import Record


class Bucket(Record):
    """What is left, and when it was counted (seconds of any clock that never goes back)."""

    tokens: float
    at_s: float


def take(bucket: Bucket | None, now_s: float, rate_per_s: float, burst: int) -> tuple[bool, Bucket]:
    """Whether one more may pass, and the bucket afterwards.

    A bucket that was never used is full. In any span of `t` seconds at most
    `burst + rate_per_s × t` pass. A clock that went back adds nothing.
    """
    before = bucket or Bucket(tokens=burst, at_s=now_s)
    waited_s = max(now_s - before.at_s, 0.0)
    tokens = min(float(burst), before.tokens + waited_s * rate_per_s)
    passes = tokens >= 1.0
    return passes, Bucket(tokens=tokens - passes, at_s=max(now_s, before.at_s))


def retry_after_s(bucket: Bucket, rate_per_s: float) -> int:
    """Whole seconds until the next one passes, at least 1."""
    return max(1, int(-(-(1.0 - bucket.tokens) // rate_per_s)))

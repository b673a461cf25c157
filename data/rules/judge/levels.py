"""What a function of a criterion gives for the samples of one run."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from data.rules.compare import MIN_EACH
from data.rules.grammar import Rule
from data.rules.quantiles import MIN_SAMPLES, percentile, samples_needed

LONGEST_MS = 1e15  # some 30,000 years


def is_time(value: float) -> bool:
    """Whether it can be a time in ms: 0 to 30,000 years. Not a number, infinite, negative: none."""
    return 0 <= value <= LONGEST_MS


def samples_wanted(rule: Rule) -> int:
    """Fewest samples with which a comparison is evaluated at all; 0 where it reads none."""
    if rule.function == "count" or not rule.over_samples:
        return 0
    if rule.function == "shift":
        return MIN_EACH
    if rule.function == "share":  # so many that one failure could be told from none
        return samples_needed(min(rule.limit, 0.9999)) if 0 < rule.limit < 1 else MIN_SAMPLES
    return MIN_SAMPLES if rule.quantile is None else samples_needed(rule.quantile)


def statistic(rule: Rule, values: list[float]) -> float:
    """What a function over samples gives; counts and shares are not among them."""
    if rule.quantile is not None:
        return percentile(values, rule.quantile)
    plain: dict[str, Callable[[list[float]], float]] = {
        "count": len,
        "min": min,
        "max": max,
        "mean": lambda v: math.fsum(v) / len(v),  # exact, so in any order the same
    }
    return float(plain[rule.function](values))


def level_of(rule: Rule, values: Sequence[float]) -> float | None:
    """A run as one number, in ms: the median for `shift`; None with too few samples."""
    if len(values) < samples_wanted(rule):
        return None
    return percentile(values, 0.5) if rule.function == "shift" else statistic(rule, list(values))

"""What a load shows: whether the figures are the target's, where it bends and where it breaks."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from data.records.load_figures import GeneratorWatch, Spread, StageFigures
from data.rules.load.histogram import percentile

LEAST_LIMIT_MS = 5.0  # timers and schedulers are this coarse on a busy machine
LIMIT_SHARE = 0.1  # of the median: an error that large would decide about the target
BUSY_SHARE = 0.98
KNEE_FACTOR = 2.0


def invalid(watch: GeneratorWatch, measured: Sequence[Spread]) -> str:
    """Why the generator, not the target, was the bottleneck; "" where it was not.

    The generator may be late by 5 ms, or by a tenth of the median that it measured. More than that
    in one start or timer of a hundred, or a core that never rests while starts are late, and the
    figures are the generator's own.

    Args:
        measured: the metrics' times; of nothing at all nothing can be said.
    """
    medians = [m for m in (percentile(spread, 0.5) for spread in measured) if m is not None]
    limit_ms = max(LEAST_LIMIT_MS, LIMIT_SHARE * min(medians, default=0.0))
    for what, spread in (("starts", watch.late), ("timers", watch.lag)):
        p99 = percentile(spread, 0.99)
        if p99 is not None and p99 > limit_ms:
            return (
                f"the generator was the bottleneck: 1 % of its {what} came {p99:.1f} ms late or"
                f" more, {limit_ms:.1f} ms allowed; CPU {watch.cpu_share:.0%} of a core"
                "; lower the rate or set processes"
            )
    return ""


def judge_stage(figures: StageFigures, fails_at: float, why_invalid: str) -> StageFigures:
    """The stage with its outcome and the sentence of numbers behind it."""
    if figures.n == 0:
        return figures.model_copy(update={"reason": "nothing was executed"})
    if why_invalid:
        return figures.model_copy(update={"outcome": "INVALID", "reason": why_invalid})
    share = figures.n_failed / figures.n
    is_bad = share > fails_at or figures.n_failed == figures.n
    said = f"{figures.n_failed} of {figures.n} failed, {fails_at:.2%} allowed"
    return figures.model_copy(update={"outcome": "FAIL" if is_bad else "PASS", "reason": said})


def first_failing(stages: Sequence[StageFigures]) -> str:
    """Label of the first stage that failed, "" without one."""
    return next((stage.label for stage in stages if stage.outcome == "FAIL"), "")


def knee(stages: Sequence[StageFigures], metric: str) -> str:
    """Label of the last stage before the p95 of `metric` passed twice that of the first.

    "" where no stage did, or fewer than two can be compared.
    """
    p95s = [
        (stage.label, percentile(stage.spreads.get(metric, Spread()), 0.95)) for stage in stages
    ]
    known = [(label, p95) for label, p95 in p95s if p95 is not None]
    for (before, _), (_, p95) in pairwise(known):
        if p95 > KNEE_FACTOR * known[0][1]:
            return before
    return ""

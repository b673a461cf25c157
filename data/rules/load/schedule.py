"""When executions are to start: pure arithmetic, the same in each run and each process."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from data.records.load import Arrivals, Stage


def arrivals(stages: Sequence[Arrivals]) -> Iterator[tuple[int, float]]:
    """(stage, intended start in seconds from the load's start) of each execution, in order.

    The k-th execution starts when the area under the rate reaches k, the first at once: at 4/s
    that is 0, 0.25, 0.5 ... A fraction left at a stage's end is carried into the next, so the
    number of starts is that of the whole area and does not depend on how it is cut.
    """
    area, since_s, ordinal = 0.0, 0.0, 0
    for number, stage in enumerate(stages):
        while ordinal < area + stage.n - 1e-9:
            yield number, since_s + _when(stage, ordinal - area)
            ordinal += 1
        area += stage.n
        since_s += stage.duration


def _when(stage: Arrivals, area: float) -> float:
    """Seconds into a stage at which `area` executions are due: r t + s t^2 / 2 = area."""
    slope = ((stage.rate if stage.to is None else stage.to) - stage.rate) / stage.duration
    if slope == 0:
        return area / stage.rate
    root = math.sqrt(max(0.0, stage.rate * stage.rate + 2 * slope * area))
    return 2 * area / (stage.rate + root)  # this form of the root loses no digits near slope 0


def share_of(n: int, part: int, parts: int) -> int:
    """How many of `n` fall to `part` (from 0) of `parts`: as even as whole numbers can be."""
    return n // parts + (part < n % parts)


def starts_of(
    stages: Sequence[Arrivals], part: int = 0, parts: int = 1
) -> Iterator[tuple[int, float]]:
    """The executions of one of several processes: every `parts`-th, so that all take turns."""
    every = enumerate(arrivals(stages))
    return (start for ordinal, start in every if ordinal % parts == part)


def label_of(stage: Stage) -> str:
    """A stage's name: `50/s`, `50/s to 200/s`, `20 users`."""
    if not isinstance(stage, Arrivals):
        return f"{stage.users} user{'s' if stage.users > 1 else ''}"
    ramp = "" if stage.to is None else f" to {stage.to:g}/s"
    return f"{stage.rate:g}/s{ramp}"

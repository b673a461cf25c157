"""Old samples of a run, compacted: the fact that stands in its journal in their place."""

from __future__ import annotations

from typing import ClassVar

from data.records.facts import Fact
from data.records.record import AwareUtc, Record


class Figures(Record):
    """What the samples of one phase, probe, metric and unit came to, exactly.

    `n` and all numbers are of samples that ended well, `n_failed` counts the others. None: no such
    sample.
    """

    phase: str
    probe: str
    metric: str
    unit: str
    n: int
    n_failed: int
    min: float | None = None
    mean: float | None = None
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    max: float | None = None


class Bins(Record):
    """The same samples in bins of 1 %: the middle value of each, and how many it had."""

    phase: str
    probe: str
    metric: str
    unit: str
    ok: bool
    middles: tuple[float, ...]
    counts: tuple[int, ...]


class Histograms(Fact):
    """Every sample of a run, compacted. One a run; its samples are gone."""

    KIND: ClassVar[str] = "histograms"
    KEY: ClassVar[tuple[str, ...]] = ("run_id",)

    n_samples: int
    figures: tuple[Figures, ...]
    bins: tuple[Bins, ...]
    at: AwareUtc

"""What one process of a load has measured so far, in bounded memory."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict

from data.records.facts import Failure
from data.records.load_figures import Spread
from data.records.load_order import CountedFailure, KeptSample, LoadProgress, StageTold
from data.rules.load.histogram import Histogram
from tasks.probes.journey import Report

_MOST_SIGNATURES = 100


class _Stage:
    def __init__(self) -> None:
        self.n = self.n_failed = self.n_intended = self.in_flight = 0
        self.duration_s = 0.0
        self.spreads: dict[str, Histogram] = defaultdict(Histogram)


class _Kept:
    """Every k-th sample, k doubled whenever there are too many: even over the whole time."""

    def __init__(self, most: int) -> None:
        self.samples: list[tuple[float, float, bool]] = []  # at_s, value_ms, ok
        self._most, self._stride, self._seen = max(2, most), 1, 0

    def add(self, at_s: float, value_ms: float, ok: bool) -> None:
        if self._seen % self._stride == 0:
            if len(self.samples) == self._most:
                self.samples = self.samples[::2]
                self._stride *= 2
            if self._seen % self._stride == 0:
                self.samples.append((at_s, value_ms, ok))
        self._seen += 1


class Ledger:
    """Counts, distributions and samples of one process.

    Args:
        main_metric: the one of which progress and the timeline tell.
    """

    def __init__(self, n_stages: int, most_samples: int, main_metric: str | None) -> None:
        self.stages = [_Stage() for _ in range(n_stages)]
        self.in_flight = 0
        self._main = main_metric
        self._most = most_samples
        self._kept: dict[str, _Kept] = {}
        self._seconds: dict[str, dict[int, Histogram]] = defaultdict(lambda: defaultdict(Histogram))
        self._failures: dict[tuple[str, str], list[Failure]] = {}
        self._counts: dict[tuple[str, str], int] = defaultdict(int)
        self._recent = Histogram()

    def begins(self, stage: int) -> None:
        """An execution started."""
        self.in_flight += 1
        told = self.stages[stage]
        told.in_flight = max(told.in_flight, self.in_flight)

    def ends(self, stage: int, ordinal: int, at_s: float, report: Report) -> None:
        """An execution ended. Times of one that failed are samples, and no part of percentiles.

        Args:
            at_s: when it was to start, since the load's start.
        """
        self.in_flight -= 1
        told, ok = self.stages[stage], report.cause is None
        told.n += 1
        if report.cause is not None:
            told.n_failed += 1
            self._fail(Failure(ordinal=ordinal, **asdict(report.cause)))
        for metric, value_ms in report.measurements:
            if ok:
                told.spreads[metric].add(value_ms)
                self._in_time(metric, at_s, value_ms)
            kept = self._kept.get(metric) or self._kept.setdefault(metric, _Kept(self._most))
            kept.add(at_s, value_ms, ok)

    def lost(self, stage: int, failure: Failure) -> None:
        """An execution was cut off, or could not even start."""
        self.in_flight -= 1
        self.stages[stage].n += 1
        self.stages[stage].n_failed += 1
        self._fail(failure)

    def fails_after_all(self, stage: int, failure: Failure) -> None:
        """An execution that ended well turned out not to have."""
        self.stages[stage].n_failed += 1
        self._fail(failure)

    def _fail(self, failure: Failure) -> None:
        key = (failure.step, failure.signature)
        if key not in self._failures and len(self._failures) >= _MOST_SIGNATURES:
            key = (failure.step, "load/other")
            failure = failure.model_copy(update={"signature": "load/other"})
        self._failures.setdefault(key, [failure])
        self._counts[key] += 1

    def _in_time(self, metric: str, at_s: float, value_ms: float) -> None:
        if metric == self._main:
            self._seconds[metric][int(at_s)].add(value_ms)
            self._recent.add(value_ms)

    def progress(self, elapsed_s: float, stage: int) -> LoadProgress:
        """How far it is; what is recent starts anew."""
        recent, self._recent = self._recent.spread(), Histogram()
        n, n_failed = sum(s.n for s in self.stages), sum(s.n_failed for s in self.stages)
        return LoadProgress(
            elapsed_s=elapsed_s, stage=stage, n=n, n_failed=n_failed,
            in_flight=self.in_flight, recent=recent,
        )  # fmt: skip

    def told(self) -> tuple[StageTold, ...]:
        """The stages as records."""
        return tuple(
            StageTold(
                n_intended=s.n_intended, n=s.n, n_failed=s.n_failed, in_flight=s.in_flight,
                duration_s=s.duration_s, spreads={m: h.spread() for m, h in s.spreads.items()},
            )
            for s in self.stages
        )  # fmt: skip

    def failures(self) -> tuple[CountedFailure, ...]:
        """What failed, the most frequent first."""
        keys = sorted(self._counts, key=lambda key: -self._counts[key])
        return tuple(CountedFailure(n=self._counts[k], first=self._failures[k][0]) for k in keys)

    def samples(self) -> tuple[KeptSample, ...]:
        """The raw samples that were kept."""
        return tuple(
            KeptSample.model_construct(metric=metric, at_s=at_s, value_ms=value_ms, ok=ok)
            for metric, kept in self._kept.items()
            for at_s, value_ms, ok in kept.samples
        )

    def seconds(self) -> dict[str, tuple[tuple[int, Spread], ...]]:
        """The main metric's distribution in each second of the load."""
        return {
            metric: tuple((second, told[second].spread()) for second in sorted(told))
            for metric, told in self._seconds.items()
        }

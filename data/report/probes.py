"""One row a probe, and one a metric, with percentiles only where there are samples for them."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from data.records.evidence import Evidence
from data.records.facts import Failure, ProbeResult, Sample
from data.records.plan import Plan
from data.records.record import Record
from data.records.words import Outcome
from data.rules.outcomes import RED
from data.rules.quantiles import percentile, samples_needed

ProbeKey = tuple[str, str]


class MetricRow(Record):
    """One metric: of one probe, or pooled over all of them (`probe` is then empty).

    Attributes:
        values: of samples that ended well, in order; percentiles are over these.
        n_not_ok: samples that ended in failure; their latencies say nothing about speed.
        p95: None with fewer than 20 values.
    """

    name: str
    probe: str = ""
    unit: str = "ms"
    values: tuple[float, ...] = ()
    n_not_ok: int = 0
    p50: float | None = None
    p95: float | None = None
    max: float | None = None

    @property
    def n(self) -> int:
        return len(self.values)

    def document(self) -> dict[str, Any]:
        """As `run --json` says it; metrics in another unit than ms carry the unit, not `_ms`."""
        tail = "_ms" if self.unit == "ms" else ""
        said = {"n": self.n, f"p50{tail}": self.p50, f"p95{tail}": self.p95, f"max{tail}": self.max}
        return said if tail else {**said, "unit": self.unit}


class ProbeRow(Record):
    """A probe after all attempts; NOT_RUN with n = 0 when the plan has it and nothing was heard.

    Counts, message and failures are of the first attempt when a retry made it FLAKY, else of the
    last one.
    """

    id: str
    phase: str
    kind: str
    outcome: Outcome
    n: int
    n_failed: int
    message: str
    duration_s: float
    failures: tuple[Failure, ...] = ()
    metrics: tuple[MetricRow, ...] = ()

    def document(self) -> dict[str, Any]:
        """As `run --json` says it."""
        said = self.model_dump(mode="json", exclude={"failures", "metrics"})
        return {**said, "metrics": {row.name: row.document() for row in self.metrics}}


def probe_rows(evidence: Evidence, plan: Plan | None) -> tuple[ProbeRow, ...]:
    """Rows in the plan's order, then probes that only the evidence knows."""
    kinds = _planned(plan)
    attempts: dict[ProbeKey, list[ProbeResult]] = defaultdict(list)
    for result in sorted(evidence.probes, key=lambda p: p.attempt):
        attempts[result.phase, result.probe].append(result)
    keys = dict.fromkeys((*kinds, *((p.phase, p.probe) for p in evidence.probes)))
    return tuple(_row(key, kinds.get(key, ""), attempts[key], evidence.samples) for key in keys)


def metric_rows(samples: Iterable[Sample], probe: str = "") -> tuple[MetricRow, ...]:
    """One row a metric, in order of first appearance."""
    groups: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        groups[sample.metric].append(sample)
    return tuple(_metric(name, probe, group) for name, group in groups.items())


def _planned(plan: Plan | None) -> dict[ProbeKey, str]:
    phases = plan.phases if plan else ()
    # Kinds of probes differ in their fields; all that is wanted here is the word.
    return {(ph.id, p.id): str(getattr(p, "kind", "")) for ph in phases for p in ph.probes}


def _row(
    key: ProbeKey, kind: str, results: list[ProbeResult], samples: tuple[Sample, ...]
) -> ProbeRow:
    phase, probe = key
    metrics = metric_rows((s for s in samples if (s.phase, s.probe) == key), probe)
    if not results:
        return _unheard(key, kind, metrics)
    outcome = _outcome(results)
    told = results[0] if outcome is Outcome.FLAKY else results[-1]
    return ProbeRow(
        id=probe,
        phase=phase,
        kind=told.kind,
        outcome=outcome,
        n=told.n,
        n_failed=told.n_failed,
        message=told.message,
        duration_s=round(sum(r.duration_s for r in results), 3),
        failures=told.failures,
        metrics=metrics,
    )


def _unheard(key: ProbeKey, kind: str, metrics: tuple[MetricRow, ...]) -> ProbeRow:
    return ProbeRow(
        id=key[1],
        phase=key[0],
        kind=kind,
        outcome=Outcome.NOT_RUN,
        n=0,
        n_failed=0,
        message="nothing was heard of it",
        duration_s=0.0,
        metrics=metrics,
    )


def _outcome(results: list[ProbeResult]) -> Outcome:
    last = results[-1].outcome
    was_red = any(r.outcome in RED for r in results[:-1])
    return Outcome.FLAKY if was_red and last is Outcome.PASS else last


def _metric(name: str, probe: str, samples: list[Sample]) -> MetricRow:
    values = tuple(s.value for s in samples if s.ok and math.isfinite(s.value))
    enough = len(values) >= samples_needed(0.95)
    return MetricRow(
        name=name,
        probe=probe,
        unit=samples[0].unit,
        values=values,
        n_not_ok=len(samples) - len(values),
        p50=percentile(values, 0.5) if values else None,
        p95=percentile(values, 0.95) if enough else None,
        max=max(values) if values else None,
    )

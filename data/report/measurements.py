"""Measurements beside their targets and their baseline: one row a metric and target."""

from __future__ import annotations

from data.records.record import Record
from data.report.probes import MetricRow
from data.report.sheet import Sheet
from data.report.targets import Target
from data.report.wording import measured
from data.rules.quantiles import percentile


class Measurement(Record):
    """All cells as text. `target`, `criterion` and `mark` are empty for a metric without one.

    Attributes:
        value: what the target's percentile came to; a dash where there were too few samples.
        mark: what the judge said; empty when nobody judged.
    """

    metric: str
    n: str
    p50: str
    p95: str
    max: str
    baseline_p50: str
    criterion: str = ""
    target: str = ""
    value: str = ""
    mark: str = ""


def measurements(sheet: Sheet) -> tuple[Measurement, ...]:
    """Every metric that was measured or has a target; a target without samples shows n = 0."""
    rows = {row.name: row for row in sheet.metrics}
    names = dict.fromkeys((*rows, *(t.metric for t in sheet.targets)))
    found: list[Measurement] = []
    for name in names:
        row = rows.get(name, MetricRow(name=name))
        mine = [t for t in sheet.targets if t.metric == name]
        found += [_against(row, target, sheet) for target in mine] or [_alone(row, sheet)]
    return tuple(found)


def _alone(row: MetricRow, sheet: Sheet) -> Measurement:
    earlier = sheet.baseline(row.name)
    failed = f" + {row.n_not_ok} failed" if row.n_not_ok else ""
    return Measurement(
        metric=row.name,
        n=f"{row.n}{failed}",
        p50=measured(row.p50, row.unit),
        p95=measured(row.p95, row.unit),
        max=measured(row.max, row.unit),
        baseline_p50=measured(percentile(earlier, 0.5) if earlier else None, row.unit),
    )


def _against(row: MetricRow, target: Target, sheet: Sheet) -> Measurement:
    verdict = sheet.view.verdict
    marks = {c.id: str(c.outcome) for c in verdict.criteria} if verdict else {}
    said = {
        "criterion": target.criterion,
        "target": f"{target.function} {target.operator} {measured(target.limit, row.unit)}",
        "value": measured(target.value_of(row), row.unit),
        "mark": marks.get(target.criterion, ""),
    }
    return _alone(row, sheet).model_copy(update=said)

"""The figures of one page: which charts there are, with their titles and captions."""

from __future__ import annotations

from dataclasses import dataclass

from data.report import charts
from data.report.drawing import Figure, figure
from data.report.probe_figures import probe_figures
from data.report.probes import MetricRow
from data.report.sheet import Sheet
from data.report.targets import Target
from data.report.timeline import bars_of
from data.report.wording import counted, measured, plain

_MAX_BARS = 60
_MAX_METRICS = 12
_MAX_SUITES = 40


@dataclass(frozen=True, slots=True)
class Figures:
    """All charts of a page; a chart without data is not there."""

    timeline: Figure | None
    grades: Figure | None
    latencies: tuple[Figure, ...]
    probes: tuple[Figure, ...]


def figures_of(sheet: Sheet) -> Figures:
    """Draw what the run has data for. What a chart leaves out, its caption counts."""
    return Figures(
        timeline=_timeline(sheet),
        grades=_grades(sheet),
        latencies=_latencies(sheet),
        probes=probe_figures(sheet, _MAX_METRICS + 2),
    )


def _timeline(sheet: Sheet) -> Figure | None:
    bars = bars_of(sheet)
    if not bars:
        return None
    caption = "Deploy, health gate, then phase by phase its suites and probes (◇)."
    caption += _left_out(len(bars) - _MAX_BARS, "bar")
    return figure(charts.timeline(bars[:_MAX_BARS]), "What ran when", caption, 0)


def _grades(sheet: Sheet) -> Figure | None:
    rows = [row for row in sheet.suites if row.grades]
    if not rows:
        return None
    caption = (
        "Proven: touched the target and turns red when it is broken on purpose. Witnessed: touched"
        " it. Insensitive: stays green when it is broken. Vacuous: never touched it. Unknown:"
        " nobody could look."
    )
    caption += _left_out(len(rows) - _MAX_SUITES, "suite")
    return figure(charts.grades(rows[:_MAX_SUITES]), "Passes by evidence grade", caption, 1)


def _latencies(sheet: Sheet) -> tuple[Figure, ...]:
    rows = [row for row in sheet.metrics if row.values][:_MAX_METRICS]
    return tuple(_latency(row, sheet, ordinal) for ordinal, row in enumerate(rows, 2))


def _latency(row: MetricRow, sheet: Sheet, ordinal: int) -> Figure:
    targets = [t for t in sheet.targets if t.metric == row.name]
    spec = charts.latency(row, sheet.baseline(row.name), targets)
    return figure(spec, plain(row.name), _numbers(row, targets), ordinal)


def _numbers(row: MetricRow, targets: list[Target]) -> str:
    p95 = measured(row.p95, row.unit) if row.p95 is not None else "not evaluated (n < 20)"
    parts = [f"p50 {measured(row.p50, row.unit)}", f"p95 {p95}", counted(row.n, "sample")]
    parts += [f"{row.n_not_ok} failed and not drawn"] if row.n_not_ok else []
    parts += [
        f"target {t.function} {t.operator} {measured(t.limit, row.unit)} (dashed)" for t in targets
    ]
    return " · ".join(parts)


def _left_out(n: int, what: str) -> str:
    return f" {counted(n, f'more {what}')} not drawn." if n > 0 else ""

"""Trends for a terminal: sparklines and tables that read without colour, in 80 columns."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

from data.records.trends import ABSENT, CODES, Listing, Series, TrendPoint, Trends
from data.report.tones import Tone, symbol_of, tone_of
from data.report.wording import clip, counted, measured, plain, span
from data.rules.trends import Comparison, Contrast, outside

_LEVELS = "▁▂▃▄▅▆▇█"
_COLOURS = {
    Tone.GOOD: "green",
    Tone.WATCH: "blue",
    Tone.WARN: "yellow",
    Tone.BAD: "red",
    Tone.MUTE: "",
}
_WORDS = {code: word.replace("_", " ") for word, code in CODES.items()} | {ABSENT: "not seen"}
_SPARK = 20
_MOST = 20


def sparkline(values: Sequence[float | None], width: int = _SPARK) -> str:
    """The newest values as blocks, oldest left; a gap where nothing was measured.

    Scaled from the smallest to the largest of what is shown; a flat line is in the middle.
    """
    shown = values[-width:]
    known = [value for value in shown if value is not None]
    if not known:
        return " " * len(shown)
    low, wide = min(known), max(known) - min(known)

    def block(value: float | None) -> str:
        if value is None:
            return " "
        return _LEVELS[round((value - low) / wide * 7)] if wide else _LEVELS[3]

    return "".join(block(value) for value in shown)


def trends_text(trends: Trends, metric: str | None, console: Console) -> None:
    """Print one plan and environment: each series, then the deployments, the newest first."""
    points = trends.points
    console.print(
        f"{plain(trends.environment)} · {plain(trends.plan)}: "
        f"{counted(len(points), 'deployment')}, {_day(points[0])} to {_day(points[-1])}",
        style="bold",
        markup=False,
        highlight=False,
    )
    console.print(_series_table(trends, metric))
    if metric is None:
        console.print(_deployments(trends))
    for listing in trends.listings:
        if metric is None or metric in _LISTED.get(listing.view, ()):
            _listing(listing, console)
    if metric in (None, "first_bad"):
        _signatures(trends, console)


_LISTED = {
    "flaky_tests": ("flaky",),
    "first_bad_deployment": ("first_bad",),
    "suite_cost": ("cost",),
    "gate_accuracy": ("accuracy", "verdicts"),
    "idle_criteria": ("idle",),
}
# What fits into 80 columns of a view; the page and `goldenpath sql` have all of it.
_SHORT = {
    "test_id": "test",
    "n_flaky": "flaky",
    "n_runs": "runs",
    "flaky_share": "share",
    "last_flaky_deployment": "last in",
    "first_bad_deployment_id": "red since",
    "last_good_deployment_id": "last good",
    "n_runs_bad": "runs",
    "suite": "suite",
    "phase": "phase",
    "duration_mean_s": "mean s",
    "n_runs_red": "red",
    "s_per_red_run": "s a red run",
    "verdict": "verdict",
    "n_labelled": "labelled",
    "n_false_promote": "false promote",
    "n_false_hold": "false hold",
    "wrong_share": "wrong",
}


def _day(point: TrendPoint) -> str:
    return point.started_at.strftime("%Y-%m-%d")


def _series_table(trends: Trends, metric: str | None) -> Table:
    table = _table("", "Trend", "Oldest → newest", "Now", "Usual", "")
    for series in trends.series:
        if metric in (None, series.metric) and (not series.suite or metric is not None):
            table.add_row(*_series_row(series))
    return table


def _series_row(series: Series) -> list[Text]:
    last = next(i for i in reversed(range(len(series.values))) if series.values[i] is not None)
    said = outside(series, last)
    low, high = series.low[last], series.high[last]
    usual = "–" if low is None else f"{_said(low, series.unit)}…{_said(high, series.unit)}"
    mark = {"worse": "✕ worse", "better": "✓ better"}.get(said, "")
    step = (
        f" {'▲' if series.steps[-1].after > series.steps[-1].before else '▼'}"
        if series.steps
        else ""
    )
    style = {"worse": "red", "better": "green"}.get(said, "")
    cells = (
        clip(series.name, 26),
        sparkline(series.values),
        _said(series.values[last], series.unit),
        usual,
    )
    return [Text(cell) for cell in cells] + [Text(mark + step, style=style)]


def _deployments(trends: Trends) -> Table:
    table = _table("", "Deployment", "Began", "Verdict", "Passed", "Label")
    passed = next(
        (s.values for s in trends.series if s.metric == "pass_rate" and not s.suite), None
    )
    for i in list(reversed(range(len(trends.points))))[:_MOST]:
        point = trends.points[i]
        word = point.verdict or "not judged"
        share = _said(passed[i], "share") if passed else "–"
        table.add_row(
            Text(clip(point.deployment_id, 26)),
            point.started_at.strftime("%m-%d %H:%M"),
            verdict_mark(word),
            share,
            point.label,
        )
    return table


def verdict_mark(word: str) -> Text:
    """The verdict with its sign, so that it reads without colour."""
    return Text(f"{symbol_of(word)} {word.replace('_', ' ')}", style=_COLOURS[tone_of(word)])


def _listing(listing: Listing, console: Console) -> None:
    kept = [i for i, name in enumerate(listing.columns) if name in _SHORT and _fits(listing, name)]
    rows = [[_cell(row[i]) for i in kept] for row in listing.rows[:10]]
    if rows:
        heads = [_SHORT[listing.columns[i]] for i in kept]
        _print_rows(f"{listing.title} ({listing.view})", heads, rows, console)


def _fits(listing: Listing, column: str) -> bool:
    return column != "suite" or "test_id" not in listing.columns


def _signatures(trends: Trends, console: Console) -> None:
    rows = [
        [s.signature, s.first_deployment_id, s.last_deployment_id, str(s.n_deployments)]
        for s in trends.signatures[:10]
    ]
    if rows:
        heads = ("signature", "first deployment", "last", "deployments")
        _print_rows("Ways to fail, and where each began (incidents)", heads, rows, console)


def _print_rows(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], console: Console
) -> None:
    table = _table(title, *columns)
    for row in rows:
        table.add_row(*[Text(_tail(cell)) for cell in row])
    console.print()
    console.print(table)


def compared_text(trends: Trends, found: Comparison, console: Console) -> None:
    """Two deployments side by side: verdicts, numbers, tests that turned."""
    a, b = trends.points[found.a], trends.points[found.b]
    table = _table("", "", clip(a.deployment_id, 22), clip(b.deployment_id, 22), "Change", "")
    table.add_row(
        "verdict", verdict_mark(a.verdict or "not judged"), verdict_mark(b.verdict or "not judged")
    )
    for service in sorted({*a.services, *b.services}):
        table.add_row(
            Text(clip(service, 20)),
            Text(a.services.get(service, "–")),
            Text(b.services.get(service, "–")),
        )
    for one in found.numbers:
        table.add_row(
            Text(clip(one.name, 22)),
            _said(one.before, one.unit),
            _said(one.after, one.unit),
            shift(one),
            one.verdict,
        )
    console.print(table)
    rows = [[t.suite, t.test_id, _WORDS[t.before], _WORDS[t.after]] for t in found.tests[:_MOST]]
    _print_rows(
        f"{counted(len(found.tests), 'test')} with another outcome",
        ("suite", "test", "before", "after"),
        rows,
        console,
    )


def shift(one: Contrast) -> str:
    """The change in its own words: points of a share, a count, or percent."""
    if one.shift is None:
        return "–"
    if one.unit == "share":
        return f"{100 * one.shift:+.1f} points"
    return f"{one.shift:+.0f}" if one.unit == "tests" else f"{100 * one.shift:+.1f} %"


_CSV = (
    *("environment", "plan", "deployment_id", "revision", "started_at", "run_id", "verdict"),
    *("metric", "name", "suite", "unit", "value", "usual_low", "usual_middle", "usual_high"),
)


def trends_csv(scopes: Iterable[Trends], metric: str | None) -> str:
    """One row a deployment and series, the newest deployment first; empty cells are unknown."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(_CSV)
    for trends in scopes:
        wanted = [s for s in trends.series if metric in (None, s.metric)]
        for i in reversed(range(len(trends.points))):
            writer.writerows((*_whose(trends, i), *_valued(s, i)) for s in wanted)
    return out.getvalue()


def _whose(trends: Trends, i: int) -> tuple[str, ...]:
    p = trends.points[i]
    begun = p.started_at.isoformat()
    scope = (trends.environment, trends.plan)
    return (*scope, p.deployment_id, p.revision, begun, p.run_id, p.verdict)


def _valued(s: Series, i: int) -> tuple[str | float | None, ...]:
    named = (s.metric, s.name, s.suite, s.unit)
    return (*named, s.values[i], s.low[i], s.middle[i], s.high[i])


def _said(value: float | None, unit: str) -> str:
    if value is None:
        return "–"
    if unit == "share":
        return f"{100 * value:.1f} %" if value not in (0, 1) else f"{100 * value:.0f} %"
    if unit == "s":
        return span(value)
    return f"{value:,.0f}" if unit not in ("ms",) else measured(value, unit)


def _tail(text: str) -> str:
    """The end of a long name: tests of one folder differ there."""
    text = plain(text)
    return text if len(text) <= 38 else f"…{text[-37:]}"


def _cell(value: str | float | int | datetime | None) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return "–" if value is None else str(value)


def _table(title: str, *columns: str) -> Table:
    table = Table(
        box=None,
        title=title or None,
        title_justify="left",
        title_style="bold",
        pad_edge=False,
        padding=(0, 1),
    )
    for column in columns:
        table.add_column(column, overflow="ellipsis", no_wrap=True, header_style="dim")
    return table

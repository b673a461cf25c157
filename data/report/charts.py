"""Charts as Vega-Lite specs, drawn offline to SVG that lives in light and in dark pages."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from typing import Any

from data.report.probes import MetricRow
from data.report.suites import SuiteRow
from data.report.targets import Target
from data.report.timeline import Bar
from data.report.tones import COLOURS, GRADES, GRID, INK, Tone
from data.report.wording import clip, measured, plain
from data.rules.quantiles import percentile

Spec = dict[str, Any]

_FONT = "Inter, Segoe UI, Helvetica Neue, Arial, sans-serif"
_AXIS = {
    "labelColor": INK,
    "titleColor": INK,
    "gridColor": GRID,
    "domainColor": GRID,
    "tickColor": GRID,
    "labelFont": _FONT,
    "titleFont": _FONT,
    "labelFontSize": 12,
    "titleFontSize": 11,
    "titleFontWeight": "normal",
    "labelLimit": 200,
}
_CONFIG: Spec = {
    "background": "transparent",
    "view": {"stroke": None},
    "axis": _AXIS,
    "legend": {"labelColor": INK, "labelFont": _FONT, "labelFontSize": 12, "titleColor": INK},
    "text": {"font": _FONT, "fontSize": 11, "color": INK},
}
_WIDTH = 820
_LABELS = 120  # width of the labels at the left, so that charts line up
_MAX_POINTS = 300


def svg(spec: Spec, title: str, ordinal: int = 0) -> str:
    """One chart as an inline SVG with a title, and ids that no other chart on the page has."""
    import vl_convert  # starts a JavaScript engine: only a page that has charts pays for it

    drawn: str = vl_convert.vegalite_to_svg({**spec, "config": _CONFIG})
    drawn = re.sub(r'(\bid="|url\(#)', rf"\g<1>c{ordinal}-", drawn)
    drawn = re.sub(r'<svg([^>]*) width="(\d+)" height="(\d+)"', r'<svg\1 style="width:\2px"', drawn)
    label = html.escape(plain(title), quote=True)
    return drawn.replace("<svg", f'<svg role="img" aria-label="{label}"', 1)


def timeline(bars: Sequence[Bar]) -> Spec:
    """A Gantt chart: one lane a bar's name, phases as thin brackets above what ran in them."""
    minutes = max(bar.end_s for bar in bars) > 300
    per = 60 if minutes else 1
    last = {bar.lane: bar for bar in bars}  # the word stands behind a lane's last bar
    rows = [
        {
            **bar.model_dump(mode="json"),
            "a": bar.start_s / per,
            "b": bar.end_s / per,
            "said": bar.word.replace("_", " ") if last[bar.lane] is bar else "",
        }
        for bar in bars
    ]
    title = "minutes since the start" if minutes else "seconds since the start"
    x = {"type": "quantitative", "scale": {"nice": False}, "title": title}
    return {
        "width": _WIDTH - 60,
        "height": {"step": 24},
        "data": {"values": rows},
        "encoding": {"y": _lane_axis("lane", list(last)), "x": {"field": "a", **x}},
        "layer": [_brackets(), _bars(), _words(x)],
    }  # fmt: skip


def _brackets() -> Spec:
    mark = {"type": "bar", "height": 4, "cornerRadius": 2, "color": GRID}
    return _only("phase", "==", mark, {"x2": {"field": "b"}})


def _bars() -> Spec:
    scale = {"domain": [str(t) for t in Tone], "range": [COLOURS[t] for t in Tone]}
    colour = {"field": "tone", "type": "nominal", "scale": scale, "legend": None}
    mark = {"type": "bar", "height": 14, "cornerRadius": 3, "minBandSize": 2}
    return _only("phase", "!=", mark, {"x2": {"field": "b"}, "color": colour})


def _words(x: Spec) -> Spec:
    mark = {"type": "text", "align": "left", "dx": 6}
    return _only("phase", "!=", mark, {"x": {"field": "b", **x}, "text": {"field": "said"}})


def _only(kind: str, sign: str, mark: Spec, encoding: Spec) -> Spec:
    keep = {"filter": f"datum.kind {sign} '{kind}'"}
    return {"transform": [keep], "mark": mark, "encoding": encoding}


def _lane_axis(field: str, order: Sequence[str] | None) -> Spec:
    axis = {"domain": False, "ticks": False, "labelPadding": 8, "minExtent": _LABELS}
    return {"field": field, "type": "nominal", "sort": order, "title": None, "axis": axis}


def grades(suites: Iterable[SuiteRow]) -> Spec:
    """Passes of each suite by evidence grade, best grade first."""
    names = list(GRADES)
    rows = [
        {"suite": clip(row.id, 28), "grade": grade, "n": row.grades.get(key, 0), "rank": rank}
        for row in suites
        for rank, (grade, key) in enumerate(zip(names, (*names[:4], ""), strict=True))
        if row.grades.get(key, 0)
    ]
    scale = {"domain": names, "range": list(GRADES.values())}
    return {
        "width": _WIDTH,
        "height": {"step": 26},
        "data": {"values": rows},
        "mark": {"type": "bar", "height": 16},
        "encoding": {
            "y": _lane_axis("suite", None),
            "x": {"field": "n", "type": "quantitative", "title": "passes",
                  "axis": {"tickMinStep": 1, "tickCount": 8}},
            "color": {"field": "grade", "type": "nominal", "scale": scale,
                      "legend": {"orient": "top", "title": None, "symbolType": "square"}},
            "order": {"field": "rank", "type": "quantitative"},
        },
    }  # fmt: skip


def latency(row: MetricRow, baseline: Sequence[float], targets: Sequence[Target]) -> Spec:
    """Each sample as a dot, p50 and p95 as marks, targets as dashed lines, the baseline below."""
    lanes = [(1, "this run", row.values)] + ([(0, "baseline", tuple(baseline))] if baseline else [])
    top = max(max(values) for _, _, values in lanes if values)
    near = [t for t in targets if t.limit <= 4 * top]
    high = max([top, *(t.limit for t in near)]) * 1.06
    names = {y: f"{name}, n = {len(values)}" for y, name, values in lanes}
    return {
        "width": _WIDTH,
        "height": 52 * len(lanes) + 30,
        "layer": [*_limits(near, row.unit), _dots(lanes, names, high, row.unit), *_marks(lanes)],
        "resolve": {"scale": {"color": "independent"}},
    }


Lanes = Sequence[tuple[int, str, Sequence[float]]]


def _dots(lanes: Lanes, names: dict[int, str], high: float, unit: str) -> Spec:
    rows = [
        # A fixed pseudo-random jitter (golden ratio), so that equal runs draw equal charts.
        {"x": value, "y": y + ((i * 0.6180339887) % 1 - 0.5) * 0.34, "lane": y}
        for y, _, values in lanes
        for i, value in enumerate(_thinned(values))
    ]
    labels = " : ".join(f"datum.value == {y} ? '{name}'" for y, name in names.items())
    axis = {
        "values": list(names),
        "labelExpr": f"{labels} : ''",
        "grid": False,
        "domain": False,
        "ticks": False,
        "labelPadding": 8,
    }
    domain = [-0.55 if len(lanes) > 1 else 0.45, 1.6]
    colour = {
        "condition": {"test": "datum.lane == 1", "value": COLOURS[Tone.WATCH]},
        "value": COLOURS[Tone.MUTE],
    }
    return {
        "data": {"values": rows},
        "mark": {"type": "circle", "size": 30, "opacity": 0.5},
        "encoding": {
            "x": {"field": "x", "type": "quantitative", "title": plain(unit),
                  "scale": {"domain": [0, high], "nice": False}, "axis": {"tickCount": 8}},
            "y": {"field": "y", "type": "quantitative", "title": None, "axis": axis,
                  "scale": {"domain": domain, "nice": False}},
            "color": colour,
        },
    }  # fmt: skip


def _thinned(values: Sequence[float]) -> Sequence[float]:
    """At most so many points, spread evenly over the sorted values; first and last stay."""
    ranked = sorted(values)
    if len(ranked) <= _MAX_POINTS:
        return values
    step = (len(ranked) - 1) / (_MAX_POINTS - 1)
    return [ranked[round(i * step)] for i in range(_MAX_POINTS)]


def _marks(lanes: Lanes) -> list[Spec]:
    """p50 labelled to the left of its mark and p95 to the right, so that they never collide."""
    rows = [
        {"x": percentile(values, q), "y": y - 0.3, "y2": y + 0.3, "top": y + 0.46, "name": name}
        for y, _, values in lanes
        for name, q, needed in (("p50", 0.5, 1), ("p95", 0.95, 20))
        if len(values) >= needed
    ]
    return [mark for name in ("p50", "p95") for mark in _mark(name, rows)]


def _mark(name: str, rows: Iterable[Spec]) -> list[Spec]:
    mine = [row for row in rows if row["name"] == name]
    side = {"align": "right", "dx": 5} if name == "p50" else {"align": "left", "dx": -5}
    x = {"field": "x", "type": "quantitative"}
    ends = {"y": {"field": "y", "type": "quantitative"}, "y2": {"field": "y2"}}
    place = {"y": {"field": "top", "type": "quantitative"}, "text": {"field": "name"}}
    return [
        {"data": {"values": mine}, "mark": {"type": "rule", "color": INK, "strokeWidth": 2},
         "encoding": {"x": x, **ends}},
        {"data": {"values": mine}, "mark": {"type": "text", **side},
         "encoding": {"x": x, **place}},
    ]  # fmt: skip


def _limits(targets: Sequence[Target], unit: str) -> list[Spec]:
    rows = [
        {"x": t.limit, "top": 1.85, "said": f"{t.function} {t.operator} {measured(t.limit, unit)}"}
        for t in targets
    ]
    x, red = {"field": "x", "type": "quantitative"}, COLOURS[Tone.BAD]
    text = {"type": "text", "align": "left", "dx": 5, "color": red}
    place = {"y": {"field": "top", "type": "quantitative"}, "text": {"field": "said"}}
    return [
        {"data": {"values": rows}, "mark": {"type": "rule", "strokeDash": [5, 4], "color": red},
         "encoding": {"x": x}},
        {"data": {"values": rows}, "mark": text, "encoding": {"x": x, **place}},
    ]  # fmt: skip

"""Charts of probes as Vega-Lite specs: the waterfall of one execution, and a load's figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from data.records.load_figures import LoadFigures, Spread, StageFigures
from data.records.trace import Span
from data.report.loads import per_second
from data.report.tones import COLOURS, Tone
from data.report.wording import clip, measured, plain
from data.rules.load.histogram import percentile
from data.rules.quantiles import samples_needed

Spec = dict[str, Any]
_WIDTH = 820
_LANES = 200  # width of the labels at the left of a waterfall
_SHARES = (0.0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 0.9995, 0.9999)
_SHOWN = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
_LINES = [COLOURS[Tone.GOOD], COLOURS[Tone.WATCH], COLOURS[Tone.WARN], COLOURS[Tone.MUTE]]


def took_ms(span: Span) -> float:
    """How long a span took."""
    return (span.end_s - span.start_s) * 1000


def waterfall(trace: Sequence[Span]) -> Spec:
    """One bar a span, in order; the one that the execution failed in is red and says so."""
    rows = [
        {
            "lane": f"{at}. {clip(plain(span.name), 30)}",
            "a": span.start_s * 1000,
            "b": span.end_s * 1000,
            "ok": "as expected" if span.ok else "failed here",
            "said": ("" if span.ok else "✕ ") + measured(took_ms(span), "ms"),
        }
        for at, span in enumerate(trace, 1)
    ]
    names = [row["lane"] for row in rows]
    x = {"type": "quantitative", "scale": {"nice": False}, "title": "ms since the start"}
    axis = {"domain": False, "ticks": False, "labelPadding": 8, "minExtent": _LANES}
    lane = {"field": "lane", "type": "nominal", "sort": names, "title": None, "axis": axis}
    return {
        "width": _WIDTH - 60,
        "height": {"step": 20},
        "data": {"values": rows},
        "encoding": {"y": lane},
        "layer": [_bars(x), _words(x)],
    }


def _bars(x: Spec) -> Spec:
    tones = {"as expected": COLOURS[Tone.WATCH], "failed here": COLOURS[Tone.BAD]}
    colour = _colour("ok", {"domain": list(tones), "range": list(tones.values())}, None)
    return {
        "mark": {"type": "bar", "height": 12, "cornerRadius": 2, "minBandSize": 2},
        "encoding": {"x": {"field": "a", **x}, "x2": {"field": "b"}, "color": colour},
    }


def _words(x: Spec) -> Spec:
    mark = {"type": "text", "align": "left", "dx": 6}
    return {"mark": mark, "encoding": {"x": {"field": "b", **x}, "text": {"field": "said"}}}


def over_time(rows: Sequence[tuple[float, int, float, float]]) -> Spec:
    """p50 and p99 of each second of a load."""
    points = [
        {"x": second, "y": value, "what": name}
        for second, _, p50, p99 in rows
        for name, value in (("p50", p50), ("p99", p99))
    ]
    return _lines(points, ["p50", "p99"], _axis("seconds since the start"))


def curve(stages: Sequence[StageFigures], metric: str) -> Spec:
    """Latency by percentile, one line a stage; no further out than there are samples for."""
    points = [
        {"x": 1 / (1 - share), "y": value, "what": _name(at, stage)}
        for at, stage in enumerate(stages, 1)
        if metric in stage.spreads
        for share, value in _points(stage.spreads[metric])
    ]
    ticks = [2, 10, 100, 1000, 10000]
    label = "'p' + format(100 - 100 / datum.value, '~g')"
    x = {**_axis("percentile, each step ten times rarer"), "scale": {"type": "log"}}
    x["axis"] = {"values": ticks, "labelExpr": label}
    return _lines(points, [_name(at, stage) for at, stage in enumerate(stages, 1)], x)


def _points(spread: Spread) -> list[tuple[float, float]]:
    shares = (share for share in _SHARES if share == 0 or spread.n >= samples_needed(share))
    found = ((share, percentile(spread, share)) for share in shares)
    return [(share, value) for share, value in found if value is not None]


def ladder(load: LoadFigures, metric: str) -> Spec:
    """Percentiles of each stage, in order; under each its rate and what failed."""
    names = [_rung(at, stage) for at, stage in enumerate(load.stages, 1)]
    points = [
        {"x": name, "y": value, "what": what}
        for name, stage in zip(names, load.stages, strict=True)
        if (spread := stage.spreads.get(metric))
        for what, share in _SHOWN.items()
        if spread.n >= samples_needed(share)
        and (value := percentile(spread, share)) is not None
    ]  # fmt: skip
    x: Spec = {"type": "ordinal", "sort": names, "title": None, "scale": {"domain": names}}
    x["axis"] = {"labelAngle": 0, "labelExpr": "split(datum.label, ' | ')", "labelLimit": 150}
    return _lines(points, list(_SHOWN), x)


def _rung(at: int, stage: StageFigures) -> str:
    failed = f"{stage.n_failed} failed" if stage.n_failed else stage.outcome.replace("_", " ")
    return f"{_name(at, stage)} | {per_second(stage):.0f}/s ended | {failed}"


def _name(at: int, stage: StageFigures) -> str:
    return f"{at}. {stage.label}"


def _axis(title: str) -> Spec:
    return {"type": "quantitative", "scale": {"nice": False}, "title": title}


def _lines(points: Sequence[Spec], names: Sequence[str], x: Spec) -> Spec:
    scale = {"domain": list(names), "range": [_LINES[at % len(_LINES)] for at in range(len(names))]}
    legend = {"orient": "top", "title": None, "symbolType": "stroke"}
    return {
        "width": _WIDTH,
        "height": 180,
        "data": {"values": list(points)},
        "mark": {"type": "line", "point": {"size": 22}, "strokeWidth": 2},
        "encoding": {
            "x": {"field": "x", **x},
            "y": {"field": "y", "type": "quantitative", "title": "ms", "axis": {"tickCount": 6}},
            "color": _colour("what", scale, legend),
            "strokeDash": {"field": "what", "type": "nominal", "legend": None},
        },
    }


def _colour(field: str, scale: Spec, legend: Spec | None) -> Spec:
    return {"field": field, "type": "nominal", "scale": scale, "legend": legend}

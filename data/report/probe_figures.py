"""The figures of probes: how one execution went, and what a load showed."""

from __future__ import annotations

from collections.abc import Iterator

from data.records.facts import ProbeResult
from data.records.load_figures import LoadFigures
from data.report import probe_charts as charts
from data.report.drawing import Figure, figure
from data.report.loads import per_second
from data.report.sheet import Sheet
from data.report.wording import counted, measured, plain
from data.rules.load.histogram import percentile

_MOST_WATERFALLS = 8
_MOST_LOADS = 4


def probe_figures(sheet: Sheet, first: int) -> tuple[Figure, ...]:
    """Waterfalls, those of failures first, then loads; `first` is the ordinal of the first chart.

    Of each probe the last attempt is shown.
    """
    last = {(one.phase, one.probe): one for one in sorted(sheet.evidence.probes, key=_attempt)}
    walked = sorted((one for one in last.values() if one.trace), key=lambda one: one.trace[-1].ok)
    loaded = [one for one in last.values() if one.load and one.load.stages]
    drawn = [*(_waterfall(one) for one in walked[:_MOST_WATERFALLS])]
    drawn += [each for one in loaded[:_MOST_LOADS] if one.load for each in _load(one, one.load)]
    return tuple(figure(*one, first + at) for at, one in enumerate(drawn))


def _attempt(result: ProbeResult) -> int:
    return result.attempt


Drawn = tuple[charts.Spec, str, str]


def _waterfall(result: ProbeResult) -> Drawn:
    trace = result.trace
    took = measured((trace[-1].end_s - trace[0].start_s) * 1000, "ms")
    slowest = max(trace, key=charts.took_ms)
    parts = [f"{counted(len(trace), 'wait')} in {took}",
             f"the longest: {plain(slowest.name)} of step {plain(slowest.step)}"]  # fmt: skip
    end = "the one that passed first" if trace[-1].ok else "the one that failed first"
    if not trace[-1].ok:
        parts.append(f"failed at step {plain(trace[-1].step)}: {plain(trace[-1].name)}")
    title = f"{plain(result.probe)}: one execution, {end}"
    return charts.waterfall(trace), title, f"{' · '.join(parts)}."


def _load(result: ProbeResult, load: LoadFigures) -> Iterator[Drawn]:
    metric = _widest(load)
    if not metric:
        return
    name = f"{plain(result.probe)}, {plain(metric)}"
    warning = f" INVALID: {plain(load.invalid)}." if load.invalid else ""
    if rows := load.timeline.get(metric):
        worst = max(rows, key=lambda row: row[3])
        said = f"The slowest second is {worst[0]:g}, with p99 {measured(worst[3], 'ms')}.{warning}"
        yield charts.over_time(rows), f"{name}: latency over time", said
    said = f"One line a stage, as far out as its samples allow.{warning}"
    yield charts.curve(load.stages, metric), f"{name}: latency by percentile", said
    if len(load.stages) > 1:
        yield charts.ladder(load, metric), f"{name}: stage by stage", _ladder(load) + warning


def _ladder(load: LoadFigures) -> str:
    parts = [f"{one.label} ended {per_second(one):.1f}/s" for one in load.stages]
    knee = f"The knee is at {load.knee}." if load.knee else "No knee was found."
    fails = f" The first stage that fails is {load.first_failing}." if load.first_failing else ""
    return plain(f"{'; '.join(parts)}. {knee}{fails}")


def _widest(load: LoadFigures) -> str:
    """The metric with the largest median, of those from the intended start: the whole, mostly."""
    medians = {
        name: percentile(spread, 0.5) or 0.0
        for stage in load.stages
        for name, spread in stage.spreads.items()
        if not name.endswith(".actual") and spread.n
    }
    return max(medians, key=lambda name: medians[name], default="")

"""Names of the metrics that a probe feeds."""

from __future__ import annotations

from data.records.probe_plan import HttpProbe, JourneyProbe, steps_of
from data.records.step_plan import ExpectStep, HttpStep, OpenStep, PythonStep, StreamStep

_TALKING = (HttpStep, OpenStep, StreamStep)


def metrics_of(probe: HttpProbe | JourneyProbe) -> tuple[str, ...]:
    """Names of the metrics that a probe feeds, in the order of its steps, each once.

    Under arrivals, times that count from the intended start come with those from the actual one.
    """
    known = tuple(dict.fromkeys(metrics_of_steps(probe)))
    return (*known, *_from_actual_start(probe))


def metrics_of_steps(probe: HttpProbe | JourneyProbe) -> tuple[str, ...]:
    """The same, once for each time that one execution feeds it."""
    names: list[str | None] = []
    for step in steps_of(probe):
        action = step.action
        if isinstance(action, (*_TALKING, PythonStep)):
            names.append(action.metric)
        if isinstance(action, ExpectStep):
            names += [action.metrics.first, action.metrics.last]
    if probe.load and probe.load.soak:
        names += [probe.load.soak.reconnect, probe.load.soak.recovery]
    names.append(probe.total_metric if isinstance(probe, JourneyProbe) else None)
    return tuple(name for name in names if name)


def _from_actual_start(probe: HttpProbe | JourneyProbe) -> tuple[str, ...]:
    if probe.load is None or not probe.load.is_open:
        return ()
    talking = [
        s.action for s in steps_of(probe) if isinstance(s.action, HttpStep | OpenStep | StreamStep)
    ]
    first = talking[0].metric if talking else None
    total = probe.total_metric if isinstance(probe, JourneyProbe) else None
    return tuple(f"{name}.actual" for name in dict.fromkeys((first, total)) if name)


def main_metric(probe: HttpProbe | JourneyProbe) -> str | None:
    """The metric that stands for the whole: the journey's total, else the last one of its steps."""
    total = probe.total_metric if isinstance(probe, JourneyProbe) else None
    names = [name for name in metrics_of(probe) if not name.endswith(".actual")]
    return total or (names[-1] if names else None)

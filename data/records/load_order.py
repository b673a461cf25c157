"""What the processes of a load are told and what they tell, as JSON lines."""

from __future__ import annotations

from data.records.facts import Failure
from data.records.load_figures import GeneratorWatch, SoakFigures, Spread
from data.records.orders import ProbeOrder
from data.records.record import Record
from data.records.trace import Span


class LoadOrder(Record):
    """The part of a load that one process carries.

    Attributes:
        part: which of `parts` processes this is, from 0.
        most_samples: raw samples that are kept of each metric; of more, every second, fourth ...
    """

    order: ProbeOrder
    part: int = 0
    parts: int = 1
    most_samples: int = 10_000


class StageTold(Record):
    """One stage as one process saw it."""

    n_intended: int = 0
    n: int = 0
    n_failed: int = 0
    in_flight: int = 0
    duration_s: float = 0.0
    spreads: dict[str, Spread] = {}


class CountedFailure(Record):
    """The failures of one step and signature: how many, and the first of them."""

    n: int
    first: Failure


class LoadProgress(Record):
    """How far one process is, about twice a second.

    Attributes:
        elapsed_s: since the load's start.
        recent: times of the journey's main metric since the last progress.
    """

    elapsed_s: float
    stage: int
    n: int
    n_failed: int
    in_flight: int
    recent: Spread = Spread()


class KeptSample(Record):
    """One raw sample: metric, seconds since the load's start, time in ms."""

    metric: str
    at_s: float
    value_ms: float
    ok: bool


class LoadEnd(Record):
    """All that one process measured.

    Attributes:
        seconds: metric -> (second, distribution of what started in it) rows.
        trace: the course of its first execution that failed, else of its first.
        error: why the process could not do its part: the plan's or the gate's fault.
    """

    stages: tuple[StageTold, ...] = ()
    trace: tuple[Span, ...] = ()
    watch: GeneratorWatch = GeneratorWatch()
    failures: tuple[CountedFailure, ...] = ()
    samples: tuple[KeptSample, ...] = ()
    seconds: dict[str, tuple[tuple[int, Spread], ...]] = {}
    soak: SoakFigures | None = None
    error: str = ""

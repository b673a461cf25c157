"""What came of a load."""

from __future__ import annotations

from typing import Literal

from data.records.record import Record


class Spread(Record):
    """A distribution of times in ms, with three significant digits.

    Attributes:
        counts: (bucket, how many); what a bucket means is in `data/rules/load/histogram.py`.
    """

    n: int = 0
    sum_ms: float = 0.0
    min_ms: float | None = None
    max_ms: float | None = None
    counts: tuple[tuple[int, int], ...] = ()


class GeneratorWatch(Record):
    """How the generator itself did, of which the target knows nothing.

    Attributes:
        late: how late executions started by the generator's own doing.
        lag: how late the event loop came to a timer, measured all the time.
        cpu_share: of one core, the busiest process's.
    """

    late: Spread = Spread()
    lag: Spread = Spread()
    cpu_share: float = 0.0


class SoakFigures(Record):
    """What became of sockets and messages in a soak.

    Attributes:
        n_drops: sockets that were lost.
        n_returns: those that were opened again.
        n_vain: tries to open one that failed.
        n_late: messages that were due while there was no socket, and answered afterwards.
        n_lost: messages that were sent and never answered.
        n_unsent: messages that were due and never could be sent.
        n_duplicated: messages that were answered more than once.
    """

    n_drops: int = 0
    n_returns: int = 0
    n_vain: int = 0
    n_late: int = 0
    n_lost: int = 0
    n_unsent: int = 0
    n_duplicated: int = 0

    def plus(self, other: SoakFigures) -> SoakFigures:
        """Both together."""
        names = type(self).model_fields
        return SoakFigures(**{name: getattr(self, name) + getattr(other, name) for name in names})


class StageFigures(Record):
    """What one stage came to.

    Attributes:
        label: `50/s`, `50/s to 200/s` or `20 users`.
        n: executions that ended, of `n_intended` that should have started in it (open model).
        in_flight: the most at once.
        spreads: metric -> times of executions that passed.
    """

    label: str
    duration_s: float
    n_intended: int | None = None
    n: int = 0
    n_failed: int = 0
    in_flight: int = 0
    spreads: dict[str, Spread] = {}
    outcome: Literal["PASS", "FAIL", "INVALID", "NOT_RUN"] = "NOT_RUN"
    reason: str = ""


class LoadFigures(Record):
    """The whole of one load.

    Attributes:
        invalid: why the figures say nothing about the target; "" when they do.
        knee: label of the last stage before latency left the others behind; "" without one.
        first_failing: label of the first stage that failed; "" without one.
        timeline: metric -> (second, n, p50, p99) rows, latencies in ms.
        soak: what became of sockets and messages, where users stay.
    """

    model: Literal["open", "closed"]
    processes: int = 1
    duration_s: float = 0.0
    stages: tuple[StageFigures, ...] = ()
    watch: GeneratorWatch = GeneratorWatch()
    invalid: str = ""
    knee: str = ""
    first_failing: str = ""
    timeline: dict[str, tuple[tuple[float, int, float, float], ...]] = {}
    soak: SoakFigures | None = None

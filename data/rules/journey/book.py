"""What one execution of a journey knows so far."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import NamedTuple

from data.rules.journey.moves import Broke, Decision, Event, Refused
from data.rules.journey.signatures import Problem
from data.rules.journey.sockets import refused

Walk = Generator[Decision, Event, Problem | None]
"""A step: yields decisions, is sent events, returns its problem, if any."""


class Measurement(NamedTuple):
    """One time that a journey measured."""

    metric: str
    value_ms: float


class Book:
    """Variables, times and measurements of one execution.

    Attributes:
        names: variables by name, captures included.
        now_s: when the last event happened.
        sent_s: when the last message was sent, or the socket opened.
        late_s: how much later than intended the execution started; None where nothing was
            intended. Times from the start then count from the intended one, and the time from the
            actual one is kept beside it as `metric.actual` (coordinated omission).
    """

    def __init__(
        self, names: Mapping[str, str], started_s: float, late_s: float | None = None
    ) -> None:
        self.names = dict(names)
        self.now_s = started_s
        self.sent_s = started_s
        self.late_s = late_s
        self.measurements: list[Measurement] = []
        self._is_first = True

    def measure(self, metric: str | None, since_s: float, until_s: float) -> None:
        """Note a time, where the plan has a name for it."""
        if metric is not None:
            self.measurements.append(Measurement(metric, (until_s - since_s) * 1000))

    def measure_request(self, metric: str | None, since_s: float, until_s: float) -> None:
        """Note the time of a request or an opening; the journey's first counts from its start."""
        if self._is_first and self.late_s is not None:
            self.measure_whole(metric, since_s - self.late_s, until_s)
        else:
            self.measure(metric, since_s, until_s)
        self._is_first = False

    def measure_whole(self, metric: str | None, started_s: float, until_s: float) -> None:
        """Note a time that counts from the intended start, and the one from the actual start."""
        self.measure(metric, started_s, until_s)
        if metric is not None and self.late_s is not None:
            self.measure(f"{metric}.actual", started_s + self.late_s, until_s)


def unexpected(event: Event) -> Problem:
    """The problem of an event that ends a step whatever it wanted."""
    if isinstance(event, Broke):
        return Problem(event.signature, event.message)
    if isinstance(event, Refused):
        return refused(event)
    return Problem("gate/unexpected-event", f"the driver answered with {event!r}")


Function = Callable[[Book], Walk]
"""A step that the plan's author wrote."""

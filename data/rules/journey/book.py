"""What one execution of a journey knows so far."""

from __future__ import annotations

from collections.abc import Generator, Mapping
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
    """

    def __init__(self, names: Mapping[str, str], started_s: float) -> None:
        self.names = dict(names)
        self.now_s = started_s
        self.sent_s = started_s
        self.measurements: list[Measurement] = []

    def measure(self, metric: str | None, since_s: float, until_s: float) -> None:
        """Note a time, where the plan has a name for it."""
        if metric is not None:
            self.measurements.append(Measurement(metric, (until_s - since_s) * 1000))


def unexpected(event: Event) -> Problem:
    """The problem of an event that ends a step whatever it wanted."""
    if isinstance(event, Broke):
        return Problem(event.signature, event.message)
    if isinstance(event, Refused):
        return refused(event)
    return Problem("gate/unexpected-event", f"the driver answered with {event!r}")

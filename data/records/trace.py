"""The course of one execution of a probe, as a waterfall shows it."""

from __future__ import annotations

from data.records.record import Record


class Span(Record):
    """What an execution waited for: a request, a connection, the next event.

    Attributes:
        step: the plan's step, such as `3 expect`.
        name: what ended the wait: an event's name, `sent`, `closed 1011`, `silence`.
        start_s: since the start of the execution; `end_s` likewise.
        ok: False for the span that the execution failed in.
    """

    step: str
    name: str
    start_s: float
    end_s: float
    ok: bool = True

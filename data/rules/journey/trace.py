"""Spans of one execution, from what its machine decided and what it was told."""

from __future__ import annotations

from collections.abc import Sequence

from data.records.step_plan import ExpectStep, Step
from data.records.trace import Span
from data.rules.journey.machine import label
from data.rules.journey.moves import (
    Broke,
    Closed,
    Event,
    Message,
    Minted,
    Opened,
    Refused,
    Responded,
    Sent,
)
from data.rules.journey.signatures import words
from data.rules.journey.sockets import how
from data.rules.journey.values import MISSING, as_text, look_up, parse

MOST_SPANS = 60


Moment = tuple[int, Event]
"""The ordinal of a step, counted from 1, and an event that was for it."""


def spans(
    steps: Sequence[Step], moments: Sequence[Moment], started_s: float, passed: bool
) -> tuple[Span, ...]:
    """One span a moment, each from the end of the one before; at most 60, the last ones.

    Names never hold a value of the plan: addresses stand as templates, ids as `#`.
    """
    found, before_s = [], started_s
    for ordinal, event in moments:
        step = steps[ordinal - 1]
        ended_s = max(before_s, event.t_s)
        name = _name(step, event)
        found.append(
            Span(
                step=label(ordinal, step),
                name=name,
                start_s=round(before_s - started_s, 6),
                end_s=round(ended_s - started_s, 6),
            )
        )
        before_s = ended_s
    if found and not passed:
        found[-1] = found[-1].model_copy(update={"ok": False})
    return tuple(found[-MOST_SPANS:])


def _name(step: Step, event: Event) -> str:
    match event:
        case Responded(status):
            return f"HTTP {status}"
        case Opened():
            return "open"
        case Refused(status):
            return f"refused with HTTP {status}"
        case Broke(signature):
            return signature
        case Message():
            return _message(step, event)
        case Closed():
            return words(how(event)) if event.by != "answer" else "closed"
        case Sent():
            return "sent"
        case Minted():
            return "token"
    return "pause" if step.verb == "think" else "silence"


def _message(step: Step, event: Message) -> str:
    action = step.action
    path = action.type if isinstance(action, ExpectStep) else "type"
    found = look_up(parse(event.payload), path)
    theirs = "" if found is MISSING else as_text(found)
    name = action.rename.get(theirs, theirs) if isinstance(action, ExpectStep) else theirs
    return words(name) or "message"

"""The names in a probe: which templates it uses and defines, which keys it needs."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from data.records.field_rule import TEMPLATE
from data.records.probe_plan import HttpProbe, JourneyProbe, steps_of
from data.records.record import Record
from data.records.step_plan import (
    BUILT_IN,
    Action,
    ExpectStep,
    HttpStep,
    KeyReference,
    OpenStep,
    PythonStep,
    TokenStep,
)


def keys_of(probe: HttpProbe | JourneyProbe) -> tuple[KeyReference, ...]:
    """The signing keys that must be in `ProbeOrder.variables`, each under its `variable`."""
    return tuple(step.token.key for step in steps_of(probe) if step.token)


@dataclass(frozen=True, slots=True)
class TemplateNames:
    """Names that a probe's templates use, and names that its steps define (in order)."""

    uses: tuple[str, ...]
    defines: tuple[str, ...]


def template_names(probe: HttpProbe | JourneyProbe) -> TemplateNames:
    """All template names a probe uses, and those it defines itself, the built-in ones first."""
    uses = [name for step in steps_of(probe) for name in _used(step.action)]
    defines = [*BUILT_IN, *(name for step in steps_of(probe) for name in _defined(step.action))]
    return TemplateNames(tuple(dict.fromkeys(uses)), tuple(dict.fromkeys(defines)))


def undefined_names(
    probe: HttpProbe | JourneyProbe, known: Collection[str]
) -> tuple[tuple[str, str], ...]:
    """(place, name) of each template that nothing defines before it is used.

    Args:
        known: names of the plan's variables.
    """
    defined = {*BUILT_IN, *known}
    missing = []
    for ordinal, step in enumerate(steps_of(probe)):
        place = f"steps[{ordinal}].{step.verb}" if isinstance(probe, JourneyProbe) else "request"
        own = set(_defined(step.action)) if step.expect else set()
        used = dict.fromkeys(name for name in _used(step.action))
        missing += [(place, name) for name in used if name not in defined | own]
        defined |= set(_defined(step.action))
    return tuple(missing)


def _used(action: Action) -> Iterator[str]:
    document = action.model_dump(mode="json") if isinstance(action, Record) else None
    for text in _strings(document):
        yield from TEMPLATE.findall(text)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in (*value, *value.values()):
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)


def _defined(action: Action) -> Iterator[str]:
    if isinstance(action, HttpStep):
        yield from action.capture
    elif isinstance(action, OpenStep) and action.first:
        yield from action.first.capture
    elif isinstance(action, ExpectStep):
        yield from (name for event in action.events for name in event.capture)
    elif isinstance(action, TokenStep):
        yield action.name
    elif isinstance(action, PythonStep):
        yield from action.defines

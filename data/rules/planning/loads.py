"""Loads stay inside what the plan allows: which services, how fast, how wide, how long."""

from __future__ import annotations

import re
from collections.abc import Iterator

from data.records.load import Arrivals, LoadLimits, LoadTerms
from data.records.plan import Plan
from data.records.probe_plan import HttpProbe, JourneyProbe, steps_of
from data.records.step_plan import HttpStep, OpenStep, StreamStep
from data.rules.load.soak import asks, parts

Found = tuple[tuple[str | int, ...], str, str]
_OF_SERVICE = re.compile(r"^\{\{\s*services\.([A-Za-z0-9_-]+)\.")


def load_faults(plan: Plan) -> Iterator[Found]:
    """(place, fault, hint) of each load that the plan's `load` does not allow."""
    if plan.load:
        for name in plan.load.services:
            if name not in plan.services:
                known = ", ".join(sorted(plan.services))
                yield ("load", "services"), f"unknown service {name!r}", f"the plan has: {known}"
    for p, phase in enumerate(plan.phases):
        for i, probe in enumerate(phase.probes):
            if probe.load:
                place = ("phases", p, "probes", i, "load")
                yield from _of_probe(place, probe, probe.load, plan.load)


def _of_probe(
    place: tuple[str | int, ...], probe: HttpProbe | JourneyProbe, terms: LoadTerms,
    limits: LoadLimits | None,
) -> Iterator[Found]:  # fmt: skip
    if limits is None:
        hint = "say which services may be put under load, and how much, in the plan's `load`"
        yield place, "the plan allows no load", hint
        return
    hint = "lower it, or raise the plan's `load`"
    fastest = max((_fastest(s) for s in terms.stages if isinstance(s, Arrivals)), default=0.0)
    widest = terms.most_in_flight if terms.is_open else max(_users(terms))
    for what, asked, most, unit in (
        ("a rate", fastest, limits.rate, "/s"),
        ("executions at once", widest, limits.in_flight, ""),
        ("a duration", terms.duration_s, limits.duration, " s"),
    ):
        if asked > most:
            yield place, f"{what} of {asked:g}{unit} is more than the {most:g}{unit} allowed", hint
    if terms.soak:
        yield from _of_soak((*place, "soak"), probe)
    for step in steps_of(probe):
        if step.python:
            said = f"nobody can say beforehand where {step.python.function} goes"
            yield place, said, "a load goes only where the plan allows: declare its steps"
    for url in _urls(probe):
        found = _OF_SERVICE.match(url)
        if found is None or found[1] not in limits.services:
            allowed = ", ".join(f"{{{{services.{name}.…}}}}" for name in limits.services)
            yield place, f"{url!r} is no address that may be put under load", f"allowed: {allowed}"


def _of_soak(place: tuple[str | int, ...], probe: HttpProbe | JourneyProbe) -> Iterator[Found]:
    lead, talk = parts(steps_of(probe))
    if not lead or (lead[-1].open and lead[-1].open.refused):
        hint = "a soak is of a journey: steps up to an open socket, then those of one message"
        yield place, "the probe opens no socket for users to stay on", hint
        return
    if not any(step.send for step in talk):
        yield place, "no message is sent on the socket", "add a `send` after the last `open`"
    if not any(asks(step.expect) for step in talk):
        hint = 'let the answer\'s `uses` hold "{{nonce}}": else no answer can be told from another'
        yield place, "no answer is known by its nonce", hint
    for step in talk:
        if step.close:
            yield place, "a message closes the socket", "leave `close` for the journey's last step"


def _fastest(stage: Arrivals) -> float:
    return max(stage.rate, stage.to or 0.0)


def _users(terms: LoadTerms) -> list[int]:
    return [stage.users for stage in terms.stages if not isinstance(stage, Arrivals)]


def _urls(probe: HttpProbe | JourneyProbe) -> list[str]:
    actions = [step.action for step in steps_of(probe)]
    asked = [a.request.url for a in actions if isinstance(a, HttpStep | StreamStep)]
    return [*asked, *(a.url for a in actions if isinstance(a, OpenStep))]

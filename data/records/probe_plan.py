"""Probes as a plan declares them: single requests, and journeys that walk what a user does.

A probe makes `repeat` waves of `concurrency` executions that start together, so
`n = repeat x concurrency`.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from data.records.field_rule import Identifier
from data.records.load import LoadTerms
from data.records.record import Record
from data.records.step_plan import HttpExpectation, HttpRequest, HttpStep, Step
from data.records.units import Seconds, seconds


class ProbeTerms(Record):
    """What all probes have in common.

    `resource_group`: probes and suites of one group never run at the same time.
    """

    id: Identifier
    proves: tuple[str, ...] = ()
    resource_group: str | None = None
    timeout: Seconds = Field(seconds("60s"), description="the whole probe, retries included")
    retries: int = Field(1, ge=0, le=3, description="new tries of failed executions")
    repeat: int = Field(1, ge=1, le=10_000, description="waves of `concurrency` executions")
    concurrency: int = Field(1, ge=1, le=500, description="executions that start together")
    warm_up: int = Field(0, ge=0, le=1_000, description="executions before, not counted")
    load: LoadTerms | None = Field(
        None, description="a load in place of repeat, concurrency, retries and timeout"
    )


class HttpProbe(ProbeTerms):
    """One request, asked and judged; `metric` gets its latencies in ms."""

    kind: Literal["http"]
    request: HttpRequest
    expect: HttpExpectation = HttpExpectation()
    metric: Identifier | None = None


class JourneyProbe(ProbeTerms):
    """What a user does, step by step; `total_metric` gets the time of the whole in ms."""

    kind: Literal["journey"]
    steps: tuple[Step, ...] = Field(min_length=1)
    total_metric: Identifier | None = None

    @model_validator(mode="after")
    def _socket_is_there(self) -> Self:
        is_open = is_streaming = False
        if any(step.python for step in self.steps):
            return self  # what a function opens and closes is seen when it runs
        for ordinal, step in enumerate(self.steps, 1):
            has_ear = is_open or (is_streaming and step.verb == "expect")
            if step.verb in ("send", "expect", "close") and not has_ear:
                wanted = "socket or stream" if step.verb == "expect" else "socket"
                raise ValueError(f"step {ordinal}: {step.verb} needs an open {wanted}")
            if step.verb in ("open", "stream") and is_open:
                raise ValueError(f"step {ordinal}: a socket is already open; close it first")
            is_streaming = step.verb == "stream" or (is_streaming and step.verb != "open")
            is_open = (step.open.refused is None) if step.open else is_open and not step.close
        return self


ProbePlan = Annotated[HttpProbe | JourneyProbe, Field(discriminator="kind")]


def steps_of(probe: HttpProbe | JourneyProbe) -> tuple[Step, ...]:
    """The steps of a probe; an http probe is a journey of one step."""
    if isinstance(probe, JourneyProbe):
        return probe.steps
    step = HttpStep(request=probe.request, expect=probe.expect, metric=probe.metric)
    return (Step(http=step),)

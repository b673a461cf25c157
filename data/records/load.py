"""Load as a plan declares it.

Open model: executions start at times that the plan fixes, however slow the target answers; a
latency counts from that *intended* start, so that a target which stalls cannot hide (coordinated
omission). Closed model: so many users, each of whom starts anew when it has finished.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, ValidationInfo, WithJsonSchema, model_validator

from data.records.field_rule import Identifier
from data.records.record import Record
from data.records.units import Seconds, Share, seconds

_RATE = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*/\s*(s|min|m|h)\s*$")
_PER_S = {"s": 1.0, "min": 1 / 60, "m": 1 / 60, "h": 1 / 3600}
MOST_PROCESSES = 64


def parse_rate(value: Any) -> float:
    """Executions a second from `50/s`, `300/min` or `100/h`.

    Raises:
        ValueError: no unit, or not above zero.
    """
    match = _RATE.match(value) if isinstance(value, str) else None
    if match is None or float(match[1]) <= 0:
        raise ValueError(f"expected a rate above 0 such as 50/s or 300/min, got {value!r}")
    return float(match[1]) * _PER_S[match[2]]


def _rate(value: Any, info: ValidationInfo) -> float:
    if info.mode == "json" and isinstance(value, int | float):
        return float(value)
    return parse_rate(value)


Rate = Annotated[
    float,
    BeforeValidator(_rate),
    WithJsonSchema(
        {"type": "string", "pattern": r"^\d+(\.\d+)? ?/ ?(s|min|m|h)$", "examples": ["50/s"]}
    ),
]


class Arrivals(Record):
    """One stage of the open model: a fixed rate, or a ramp from `rate` to `to`."""

    rate: Rate = Field(description="executions that start in a time, whatever the answers do")
    to: Rate | None = Field(None, description="the rate at the stage's end: a ramp")
    duration: Seconds = Field(alias="for", gt=0, description="how long the stage takes")
    explore: bool = Field(False, description="the stage only looks for the limit and may fail")

    @property
    def n(self) -> float:
        """Executions that start in the stage; a fraction is carried into the next one."""
        return (self.rate + (self.rate if self.to is None else self.to)) / 2 * self.duration


class Users(Record):
    """One stage of the closed model: so many users, each one execution after the other."""

    users: int = Field(ge=1, le=100_000, description="executions at any moment")
    duration: Seconds = Field(alias="for", gt=0, description="how long the stage takes")
    explore: bool = Field(False, description="the stage only looks for the limit and may fail")


Stage = Arrivals | Users


class Soak(Record):
    """Users who stay: each opens its socket once, sends a message every so often, and comes back.

    The steps after the journey's last `open` are one message, and a fresh nonce belongs to each.
    A socket that is lost is opened again, by all steps up to that `open`, after a back-off with
    jitter. What fell due meanwhile is sent then, late. What was sent and never answered is lost;
    what was answered twice is duplicated.
    """

    every: Seconds = Field(gt=0, description="how often a message of each user is due")
    back_off: Seconds = Field(
        seconds("200ms"), gt=0, description="before the first try to come back; doubled after each"
    )
    most_back_off: Seconds = Field(seconds("10s"), gt=0, description="longest wait between tries")
    resend: bool = Field(
        False, description="send what got no answer again after coming back, as many clients do"
    )
    reconnect: Identifier = Field(
        "reconnect", description="name of the time from a loss to the open socket"
    )
    recovery: Identifier = Field(
        "recovery", description="name of the time from a loss to the next answer"
    )


class LoadTerms(Record):
    """How often and how wide a probe is executed, in place of `repeat` and `concurrency`."""

    stages: tuple[Stage, ...] = Field(
        min_length=1, description="arrivals or users, one after the other; each is judged by itself"
    )
    most_in_flight: int = Field(
        100, ge=1, le=100_000, description="executions at once; later ones wait, and that counts"
    )
    processes: int = Field(
        1,
        ge=1,
        le=MOST_PROCESSES,
        description="processes that share the load, for more than one core",
    )
    dask: str | None = Field(
        None,
        pattern=r"^(tcp|tls|ws|wss)://",
        description="address of a Dask scheduler, such as tcp://dask:8786, on whose workers the "
        "processes run; absent: on this machine",
    )
    drain: Seconds = Field(
        seconds("10s"), description="how long executions may go on after the last stage"
    )
    fails_at: Share = Field(0.01, description="share of failed executions from which a stage fails")
    stop_at_failure: bool = Field(
        False, description="leave out the stages after the first that fails: a ladder ends there"
    )

    soak: Soak | None = Field(
        None, description="users stay on their sockets and come back when they lose them"
    )

    @model_validator(mode="after")
    def _one_model(self) -> Self:
        if self.soak and any(isinstance(stage, Arrivals) for stage in self.stages):
            raise ValueError("expected stages with users: a soak is of users who stay")
        if len({type(stage) for stage in self.stages}) > 1:
            raise ValueError("expected stages of one kind: all with rate, or all with users")
        return self

    @property
    def is_open(self) -> bool:
        """Whether the schedule, and not the answers, decides when executions start."""
        return isinstance(self.stages[0], Arrivals)

    @property
    def duration_s(self) -> float:
        """All stages together, without the drain."""
        return sum(stage.duration for stage in self.stages)


class LoadLimits(Record):
    """The most that the probes of a plan may ask of a target. Without it there is no load."""

    services: tuple[str, ...] = Field(
        min_length=1, description="services of the plan that may be put under load"
    )
    rate: Rate = Field(100.0, description="most executions that start in a time")
    in_flight: int = Field(500, ge=1, description="most executions at once")
    duration: Seconds = Field(seconds("10m"), description="longest load of one probe")

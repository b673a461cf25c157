"""A rule over evidence that a plan declares."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from data.records.field_rule import Identifier
from data.records.record import Record
from data.records.units import Seconds
from data.records.words import Priority


class Criterion(Record):
    """A declared rule over evidence, beside the one that every suite and probe carries."""

    id: Identifier
    priority: Priority
    rule: str = Field(
        description="such as p95(message) < 2 s; joined by and, or and brackets; a number with a"
        " sign is relative to the promoted runs"
    )
    warn: str = Field(
        "", description="a stricter rule: where only `rule` is satisfied, the run is watched"
    )
    title: str = ""
    proves: tuple[str, ...] = ()
    samples: int | None = Field(
        None, ge=1, description="so many samples, or tests, at least; with fewer not evaluated"
    )
    window: Seconds | None = Field(
        None, description="the samples must span so long at least, else it is not evaluated"
    )
    no_data: Literal["hold", "watch"] | None = Field(
        None,
        description="without enough evidence; absent: P1 and P2 hold, P3 is watched. P1 only holds",
    )
    weight: float = Field(
        0.0, ge=0, le=1000, description="in the score of the report, which decides nothing"
    )
    dry_run: bool = Field(False, description="judged and reported, but decides nothing")

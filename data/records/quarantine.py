"""A test whose failures an owner has taken over until a day."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from data.records.field_rule import Identifier
from data.records.record import Record

_DAY = re.compile(r"^\d{4}-\d{2}-\d{2}$")
Said = Annotated[str, Field(pattern=r"\S", max_length=500)]


def _day(value: Any) -> Any:
    """Only a written day: pydantic alone would read 20261231 as seconds since 1970."""
    if type(value) is date or (isinstance(value, str) and _DAY.match(value)):
        return value
    raise ValueError(f"expected a day such as 2026-12-31, got {value!r}")


Day = Annotated[date, BeforeValidator(_day)]


class Quarantine(Record):
    """Until its day has passed (UTC), a failure of the test is shown and does not hold by itself.

    Never for a suite of a P1 phase, and never for a criterion of priority P1.
    """

    suite: Identifier = Field(description="id of a suite in a P2 or P3 phase")
    test: Said = Field(description="whole id of the test, or its end after `::` or `/`")
    owner: Said = Field(description="who will repair the test; the report names them")
    until: Day = Field(description="last day of the quarantine, in UTC; then failures count again")
    reason: Said = Field(description="why it may fail until then, for the report")

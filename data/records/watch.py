"""How a deployment that was promoted with watch is looked at again."""

from __future__ import annotations

from pydantic import Field

from data.records.record import Record
from data.records.units import Seconds, seconds


class Watch(Record):
    """P1 is tried again where users are, after PROMOTE_WITH_WATCH, until the watch ends."""

    looks: int = Field(3, ge=1, le=1000, description="good looks in a row that close it")
    most: Seconds = Field(seconds("24h"), description="then people are told that it did not close")

"""How often, and how soon, something that may pass is tried again."""

from __future__ import annotations

from pydantic import Field

from data.records.record import Record
from data.records.units import Seconds, seconds


class Retries(Record):
    """Back-off for failures that may pass; definite ones are never tried again."""

    attempts: int = Field(3, ge=1, le=20)
    first_wait: Seconds = seconds("1s")

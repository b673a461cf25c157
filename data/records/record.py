"""What every record is: frozen, closed, with aware times."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict


def _utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("expected a time with a zone, such as 2026-01-31T12:00:00Z")
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("expected a time that is from year 1 to 9999 in UTC, too") from None


AwareUtc = Annotated[datetime, AfterValidator(_utc)]


class Record(BaseModel):
    """A value: equal when its fields are equal, never changed after it was made."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="null")

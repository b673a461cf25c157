"""Money with currency and period."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from data.records.record import Record
from data.records.units import Money
from data.records.words import Priority

Period = Literal["day", "week", "month", "year"]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$", description="ISO 4217, such as USD")]


class Amount(Record):
    """So much money in each period."""

    amount: Money
    currency: Currency
    per: Period


class Revenue(Amount):
    """The whole, and what the plan says that each priority protects of it."""

    protected: dict[Priority, Amount] = {}
    delay: Amount | None = Field(None, description="what it costs to hold a release while it waits")
    harm: Amount | None = Field(
        None, description="what it costs to serve a broken one; absent: the revenue at risk"
    )

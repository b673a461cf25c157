"""What a report told of many tests at once."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from data.records.facts import Fact
from data.records.record import AwareUtc


class Totals(Fact):
    """Totals that a report told, whether or not its tests are known one by one.

    They are what somebody said, no evidence: nothing that is judged or counted reads them.

    Attributes:
        suite: "" when they are of the whole run.
        n_tests: how many tests the report says there were. The others are None where it says
            nothing, and may come to less than `n_tests`.
    """

    KIND: ClassVar[str] = "totals"
    KEY: ClassVar[tuple[str, ...]] = ("run_id", "phase", "suite")

    phase: str
    suite: str = ""
    n_tests: int
    n_passed: int | None = None
    n_failed: int | None = None
    n_errors: int | None = None
    n_skipped: int | None = None
    duration_s: float | None = Field(None, description="of the whole report")
    at: AwareUtc

"""What a file of test results says, whoever wrote it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, NamedTuple

from data.records.words import Outcome

ResultFormat = Literal["junit", "ctrf", "playwright"]


class Ran(NamedTuple):
    """When a test ran, by a file that tells it exactly; seconds since 1970.

    Attributes:
        starts_s: of each try, in order; at least one.
        end_s: of the last try.
        within_s: how far these may be off, either way.
        lane: tests of one lane ran one after the other, and each may have gone on until the next
            began (what a runner does between tests is nobody's time); "": no lanes are told.
    """

    starts_s: tuple[float, ...]
    end_s: float
    within_s: float
    lane: str = ""


class ReadCase(NamedTuple):
    """One whole test case of a file. A tuple and no `Record`: there are 100,000 of them.

    Attributes:
        test_id: unique within what was read together; a repeated one ends in `#2`.
        message: one line, "" for a pass; detail: what the file says beside it, capped.
        stage: where it ended, as far as the file tells: collect, setup, call or teardown.
        ended_at: from the file's own times; None when it has none.
        ran: when exactly; None where the file has no times of tests that can be relied on.
        findings: what is odd about the case itself.
    """

    test_id: str
    outcome: Outcome
    duration_ms: float | None = None
    message: str = ""
    detail: str = ""
    stage: str = "call"
    ended_at: datetime | None = None
    findings: tuple[str, ...] = ()
    ran: Ran | None = None

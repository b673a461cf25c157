"""What a file of test results says, whoever wrote it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, NamedTuple

from data.records.words import Outcome

ResultFormat = Literal["junit", "ctrf"]


class ReadCase(NamedTuple):
    """One whole test case of a file. A tuple and no `Record`: there are 100,000 of them.

    Attributes:
        test_id: unique within what was read together; a repeated one ends in `#2`.
        message: one line, "" for a pass; detail: what the file says beside it, capped.
        stage: where it ended, as far as the file tells: collect, setup, call or teardown.
        ended_at: from the file's own times; None when it has none.
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

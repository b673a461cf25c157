"""One row of a table of totals → what a report said of a run or suite, or why it cannot be read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import NamedTuple

from data.rules.readers.cells import (
    Unreadable,
    count_of,
    deployment_of,
    duration_ms_of,
    run_id_of,
    texts_of,
    time_of,
    tried,
)

_PARTS = ("passed", "failed", "errors", "skipped")
# What a row can say. The first two it must.
FIELDS = (
    "total", "started_at", *_PARTS, "deployment", "revision", "suite", "duration_s", "duration_ms",
    "plan", "environment",
)  # fmt: skip
REQUIRED = FIELDS[:2]


class ToldTotals(NamedTuple):
    """One row that could be read. Times are UTC, `suite` is "" for the whole run.

    Attributes:
        parts: passed, failed, errors and skipped; None where nothing is said.
    """

    total: int
    started_at: datetime
    deployment: str
    revision: str | None
    suite: str
    parts: tuple[int | None, int | None, int | None, int | None]
    duration_ms: float | None
    plan: str
    environment: str

    @property
    def run_id(self) -> str:
        """See `run_id_of`: the run of the tests that another table tells of the same time."""
        return run_id_of(self.plan, self.environment, self.deployment, self.started_at)


def told_totals(
    row: Mapping[str, object], columns: Mapping[str, str], defaults: Mapping[str, str]
) -> ToldTotals:
    """What a row says; the arguments are those of `told`.

    Parts that come to less than the total are kept as they are told.

    Raises:
        Unreadable: with every reason, such as parts that come to more than the total.
    """
    text = texts_of(row, columns, defaults)
    reasons = [f"no {name}" for name in REQUIRED if not text.get(name)]
    counts = {
        name: tried(reasons, partial(count_of, name), text.get(name, ""))
        for name in ("total", *_PARTS)
    }
    started_at = tried(reasons, time_of, text.get("started_at", ""))
    duration_ms = tried(reasons, duration_ms_of, text)
    total, passed, failed, errors, skipped = counts.values()
    parts = (passed, failed, errors, skipped)
    n_in_parts = sum(count or 0 for count in parts)
    if total is not None and n_in_parts > total:
        reasons.append(f"{n_in_parts:,} in its parts, {total:,} in all")
    if reasons or total is None or started_at is None:
        raise Unreadable(reasons)
    return ToldTotals(
        total, started_at, deployment_of(text, started_at), text.get("revision"),
        text.get("suite", ""), parts, duration_ms, text["plan"], text["environment"],
    )  # fmt: skip

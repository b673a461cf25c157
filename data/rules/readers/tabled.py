"""One row of a table of results → what it says of one test in one run, or why it cannot be read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from data.records.words import Outcome
from data.rules.readers.cells import (
    Unreadable,
    deployment_of,
    duration_ms_of,
    one_line,
    run_id_of,
    texts_of,
    time_of,
    tried,
)

# What a row can say. The first three it must.
FIELDS = (
    "test", "outcome", "started_at", "deployment", "revision", "suite", "attempt", "duration_s",
    "duration_ms", "message", "detail", "plan", "environment",
)  # fmt: skip
REQUIRED = FIELDS[:3]

_WORDS: dict[Outcome, str] = {
    Outcome.PASS: "pass passed ok success successful succeeded green true",
    Outcome.FAIL: "fail failed failure red false",
    Outcome.ERROR: "error errored broken timeout timedout crashed",
    Outcome.SKIPPED: "skip skipped ignored disabled pending todo",
    Outcome.NOT_RUN: "notrun notexecuted cancelled canceled aborted",
    Outcome.FLAKY: "flaky",
}
_OUTCOMES = {word: outcome for outcome, words in _WORDS.items() for word in words.split()}


class Told(NamedTuple):
    """One row that could be read. Texts are stripped; a duration is in ms; times are UTC."""

    test: str
    outcome: Outcome
    started_at: datetime
    deployment: str
    revision: str | None
    suite: str
    attempt: int | None
    duration_ms: float | None
    message: str
    detail: str
    plan: str
    environment: str

    @property
    def run_id(self) -> str:
        """See `run_id_of`."""
        return run_id_of(self.plan, self.environment, self.deployment, self.started_at)


def told(
    row: Mapping[str, object], columns: Mapping[str, str], defaults: Mapping[str, str]
) -> Told:
    """What a row says.

    Args:
        row: by column; values are texts or already typed (Parquet, JSON).
        columns: field → column, of those that the table has.
        defaults: field → value where a row says nothing: plan, environment, suite.

    Raises:
        Unreadable: with every reason.
    """
    text = texts_of(row, columns, defaults)
    reasons = [f"no {name}" for name in REQUIRED if not text.get(name)]
    outcome = tried(reasons, _outcome, text.get("outcome", ""))
    started_at = tried(reasons, time_of, text.get("started_at", ""))
    attempt = tried(reasons, _attempt, text.get("attempt", ""))
    duration_ms = tried(reasons, duration_ms_of, text)
    if reasons or outcome is None or started_at is None:
        raise Unreadable(reasons)
    return Told(
        text["test"], outcome, started_at,
        deployment_of(text, started_at), text.get("revision"),
        text["suite"], attempt, duration_ms, one_line(text.get("message", "")),
        text.get("detail") or text.get("message", ""), text["plan"], text["environment"],
    )  # fmt: skip


def _outcome(word: str) -> Outcome | None:
    if not word:
        return None  # told already
    found = _OUTCOMES.get("".join(c for c in word.lower() if c.isalnum()))
    if found is None:
        raise ValueError(f"outcome {word[:40]!r} is none of {', '.join(Outcome)}, passed, failed …")
    return found


def _attempt(text: str) -> int | None:
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= 1_000:
        raise ValueError(f"attempt {text[:40]!r} is no whole number from 1 to 1,000")
    return int(text)

"""One row of a table of results → what it says of one test in one run, or why it cannot be read."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple, TypeVar

from data.records.words import Outcome

A = TypeVar("A")
R = TypeVar("R")

# What a row can say. The first three it must.
FIELDS = (
    "test", "outcome", "started_at", "deployment", "revision", "suite", "attempt", "duration_s",
    "duration_ms", "message", "detail", "plan", "environment",
)  # fmt: skip
REQUIRED = FIELDS[:3]
_MAX_TEXT = 20_000

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
        """The same for the same plan, environment, deployment and time, so that a second import of
        a file finds its runs."""
        parts = (self.plan, self.environment, self.deployment, self.started_at.isoformat())
        key = "\0".join(parts)
        digest = hashlib.sha256(key.encode()).hexdigest()[:8]
        return f"{self.plan}-{self.started_at:%Y%m%dT%H%M%SZ}-{digest}"


class Unreadable(Exception):
    """Every reason why a row was rejected, one sentence each."""

    def __init__(self, reasons: Iterable[str]) -> None:
        self.reasons = tuple(reasons)
        super().__init__("; ".join(self.reasons))


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
    text = {name: _text(row.get(column)) for name, column in columns.items()}
    text = {**defaults, **{name: value for name, value in text.items() if value}}
    reasons = [f"no {name}" for name in REQUIRED if not text.get(name)]
    outcome = _tried(reasons, _outcome, text.get("outcome", ""))
    started_at = _tried(reasons, _time, text.get("started_at", ""))
    attempt = _tried(reasons, _attempt, text.get("attempt", ""))
    duration_ms = _tried(reasons, _duration_ms, text)
    if reasons or outcome is None or started_at is None:
        raise Unreadable(reasons)
    revision = text.get("revision")
    return Told(
        text["test"], outcome, started_at,
        text.get("deployment") or f"{revision or 'imported'}@{started_at:%Y%m%dT%H%M%SZ}", revision,
        text["suite"], attempt, duration_ms, _one_line(text.get("message", "")),
        text.get("detail") or text.get("message", ""), text["plan"], text["environment"],
    )  # fmt: skip


def _tried(reasons: list[str], read: Callable[[A], R], value: A) -> R | None:
    try:
        return read(value)
    except ValueError as error:
        reasons.append(str(error))
        return None


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value).strip()[:_MAX_TEXT]


def _outcome(word: str) -> Outcome | None:
    if not word:
        return None  # told already
    found = _OUTCOMES.get("".join(c for c in word.lower() if c.isalnum()))
    if found is None:
        raise ValueError(f"outcome {word[:40]!r} is none of {', '.join(Outcome)}, passed, failed …")
    return found


def _time(text: str) -> datetime | None:
    if not text:
        return None  # told already
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"started_at {text[:40]!r} is no ISO 8601 date and time") from None
    try:
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"started_at {text[:40]!r} is out of range") from None


def _attempt(text: str) -> int | None:
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= 1_000:
        raise ValueError(f"attempt {text[:40]!r} is no whole number from 1 to 1,000")
    return int(text)


def _duration_ms(text: Mapping[str, str]) -> float | None:
    for name, ms in (("duration_ms", 1.0), ("duration_s", 1000.0)):
        if given := text.get(name):
            try:
                value = float(given) * ms
            except ValueError:
                raise ValueError(f"{name} {given[:40]!r} is no number") from None
            if not math.isfinite(value) or value < 0:
                raise ValueError(f"{name} {given[:40]!r} is no duration")
            return round(value, 6)
    return None


def _one_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")

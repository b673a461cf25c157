"""Cells of a table of earlier results: texts, times, durations, counts, and why they are none."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import TypeVar

A = TypeVar("A")
R = TypeVar("R")

_MAX_TEXT = 20_000
_MAX_COUNT = 10**9
_MAX_MS = 100 * 365 * 86_400_000.0
_LAST_YEAR = 9_000  # so that an end can be reckoned from a start


class Unreadable(Exception):
    """Every reason why a row was rejected, one sentence each."""

    def __init__(self, reasons: Iterable[str]) -> None:
        self.reasons = tuple(reasons)
        super().__init__("; ".join(self.reasons))


def texts_of(
    row: Mapping[str, object], columns: Mapping[str, str], defaults: Mapping[str, str]
) -> dict[str, str]:
    """Field → stripped text of a row, for fields that it or the defaults say something of.

    Args:
        row: by column; values are texts or already typed (Parquet, JSON).
        columns: field → column, of those that the table has.
        defaults: field → value where a row says nothing.
    """
    text = {name: _text(row.get(column)) for name, column in columns.items()}
    return {**defaults, **{name: value for name, value in text.items() if value}}


def run_id_of(plan: str, environment: str, deployment: str, started_at: datetime) -> str:
    """The same for the same four, so that a second import of a file finds its runs."""
    key = "\0".join((plan, environment, deployment, started_at.isoformat()))
    digest = hashlib.sha256(key.encode()).hexdigest()[:8]
    return f"{plan}-{started_at:%Y%m%dT%H%M%SZ}-{digest}"


def deployment_of(text: Mapping[str, str], started_at: datetime) -> str:
    """As the row says, else its revision (or `imported`) at its time."""
    said = text.get("deployment")
    return said or f"{text.get('revision') or 'imported'}@{started_at:%Y%m%dT%H%M%SZ}"


def tried(reasons: list[str], read: Callable[[A], R], value: A) -> R | None:
    """What `read` makes of the value; None, with one more reason, when it refuses it."""
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


def time_of(text: str) -> datetime | None:
    """ISO 8601 as UTC, which is also taken for times without a zone; None for nothing.

    Raises:
        ValueError: it is no such time, or out of the calendar.
    """
    if not text:
        return None  # told already
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"started_at {text[:40]!r} is no ISO 8601 date and time") from None
    try:
        at = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except OverflowError:
        at = None
    if at is None or at.year > _LAST_YEAR:
        raise ValueError(f"started_at {text[:40]!r} is out of range")
    return at


def count_of(name: str, text: str) -> int | None:
    """A whole number from 0 to a thousand million, or None where nothing is said.

    Raises:
        ValueError: it is none; `7.0` is 7.
    """
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"{name} {text[:40]!r} is no number") from None
    if not 0 <= value <= _MAX_COUNT or value != int(value):
        raise ValueError(f"{name} {text[:40]!r} is no whole number from 0 to {_MAX_COUNT:,}")
    return int(value)


def duration_ms_of(text: Mapping[str, str]) -> float | None:
    """ms, of `duration_ms` or else of `duration_s`; None where neither is said.

    Raises:
        ValueError: no number, below 0, or above 100 years.
    """
    for name, ms in (("duration_ms", 1.0), ("duration_s", 1000.0)):
        if given := text.get(name):
            try:
                value = float(given) * ms
            except ValueError:
                raise ValueError(f"{name} {given[:40]!r} is no number") from None
            if not 0 <= value <= _MAX_MS:
                raise ValueError(f"{name} {given[:40]!r} is no duration")
            return round(value, 6)
    return None


def one_line(text: str) -> str:
    """The first line that is not blank, stripped."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "")

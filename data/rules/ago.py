"""Times before others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def ago(at: datetime, span_s: float) -> datetime:
    """So many seconds before a moment, or the first one that there is."""
    try:
        return at - timedelta(seconds=span_s)
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC)

"""Markdown pieces (GFM) in which data cannot become markup."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence

from data.report.wording import plain

_SPECIAL = re.compile(r"([\\`*\[\]|~#$])|((?<!\w)_|_(?!\w))")
_AT_START = re.compile(r"^(\d*)([-+=.)])(?=\s|$)")


def escaped(text: str) -> str:
    """One line in which nothing is a tag, a table cell's end, emphasis, a link or a heading."""
    safe = html.escape(plain(text), quote=False)
    safe = _SPECIAL.sub(lambda match: "\\" + match[0], safe)
    return _AT_START.sub(r"\1\\\2", safe)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A GFM table of escaped cells; empty without rows."""
    body = [_row(row) for row in rows]
    return [_row(head), "|" + " --- |" * len(head), *body] if body else []


def bullets(items: Iterable[str]) -> list[str]:
    """One escaped item a line."""
    return [f"- {escaped(item)}" for item in items]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(escaped(cell) for cell in cells)} |"

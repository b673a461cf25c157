"""Plain text tables and paragraphs of a fixed width."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from data.report.wording import clip, plain

WIDTH = 100


def paragraph(text: str, lead: str = "  ", hang: str | None = None) -> list[str]:
    """Wrapped lines that begin with `lead`, the further ones with `hang` (as wide by default)."""
    rest = " " * len(lead) if hang is None else hang
    lines = textwrap.wrap(
        plain(text), WIDTH, initial_indent=lead, subsequent_indent=rest, break_on_hyphens=False
    )
    return lines or [lead]


def listed(texts: Iterable[str], limit: int, lead: str = "  - ") -> list[str]:
    """One item a paragraph; items above the limit are counted, not dropped in silence."""
    items = list(texts)
    lines = [line for text in items[:limit] for line in paragraph(text, lead)]
    more = len(items) - limit
    return [*lines, f"{' ' * len(lead)}… and {more} more"] if more > 0 else lines


def grid(head: Sequence[str], rows: Sequence[Sequence[str]], left: Sequence[int]) -> list[str]:
    """A table, clipped to the width. Columns in `left` hold words, the others numbers."""
    cells = [[plain(cell) for cell in row] for row in (head, *rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    _squeeze(widths, left)
    return [_line(row, widths, left) for row in cells]


def _squeeze(widths: list[int], left: Sequence[int]) -> None:
    """Take what is too wide from the widest column of words."""
    while sum(widths) + 2 * len(widths) - 2 > WIDTH:
        widest = max(left, key=lambda i: widths[i])
        if widths[widest] <= 8:
            return
        widths[widest] -= 1


def _line(row: Sequence[str], widths: Sequence[int], left: Sequence[int]) -> str:
    cells = [clip(cell, width) for cell, width in zip(row, widths, strict=True)]
    pads = [
        cell.ljust(width) if i in left else cell.rjust(width)
        for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return "  ".join(pads).rstrip()[:WIDTH]

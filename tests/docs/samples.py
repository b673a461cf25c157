"""Sample answers of docs/cookbook.md: `python -m tests.docs.samples` writes them in place."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.docs.views import PAGE

_WIDTH = 26


def sample(columns: Sequence[str], rows: Sequence[Sequence[Any]], most: int = 3) -> str:
    """The first rows as a table."""
    body = [[_cell(value) for value in row] for row in rows[:most]]
    widths = [max(len(c), *(len(row[i]) for row in body), 1) for i, c in enumerate(columns)]
    lines = [list(columns), ["-" * width for width in widths], *body]
    return "".join(_line(line, widths) for line in lines)


def rows_of(table: str) -> set[str]:
    """The rows below the head, without the spaces that align them."""
    return {" ".join(line.split()) for line in table.splitlines()[2:]}


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
    return "  ".join(padded).rstrip() + "\n"


def _cell(value: Any) -> str:
    if isinstance(value, datetime):
        value = value.strftime("%Y-%m-%d %H:%M")
    if isinstance(value, float):
        value = f"{value:.4g}"
    text = "–" if value is None else str(value)
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 1]}…"


def _with_samples(page: str, path: Path) -> str:
    from tests.docs.test_cookbook import filled_warehouse

    warehouse = filled_warehouse(path)

    def answered(found: re.Match[str]) -> str:
        return f"```sql\n{found[1]}```\n\n```text\n{sample(*warehouse.query(found[1]))}```\n"

    questions, mark, views = page.partition("\n# Views")
    pattern = r"```sql\n(.*?)```\n(?:\n```text\n.*?```\n)?"
    return re.sub(pattern, answered, questions, flags=re.S) + mark + views


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        PAGE.write_text(_with_samples(PAGE.read_text(), Path(folder) / "w.duckdb"))

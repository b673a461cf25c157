"""Numbers from text: a JSON list, or CSV with one column of numbers (a header is allowed)."""

from __future__ import annotations

import csv
import json
import math

from data.errors import Fault, PlanError


def read_numbers(text: str, file: str) -> list[float]:
    """The finite numbers of a JSON list or of a CSV text.

    Raises:
        PlanError: each line or item that is not a finite number.
    """
    text = text.removeprefix("\ufeff")  # a spreadsheet's mark would make line 1 a header
    items = _json(text, file) if text.lstrip().startswith(("[", "{")) else _csv(text, file)
    faults = [
        Fault(f"expected a finite number, got {item!r}", file, line)
        for line, item in items
        if _number(item) is None
    ]
    if faults:
        raise PlanError(faults)
    return [value for _, item in items if (value := _number(item)) is not None]


def _json(text: str, file: str) -> list[tuple[int, object]]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise PlanError([Fault(f"this is not readable JSON: {error}", file)]) from None
    if not isinstance(found, list):
        raise PlanError([Fault("expected a JSON list of numbers", file)])
    return [(0, item) for item in found]


def _csv(text: str, file: str) -> list[tuple[int, object]]:
    try:
        rows = [(i, row) for i, row in enumerate(csv.reader(text.splitlines()), 1) if any(row)]
    except csv.Error as error:
        raise PlanError([Fault(f"this is not readable CSV: {error}", file)]) from None
    wide = [i for i, row in rows if len(row) > 1]
    if wide:
        hint = "keep one column, for example with `cut -d, -f2`"
        raise PlanError([Fault("expected one column of numbers", file, wide[0], hint=hint)])
    cells: list[tuple[int, object]] = [(i, row[0].strip()) for i, row in rows]
    return cells[1:] if cells and _number(cells[0][1]) is None else cells


def _number(item: object) -> float | None:
    if isinstance(item, bool) or not isinstance(item, int | float | str):
        return None
    try:
        value = float(item)
    except (ValueError, OverflowError):
        return None
    return value if math.isfinite(value) else None

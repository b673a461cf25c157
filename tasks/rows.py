"""Rows of a table in a file: CSV, JSON (a list, or one object a line) or Parquet."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from data.errors import UsageError
from data.store.parquet import parquet_rows

_MAX_CELL_CHARS = 16 * 1024 * 1024


class Row(NamedTuple):
    """One row, or why it is none.

    Attributes:
        where: the line on which it ends (CSV, JSON lines), else which row it is, from 1.
        fault: what is wrong with it as a row, "" when nothing is.
    """

    where: str
    values: dict[str, object]
    fault: str = ""


def rows_of(path: Path) -> Iterator[Row]:
    """Read row by row; one that cannot be read does not stop the next.

    Raises:
        OSError: the file cannot be read.
        UsageError: the file as a whole is no such table.
    """
    suffix = path.suffix.lower()
    try:
        if suffix in (".csv", ".tsv"):
            yield from _csv(path, "\t" if suffix == ".tsv" else ",")
        elif suffix == ".parquet":
            for n, values in enumerate(parquet_rows(path), 1):
                yield Row(f"row {n}", values)
        elif suffix in (".jsonl", ".ndjson"):
            yield from _json_lines(path)
        else:
            yield from _json_list(path)
    except UnicodeDecodeError as error:
        raise UsageError(f"it is not UTF-8: byte {error.start}") from error


def _csv(path: Path, delimiter: str) -> Iterator[Row]:
    before = csv.field_size_limit(_MAX_CELL_CHARS)  # of the whole process, so it is put back
    try:
        yield from _csv_rows(path, delimiter)
    finally:
        csv.field_size_limit(before)


def _csv_rows(path: Path, delimiter: str) -> Iterator[Row]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, delimiter=delimiter, strict=True)
        names = _header(reader)
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield Row(f"line {reader.line_num}", {}, f"no CSV: {error}")
                continue
            where = f"line {reader.line_num}"
            if len(cells) == len(names):
                yield Row(where, dict(zip(names, cells, strict=True)))
            elif cells:
                said = f"{len(cells)} values, the head of the table has {len(names)}"
                yield Row(where, {}, said)


def _header(reader: Iterator[list[str]]) -> list[str]:
    try:
        names = [name.strip() for name in next(reader, [])]
    except csv.Error as error:
        raise UsageError(f"its first line is no head of a table: {error}") from error
    if not any(names):
        raise UsageError("it is empty: expected a first line with the names of the columns")
    return names


def _json_lines(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8-sig") as file:
        for n, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                yield _object(f"line {n}", json.loads(line))
            except (ValueError, RecursionError):
                yield Row(f"line {n}", {}, "no JSON")


def _json_list(path: Path) -> Iterator[Row]:
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError:
        raise
    except (ValueError, RecursionError) as error:
        raise UsageError(f"it is no JSON: {error}") from error
    if not isinstance(found, list):
        raise UsageError("expected a JSON list of objects, one a result")
    for n, one in enumerate(found, 1):
        yield _object(f"row {n}", one)


def _object(where: str, found: object) -> Row:
    if isinstance(found, dict):
        return Row(where, {str(name): value for name, value in found.items()})
    return Row(where, {}, f"expected an object, got {type(found).__name__}")

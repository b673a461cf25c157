"""Rows of a Parquet file, by DuckDB."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb

from data.errors import UsageError
from data.store.connect import first_line

_N_AT_ONCE = 10_000


def parquet_rows(path: Path) -> Iterator[dict[str, object]]:
    """The rows in their order, by column.

    Raises:
        UsageError: it is no Parquet file, or it is damaged.
    """
    try:
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            result = connection.execute("SELECT * FROM read_parquet(?)", [str(path)])
            names = [column[0] for column in result.description or ()]
            while rows := result.fetchmany(_N_AT_ONCE):
                yield from (dict(zip(names, row, strict=True)) for row in rows)
    except duckdb.Error as error:
        raise UsageError(f"it cannot be read as Parquet: {first_line(error)}") from error

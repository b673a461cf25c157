"""What each table and column means, kept in the database itself: every client shows it.

A column has the same meaning wherever it has the same name; where it has not, the entry names the
view, such as `phases.duration_s`. The meanings are in `sql/tables.txt` and `sql/columns.txt`.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import duckdb

_MEANINGS = Path(__file__).parent / "sql"


@cache
def _meanings(of: str) -> str:
    """Lines `name: meaning`, of `tables` or `columns`."""
    return (_MEANINGS / f"{of}.txt").read_text(encoding="utf-8")


def comment_source() -> str:
    """All of it as one text: a change of it makes the views anew."""
    return _meanings("tables") + _meanings("columns")


def write_comments(connection: duckdb.DuckDBPyConnection) -> None:
    """Comment every table and every column of a view that has a meaning here.

    Not in memory: nobody looks at what is gone in a moment.
    """
    if not _is_file(connection):
        return
    columns, statements = _entries(_meanings("columns")), []
    for view, column in _columns_of_views(connection):
        meaning = columns.get(f"{view}.{column}", columns.get(column))
        if meaning:
            statements.append(f'COMMENT ON COLUMN {view}."{column}" IS {_text(meaning)}')
    for table, meaning in _entries(_meanings("tables")).items():
        statements.append(f"COMMENT ON TABLE store.{table} IS {_text(meaning)}")
    connection.execute("; ".join(statements))


def _is_file(connection: duckdb.DuckDBPyConnection) -> bool:
    sql = "SELECT path FROM duckdb_databases() WHERE database_name = current_database()"
    row = connection.execute(sql).fetchone()
    return row is not None and row[0] is not None


def _columns_of_views(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    return connection.execute(
        "SELECT table_name, column_name FROM duckdb_columns() "
        "WHERE schema_name = 'main' AND NOT internal ORDER BY ALL"
    ).fetchall()


def _entries(text: str) -> dict[str, str]:
    lines = (line.partition(": ") for line in text.strip().splitlines())
    return {name: meaning for name, _, meaning in lines}


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"

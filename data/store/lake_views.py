"""The documented views over a lake, as SQL for any DuckDB client."""

from __future__ import annotations

from collections.abc import Iterable

from data.store.connect import Connection

_HEAD = """\
-- The documented views of Golden Path over this lake. In any DuckDB 1.x:
--   SET VARIABLE lake = '/where/the/lake/is';
--   .read /where/the/lake/is/views.sql
-- `lake` may have a * in it, for the lakes of several warehouses at once.
SET TimeZone = 'UTC';
"""


def views_sql(connection: Connection, views: Iterable[str]) -> str:
    """Statements that create the views with the comments that they have in the warehouse.

    Each has exactly the columns of the warehouse's view. `plan` and `environment` are read from the
    names of folders, so that a question for one of them opens no file of another.
    """
    return _HEAD + "".join(_view(connection, view) for view in views)


def _view(connection: Connection, view: str) -> str:
    columns = connection.execute(f"DESCRIBE {view}").fetchall()
    in_parts = {"plan", "environment", "started_at"} <= {row[0] for row in columns}
    said = connection.execute(
        "SELECT comment FROM duckdb_views() WHERE view_name = ? AND NOT internal", [view]
    ).fetchone()
    comments = connection.execute(
        "SELECT column_name, comment FROM duckdb_columns() "
        "WHERE table_name = ? AND schema_name = 'main' AND comment IS NOT NULL "
        "ORDER BY column_index",
        [view],
    ).fetchall()
    lines = [
        f"CREATE OR REPLACE VIEW {view} AS SELECT *{' EXCLUDE (month)' if in_parts else ''} FROM "
        f"read_parquet(getvariable('lake') || '/{view}/**/*.parquet', "
        "hive_partitioning = true, hive_types_autocast = false);"
    ]
    if said is not None and said[0]:
        lines.append(f"COMMENT ON VIEW {view} IS {_quoted(said[0])};")
    lines += [f'COMMENT ON COLUMN {view}."{name}" IS {_quoted(text)};' for name, text in comments]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"

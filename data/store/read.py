"""Rows → facts and summaries."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from data.errors import UsageError
from data.records.facts import Fact, Sample, TestResult
from data.records.summary import RunSummary
from data.store.connect import Connection
from data.store.facts import KINDS

_READS = (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN)
# tables of many rows: their columns are the whole fact, and their rows are found by number
NUMBERED = frozenset({Sample.KIND, TestResult.KIND})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def facts_of(connection: Connection, run_id: str) -> tuple[Fact, ...]:
    """The facts of one run in the order of recording; none when the run is unknown."""
    asked = "SELECT run_no FROM store.number WHERE run_id = ?"
    found = connection.execute(asked, [run_id]).fetchone()
    if found is None:
        return ()
    placed: list[tuple[int, Fact]] = []
    for kind, cls in KINDS.items():
        if kind in NUMBERED:
            placed += facts_in_columns(connection, cls, found[0])
        else:
            placed += _bodies(connection, kind, cls, run_id)
    return tuple(fact for _, fact in sorted(placed, key=lambda pair: pair[0]))


def facts_in_columns(
    connection: Connection, cls: type[Fact], run_no: int
) -> list[tuple[int, Fact]]:
    """Facts of a kind that has no `body`, with their places in the run."""
    names = tuple(cls.model_fields)
    rows = connection.execute(
        f'SELECT seq, {_selected(names)} FROM store."{cls.KIND}" WHERE run_no = ?', [run_no]
    ).fetchall()
    return [
        (row[0], cls.model_validate(_with_time(dict(zip(names, row[1:], strict=True)), "at")))
        for row in rows
    ]


def summaries(connection: Connection, limit: int) -> list[RunSummary]:
    """The newest runs first, at most `limit`."""
    names = tuple(RunSummary.model_fields)
    rows = connection.execute(
        f"SELECT {_selected(names)} FROM runs ORDER BY runs.started_at DESC, run_id DESC LIMIT ?",
        [limit],
    ).fetchall()
    return [_summary(dict(zip(names, row, strict=True))) for row in rows]


def require_query(sql: str) -> None:
    """Raises: UsageError: not one statement, or one that is no query."""
    statements = duckdb.extract_statements(sql)
    if len(statements) != 1 or statements[0].type not in _READS:
        raise UsageError(
            "expected one query (SELECT, WITH, FROM, DESCRIBE): the warehouse is "
            "written by runs only"
        )


def copy_view(connection: Connection, view: str, folder: Path) -> Path:
    """Write the view as ``<view>.parquet``."""
    path = folder / f"{view}.parquet"
    target = str(path).replace("'", "''")
    connection.execute(f"COPY (FROM {view}) TO '{target}' (FORMAT parquet)")
    return path


def copy_view_in_parts(connection: Connection, view: str, folder: Path) -> Path:
    """Write the view as ``<view>/plan=…/environment=…/month=…/``; what was there is replaced.

    A view without these columns is one file. `month` is that in which the run began, UTC.
    """
    columns = {row[0] for row in connection.execute(f"DESCRIBE {view}").fetchall()}
    keys = [name for name in ("plan", "environment") if name in columns]
    if "started_at" not in columns or not keys:
        return copy_view(connection, view, folder)
    path = folder / view
    target = str(path).replace("'", "''")
    connection.execute(
        f"COPY (SELECT *, strftime(started_at, '%Y-%m') AS month FROM {view}) TO '{target}' "
        f"(FORMAT parquet, PARTITION_BY ({', '.join([*keys, 'month'])}), WRITE_PARTITION_COLUMNS, "
        "OVERWRITE)"
    )
    return path


COPY = {False: copy_view, True: copy_view_in_parts}


def _bodies(
    connection: Connection, kind: str, cls: type[Fact], run_id: str
) -> list[tuple[int, Fact]]:
    rows = connection.execute(f'SELECT seq, body FROM store."{kind}" WHERE run_id = ?', [run_id])
    return [(seq, cls.model_validate_json(body)) for seq, body in rows.fetchall()]


def _selected(names: tuple[str, ...]) -> str:
    # times as numbers: exact to the microsecond, and DuckDB needs no pytz to make them
    return ", ".join(f'epoch_us("{n}")' if n.endswith("at") else f'"{n}"' for n in names)


def _summary(row: dict[str, object]) -> RunSummary:
    return RunSummary.model_validate(_with_time(_with_time(row, "started_at"), "finished_at"))


def _with_time(row: dict[str, object], name: str) -> dict[str, object]:
    microseconds = row[name]
    if isinstance(microseconds, int):
        row[name] = _EPOCH + timedelta(microseconds=microseconds)
    return row

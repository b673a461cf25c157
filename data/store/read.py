"""Rows → facts and summaries."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from data.errors import UsageError
from data.records.facts import Fact, Sample
from data.records.summary import RunSummary
from data.store.connect import Connection
from data.store.facts import KINDS

_READS = (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def facts_of(connection: Connection, run_id: str) -> tuple[Fact, ...]:
    """The facts of one run in the order of recording; none when the run is unknown."""
    placed = _samples(connection, run_id)
    for kind, cls in KINDS.items():
        if cls is not Sample:
            placed += _bodies(connection, kind, cls, run_id)
    return tuple(fact for _, fact in sorted(placed, key=lambda pair: pair[0]))


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


def _bodies(
    connection: Connection, kind: str, cls: type[Fact], run_id: str
) -> list[tuple[int, Fact]]:
    rows = connection.execute(f'SELECT seq, body FROM store."{kind}" WHERE run_id = ?', [run_id])
    return [(seq, cls.model_validate_json(body)) for seq, body in rows.fetchall()]


def _samples(connection: Connection, run_id: str) -> list[tuple[int, Fact]]:
    names = tuple(Sample.model_fields)
    rows = connection.execute(
        f"SELECT seq, {_selected(names)} FROM store.sample WHERE run_id = ?", [run_id]
    )
    return [
        (row[0], Sample.model_validate(_with_time(dict(zip(names, row[1:], strict=True)), "at")))
        for row in rows.fetchall()
    ]


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

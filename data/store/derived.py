"""Tables that are computed from the facts of runs, so that questions over years answer at once."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

import duckdb

_FOLDER = Path(__file__).parent / "derived_sql"
# in the order of filling: `ended` needs what `names` and `suite_count` give
_FILLED = ("place", "retried", "names", "suite_count", "ended", "trouble", "missing", "metric")
TABLES = ("place", "retried", "ended", "trouble", "suite_count", "missing", "metric")


def number_of(connection: duckdb.DuckDBPyConnection, run_id: str) -> int:
    """The run's number; a run that has none gets the next. Call it inside the run's transaction."""
    asked = "SELECT run_no FROM store.number WHERE run_id = ?"
    row = connection.execute(asked, [run_id]).fetchone()
    if row is None:
        row = connection.execute(
            "INSERT INTO store.number SELECT ?, coalesce(max(run_no), 0) + 1 FROM store.number "
            "RETURNING run_no",
            [run_id],
        ).fetchone()
    assert row is not None
    return int(row[0])


def fill(connection: duckdb.DuckDBPyConnection, first: int, last: int) -> None:
    """Compute what the facts of runs `first` to `last` come to, which must not be there yet."""
    for _, source in _sources():
        connection.execute(source, {"first": first, "last": last})


def forget(connection: duckdb.DuckDBPyConnection, run_no: int) -> None:
    """Take out what was computed of a run, and what its samples were compacted to."""
    for table in (*TABLES, "histogram", "compacted"):
        connection.execute(f"DELETE FROM store.{table} WHERE run_no = ?", [run_no])


def bring_over(old: duckdb.DuckDBPyConnection, new: duckdb.DuckDBPyConnection, run_id: str) -> None:
    """What the samples of a compacted run came to: its facts do not have them any more."""
    for table in ("compacted", "histogram", "metric"):
        rows = old.execute(
            f"SELECT * EXCLUDE (run_no) FROM store.{table} WHERE run_id = ? "
            "AND run_id IN (SELECT run_id FROM store.compacted)",
            [run_id],
        ).fetchall()
        if rows:
            marks = ", ".join("?" * len(rows[0]))
            number = number_of(new, run_id)
            new.executemany(f"INSERT INTO store.{table} VALUES ({number}, {marks})", rows)
    new.execute(
        "UPDATE store.commits SET n_facts = n_facts + c.n_samples FROM store.compacted AS c "
        "WHERE commits.run_id = c.run_id AND c.run_id = ?",
        [run_id],
    )


def derived_are_current(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether the tables hold what this version would compute."""
    row = connection.execute("SELECT digest FROM store.derived").fetchone()
    return row is not None and row[0] == _digest()


def fill_anew(connection: duckdb.DuckDBPyConnection) -> None:
    """Compute all of them again, from all facts. Call it inside a transaction."""
    for table in (*TABLES, "test_name", "derived"):
        # of compacted runs there are no samples to compute from: what was computed stays
        raw = "WHERE run_no NOT IN (SELECT run_no FROM store.compacted)" * (table == "metric")
        connection.execute(f"DELETE FROM store.{table} {raw}")
    row = connection.execute("SELECT coalesce(max(run_no), 0) FROM store.number").fetchone()
    if row is not None and row[0]:
        fill(connection, 1, row[0])
    connection.execute("INSERT INTO store.derived VALUES (?)", [_digest()])


@cache
def _sources() -> tuple[tuple[str, str], ...]:
    return tuple((name, (_FOLDER / f"{name}.sql").read_text(encoding="utf-8")) for name in _FILLED)


@cache
def _digest() -> str:
    settled = (_FOLDER.parent / "sql" / "settled.sql").read_text(encoding="utf-8")
    return hashlib.sha256("\n".join((settled, *(s for _, s in _sources()))).encode()).hexdigest()

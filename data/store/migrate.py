"""The schema of a warehouse: forward-only migrations, then the views of this version."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

import duckdb

from data.errors import WarehouseError
from data.store.comments import comment_source, write_comments
from data.store.derived import derived_are_current, fill_anew

_HERE = Path(__file__).parent

# In the order of creation: a view may use the ones before it. Stable and documented; analysts
# rely on the names (docs/cookbook.md).
VIEWS = (
    "test_attempts",
    "tests",
    "samples",
    "probes",
    "health",
    "revisions",
    "deployments",
    "phases",
    "suites",
    "verdicts",
    "criteria",
    "incidents",
    "actions",
    "acted",
    "decisions",
    "sensitivity",
    "runs",
    "pass_rate_by_deployment",
    "metric_by_deployment",
    "flaky_tests",
    "first_bad_deployment",
    "evidence_quality",
    "revenue_at_risk_by_deployment",
    "suite_cost",
    "labels",
    "gate_accuracy",
    "idle_criteria",
    "hook_deliveries",
    "load_steps",
    "load_by_deployment",
    "soaks",
    "reported_totals",
)

_BOOK = """
CREATE SCHEMA IF NOT EXISTS store;
CREATE TABLE IF NOT EXISTS store.migrations (
    version INTEGER PRIMARY KEY, name VARCHAR NOT NULL, applied_at TIMESTAMPTZ NOT NULL);
CREATE TABLE IF NOT EXISTS store.views (digest VARCHAR NOT NULL);
"""


def bring_up_to_date(connection: duckdb.DuckDBPyConnection) -> None:
    """Apply what is missing, each migration in one transaction with its record.

    Raises:
        WarehouseError: the warehouse was written by a newer version.
    """
    version = version_of(connection)
    refuse_newer(version)
    if not version:
        connection.execute(_BOOK)
    for number, path in _migrations():
        if number > version:
            _apply(connection, number, path)
    if 0 < version < newest_version():
        # journals that wait may have what the gate of before did not understand: read again
        connection.execute("UPDATE store.commits SET spool_bytes = NULL")
    if not _views_are_current(connection):
        _create_views(connection)
    if not derived_are_current(connection):
        _in_one(connection, lambda: fill_anew(connection), "the derived tables could not be filled")


def is_current(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether tables and views are those of this version.

    Raises:
        WarehouseError: the warehouse was written by a newer version.
    """
    version = version_of(connection)
    refuse_newer(version)
    if not 0 < version == newest_version():
        return False
    return _views_are_current(connection) and derived_are_current(connection)


def version_of(connection: duckdb.DuckDBPyConnection) -> int:
    """Number of the last migration applied; 0 when there was none."""
    book = connection.execute(
        "SELECT 1 FROM duckdb_tables() WHERE schema_name = 'store' AND table_name = 'migrations'"
    ).fetchone()
    if book is None:
        return 0
    row = connection.execute("SELECT coalesce(max(version), 0) FROM store.migrations").fetchone()
    return int(row[0]) if row else 0


def newest_version() -> int:
    """Number of the last migration that this version of the gate knows."""
    return _migrations()[-1][0]


def refuse_newer(version: int, name: str = "the warehouse") -> None:
    """Raises: WarehouseError: `version` is above what this gate knows."""
    if version > newest_version():
        raise WarehouseError(
            f"{name} has schema version {version}, this gate knows up to "
            f"{newest_version()}: upgrade golden-path, or use another warehouse"
        )


@cache
def _migrations() -> tuple[tuple[int, Path], ...]:
    paths = sorted((_HERE / "migrations").glob("*.sql"))
    return tuple((int(path.name.split("_")[0]), path) for path in paths)


def _apply(connection: duckdb.DuckDBPyConnection, number: int, path: Path) -> None:
    def apply() -> None:
        connection.execute(path.read_text(encoding="utf-8"))
        connection.execute("INSERT INTO store.migrations VALUES (?, ?, now())", [number, path.stem])

    _in_one(connection, apply, f"migration {path.name} failed")


def _in_one(connection: duckdb.DuckDBPyConnection, work: Callable[[], None], failed: str) -> None:
    connection.execute("BEGIN")
    try:
        work()
        connection.execute("COMMIT")
    except duckdb.Error as error:
        connection.execute("ROLLBACK")
        raise WarehouseError(f"{failed}: {error}") from error


@cache
def _view_sources() -> tuple[str, ...]:
    names = ("context", "settled", "in_force", "served", *VIEWS)
    return tuple((_HERE / "sql" / f"{name}.sql").read_text(encoding="utf-8") for name in names)


@cache
def views_digest() -> str:
    """Differs when the views or their comments differ from those of another version."""
    return hashlib.sha256("\n".join((*_view_sources(), comment_source())).encode()).hexdigest()


def _views_are_current(connection: duckdb.DuckDBPyConnection) -> bool:
    row = connection.execute("SELECT digest FROM store.views").fetchone()
    return row is not None and row[0] == views_digest()


def _create_views(connection: duckdb.DuckDBPyConnection) -> None:
    def create() -> None:
        for source in _view_sources():
            connection.execute(source)
        write_comments(connection)
        connection.execute("DELETE FROM store.views")
        connection.execute("INSERT INTO store.views VALUES (?)", [views_digest()])

    _in_one(connection, create, "the views could not be created")

"""Connections: one writer or many readers, offline, in UTC, with errors that say what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from data.errors import UsageError, WarehouseDamaged, WarehouseError
from data.store.lock import Deadline, busy, locked
from data.store.migrate import bring_up_to_date, is_current, refuse_newer, version_of
from data.store.published import publish

Connection = duckdb.DuckDBPyConnection

# json, icu and parquet are built in; nothing may reach for the network
_OFFLINE: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}
# DuckDB draws a bar on standard output after two seconds: in the middle of a JSON answer
_SESSION = "SET TimeZone = 'UTC'; SET enable_progress_bar = false"
# what DuckDB says of a file whose bytes are not those that it wrote
_DAMAGED = (
    "Corrupt database file",
    "does not match stored checksum",
    "Could not read enough bytes",
)
# what DuckDB says when another process, or another mode in this one, has the file open
_TAKEN = ("Could not set lock", "Conflicting lock", "different configuration", "already attached")


@contextmanager
def writing(path: Path, deadline: Deadline) -> Iterator[Connection]:
    """The warehouse, alone and with the newest schema; made when it is missing.

    After a write that went well the copy for analysts is renewed.

    Raises:
        WarehouseBusy: somebody else held it until the deadline.
        WarehouseError: it cannot be opened or written, or a newer version wrote it.
    """
    _require_tried_engine()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with locked(path, deadline, exclusive=True):
            _drop_empty(path)
            connection = _open(path, deadline, read_only=False)
            try:
                _refuse_foreign(connection, path)
                bring_up_to_date(connection)
                yield connection
            finally:
                connection.close()
            publish(path)
    except (OSError, duckdb.Error) as error:
        if any(words in str(error) for words in _DAMAGED):
            raise WarehouseDamaged(f"{path} is damaged: {first_line(error)}") from error
        raise WarehouseError(f"cannot write the warehouse {path}: {first_line(error)}") from error


def _require_tried_engine() -> None:
    # 2.0.0 loses rows in a race (tests/store/test_engine.py), and 1.x cannot read what it wrote
    if not duckdb.__version__.startswith("1."):
        raise WarehouseError(
            f"DuckDB {duckdb.__version__} may lose rows, and older versions cannot read what it "
            "writes: expected 1.x, so install duckdb<2"
        )


@contextmanager
def reading(path: Path, deadline: Deadline) -> Iterator[Connection]:
    """The warehouse for reading; an empty one in memory when there is no file.

    An older schema is brought up to date first, which needs the writer's lock for a moment.

    Raises:
        UsageError: the file is no warehouse of ours.
        WarehouseBusy: a writer held it until the deadline.
        WarehouseError: it cannot be opened, or a newer version wrote it.
    """
    if is_missing(path):
        with in_memory() as connection:
            yield connection
        return
    with _read_only(path, deadline) as connection:
        current = _is_current(connection, path)
        if current:
            yield connection
    if not current:
        with writing(path, deadline):
            pass
        with _read_only(path, deadline) as connection:
            yield connection


@contextmanager
def look(path: Path) -> Iterator[Connection]:
    """The file as it is, read only and without a lock of ours: hold one.

    Raises:
        WarehouseBusy: another program writes it.
        WarehouseError, UsageError: it cannot be opened.
    """
    connection = _open(path, Deadline(0), read_only=True)
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def scratch(path: Path) -> Iterator[Connection]:
    """A private copy of the warehouse at `path`, open for writing."""
    connection = _open(path, Deadline(0), read_only=False)
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def in_memory() -> Iterator[Connection]:
    """An empty warehouse that is gone afterwards."""
    connection = duckdb.connect(":memory:", config=_OFFLINE)
    try:
        connection.execute(_SESSION)
        bring_up_to_date(connection)
        yield connection
    finally:
        connection.close()


def is_missing(path: Path) -> bool:
    """No file, or an empty one: DuckDB makes a database of both, and nothing can be read."""
    try:
        return path.stat().st_size == 0
    except (FileNotFoundError, NotADirectoryError):
        return True


def first_line(error: BaseException) -> str:
    """DuckDB's messages go on with a stack or a quoted statement; the first line says it."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


@contextmanager
def _read_only(path: Path, deadline: Deadline) -> Iterator[Connection]:
    with locked(path, deadline, exclusive=False):
        connection = _open(path, deadline, read_only=True)
        try:
            yield connection
        finally:
            connection.close()


def _drop_empty(path: Path) -> None:
    """A file of no bytes (of `touch`, `mktemp`) is no database to DuckDB, no file is a new one."""
    if path.is_file() and path.stat().st_size == 0:
        path.unlink()


def _is_current(connection: Connection, path: Path) -> bool:
    _refuse_foreign(connection, path)
    return is_current(connection)


def _refuse_foreign(connection: Connection, path: Path) -> None:
    if (version := version_of(connection)) > 0:
        refuse_newer(version, str(path))
        return
    row = connection.execute(
        "SELECT table_name FROM duckdb_tables() WHERE schema_name <> 'store' LIMIT 1"
    ).fetchone()
    if row is not None:
        raise UsageError(
            f"{path} is a DuckDB database, but no Golden Path warehouse: "
            f"it has a table {row[0]!r}; name another file"
        )


def _open(path: Path, deadline: Deadline, *, read_only: bool) -> Connection:
    while True:
        try:
            connection = duckdb.connect(str(path), read_only=read_only, config=_OFFLINE)
        except duckdb.Error as error:
            if not any(word in str(error) for word in _TAKEN):
                raise _unopened(path, error) from error
            if not deadline.pause():
                raise busy(path, deadline.wait_s) from error
        else:
            connection.execute(_SESSION)
            return connection


def _unopened(path: Path, error: duckdb.Error) -> WarehouseError | UsageError:
    said = str(error)
    kind = UsageError if "not a valid DuckDB database" in said else WarehouseError
    if any(words in said for words in _DAMAGED):
        kind = WarehouseDamaged
    return kind(f"{path} cannot be opened as a warehouse: {first_line(error)}")

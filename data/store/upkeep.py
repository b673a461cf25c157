"""Upkeep: left-over journals in, damage found, a damaged file rebuilt from the journals."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import duckdb

from data.errors import GoldenPathError, WarehouseBusy, WarehouseError
from data.store.absorb import absorb_all, pending
from data.store.connect import Connection, first_line, is_missing, look, scratch
from data.store.facts import KINDS
from data.store.labels import put, rescued
from data.store.lock import Deadline, locked
from data.store.migrate import bring_up_to_date, newest_version, refuse_newer, version_of
from data.store.published import publish
from data.store.spool import DONE
from data.store.warehouse import Warehouse

# a healthy file that this process may not open, or that a newer DuckDB wrote
_NOT_DAMAGE = (
    "version number",
    "schema version",
    "newer version",
    "Permission denied",
    "Cannot open file",
)


class Mended(NamedTuple):
    """A damaged warehouse that was rebuilt.

    Attributes:
        damage: what DuckDB, or the count of rows, said.
        kept_as: where the damaged file lies now.
        n_runs: runs in the new file.
    """

    damage: str
    kept_as: Path
    n_runs: int


class Upkeep(NamedTuple):
    """What upkeep did: runs taken in, journals moved to ``done/``, and a rebuild or None."""

    committed: tuple[str, ...]
    filed: tuple[str, ...]
    mended: Mended | None


def keep_up(warehouse: Warehouse, wait_s: float) -> Upkeep:
    """Rebuild a damaged file, take in and file what is left over, and renew the analysts' copy.

    Raises:
        WarehouseBusy: held by others until the deadline.
        WarehouseError: it cannot be read or written for another reason than damage.
    """
    try:
        mended = None if is_missing(warehouse.path) else mend(warehouse, Deadline(wait_s))
        done = warehouse.absorb(wait_s)
        if not is_missing(warehouse.path):
            with locked(warehouse.path, Deadline(wait_s), exclusive=True):
                publish(warehouse.path)
    except (OSError, duckdb.Error) as error:
        message = f"no upkeep of {warehouse.path}: {first_line(error)}"
        raise WarehouseError(message) from error
    return Upkeep(done.committed, done.filed, mended)


def mend(warehouse: Warehouse, deadline: Deadline) -> Mended | None:
    """Rebuild the file from all journals, filed ones included, when it is damaged.

    The damaged file is kept under another name. Labels come from their own journal, from the
    analysts' copy and from what of the damaged file can still be read.

    Returns:
        None when nothing is wrong with it.

    Raises:
        WarehouseBusy: held by others until the deadline.
        WarehouseError: no journal to rebuild it from; the file stays where it is.
    """
    path = warehouse.path
    with locked(path, deadline, exclusive=True):
        damage = damage_of(path)
        if not damage:
            return None
        journals = [*pending(warehouse.spools / DONE), *pending(warehouse.spools)]
        if not journals:
            raise WarehouseError(
                f"{path} is damaged ({damage}) and there is no journal in {warehouse.spools} to "
                "rebuild it from: put a backup in its place"
            )
        return _rebuilt(path, journals, damage)


def damage_of(path: Path) -> str:
    """What is wrong with the file, "" when every row of it can be read and none is missing.

    DuckDB keeps a checksum a block, so a full read finds a flipped bit in any block that is in use.

    Raises:
        WarehouseBusy: another program writes it.
        WarehouseError: it cannot be opened, and not because of damage.
    """
    try:
        with look(path) as connection:
            version = version_of(connection)
            damage = _misfit(connection) if version <= newest_version() else ""
        refuse_newer(version)
    except WarehouseBusy:
        raise
    except (GoldenPathError, duckdb.Error) as error:
        said = first_line(error)
        if any(words in said for words in _NOT_DAMAGE):
            raise WarehouseError(said) from error
        return said
    return damage


def _misfit(connection: Connection) -> str:
    tables = connection.execute(
        "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'store'"
    ).fetchall()
    for (table,) in tables:
        connection.execute(f'SELECT hash(t) FROM store."{table}" AS t').fetchall()
    names = {table for (table,) in tables} & KINDS.keys()
    if not names:
        return ""
    rows = " UNION ALL ".join(f'SELECT run_id FROM store."{name}"' for name in sorted(names))
    found = connection.execute(
        f"SELECT run_id, n_facts, n FROM store.commits "
        f"JOIN (SELECT run_id, count(*) AS n FROM ({rows}) GROUP BY run_id) USING (run_id) "
        "WHERE n <> n_facts LIMIT 1"
    ).fetchone()
    return "" if found is None else f"run {found[0]} has {found[2]} of {found[1]} rows"


def _rebuilt(path: Path, journals: Sequence[Path], damage: str) -> Mended:
    fresh = path.with_name(f".{path.name}.rebuilt")
    for left in (fresh, fresh.with_name(f"{fresh.name}.wal")):  # of an upkeep that was killed
        left.unlink(missing_ok=True)
    with scratch(fresh) as connection:
        bring_up_to_date(connection)
        done = absorb_all(connection, journals, file=False)
        put(connection, rescued(path))
    kept_as = _free_name(path)
    os.link(path, kept_as)  # and then replaced: there is a warehouse at every moment
    path.with_name(f"{path.name}.wal").unlink(missing_ok=True)  # of the damaged file
    fresh.replace(path)
    publish(path)
    return Mended(damage, kept_as, len(set(done.committed)))


def _free_name(path: Path) -> Path:
    names = (path.with_name(f"{path.name}.damaged-{n}") for n in range(1, 10_000))
    return next(name for name in names if not name.exists())

"""Damage found, and the file rebuilt: from its journals, and from the copy what they lack."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import duckdb

from data.errors import GoldenPathError, WarehouseBusy, WarehouseError
from data.store.absorb import absorb_all, booked_runs, pending
from data.store.connect import Connection, first_line, is_missing, look, scratch
from data.store.derived import bring_over
from data.store.facts import KINDS
from data.store.labels import put, rescued
from data.store.load import bundle_of, store
from data.store.lock import Deadline, locked
from data.store.migrate import bring_up_to_date, newest_version, refuse_newer, version_of
from data.store.published import publish, published_path
from data.store.read import facts_of
from data.store.spool import DONE

_log = logging.getLogger("goldenpath.warehouse")
# a healthy file that this process may not open, or that a newer DuckDB wrote
_NOT_DAMAGE = (
    "version number",
    "schema version",
    "newer version",
    "Permission denied",
    "Cannot open file",
    "Is a directory",
)


class Mended(NamedTuple):
    """A damaged warehouse that was rebuilt.

    Attributes:
        damage: what DuckDB, or the count of rows, said.
        kept_as: where the damaged file lies now; None: there was none any more.
        n_runs: runs in the new file.
        n_labels: runs with a label.
    """

    damage: str
    kept_as: Path | None
    n_runs: int
    n_labels: int


def spools_of(path: Path) -> Path:
    """The folder of a warehouse's journals."""
    return path.with_name(f"{path.name}.spool")


def mend(path: Path, deadline: Deadline) -> Mended | None:
    """Rebuild the file when it is damaged, and keep the damaged one under another name.

    The journals are the truth, filed ones included; labels have one of their own. Runs without a
    journal (brought in from elsewhere) are taken from the analysts' copy, which is as new as the
    last write.

    Returns:
        None when nothing is wrong with it.

    Raises:
        WarehouseBusy: held by others until the deadline.
        WarehouseError: nothing to rebuild it from; the file stays where it is.
    """
    with locked(path, deadline, exclusive=True):
        spools = spools_of(path)
        gone = "it is gone or empty" if is_gone(path) else ""
        damage = gone if is_missing(path) else damage_of(path)
        if not damage:
            return None
        journals = [*pending(spools / DONE), *pending(spools)]
        if not journals and is_missing(published_path(path)):
            raise WarehouseError(
                f"{path} is damaged ({damage}) and there is no journal in {spools} to "
                "rebuild it from: put a backup in its place"
            )
        return _rebuilt(path, journals, damage)


def is_gone(path: Path) -> bool:
    """No file, or an empty one, though runs of it are filed: it was there before."""
    return is_missing(path) and any((spools_of(path) / DONE).glob("*.jsonl"))


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
        refuse_newer(version, str(path))
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
    if ("compacted",) in tables:
        rows += " UNION ALL SELECT run_id FROM store.compacted, range(n_samples)"
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
        absorb_all(connection, journals, file=False)
        _take_over(connection, published_path(path))
        labels = rescued(path)
        put(connection, labels)
        n_runs = len(booked_runs(connection))
    kept_as = _free_name(path) if path.exists() else None
    if kept_as is not None:
        os.link(path, kept_as)  # and then replaced: there is a warehouse at every moment
    path.with_name(f"{path.name}.wal").unlink(missing_ok=True)  # of the damaged file
    fresh.replace(path)
    publish(path)
    kept = f"; kept as {kept_as}" if kept_as else ""
    _log.warning("%s was damaged (%s) and is rebuilt from journals%s", path, damage, kept)
    return Mended(damage, kept_as, n_runs, len({label.run_id for label in labels}))


def _take_over(connection: Connection, copy: Path) -> None:
    """Runs that no journal has, from a copy that can be read."""
    try:
        if is_missing(copy) or damage_of(copy):
            return
        with look(copy) as old:
            for run_id in booked_runs(old).keys() - booked_runs(connection).keys():
                store(connection, bundle_of(run_id, facts_of(old, run_id)))
                bring_over(old, connection, run_id)
    except (GoldenPathError, duckdb.Error) as error:  # of an older schema, say
        _log.warning("%s is of no use: %s", copy, first_line(error))


def _free_name(path: Path) -> Path:
    names = (path.with_name(f"{path.name}.damaged-{n}") for n in range(1, 10_000))
    return next(name for name in names if not name.exists())

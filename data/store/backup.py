"""Backups: the warehouse, its journals and labels in one folder, whole and checked."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from data.errors import UsageError, WarehouseError
from data.store.absorb import Booked, absorb_all, booked_runs, pending
from data.store.connect import is_missing, scratch
from data.store.labels import labels_path, put, rescued
from data.store.lock import Deadline, locked
from data.store.mend import damage_of
from data.store.migrate import bring_up_to_date
from data.store.published import publish
from data.store.spool import DONE
from data.store.warehouse import Warehouse

STAMP = "%Y%m%dT%H%M%SZ"  # names of backups that are made by the clock
_MANIFEST = "manifest.json"
_FILE = "warehouse.duckdb"
_LABELS = "labels.jsonl"


class Restored(NamedTuple):
    """What a restore did.

    Attributes:
        n_runs: runs that are in the warehouse now.
        n_later: of these, runs that came from journals, since the backup lacks them.
        kept_as: where the warehouse of before lies now, None when there was none.
    """

    n_runs: int
    n_later: int
    kept_as: Path | None


def back_up(warehouse: Warehouse, target: Path, wait_s: float) -> int:
    """Copy everything into a new folder, which is there as a whole or not at all.

    Returns:
        its size in bytes.

    Raises:
        UsageError: the folder exists, or cannot be written.
        WarehouseBusy: others held the warehouse until the deadline.
        WarehouseError: the warehouse is damaged: a backup of it would replace a good one.
    """
    if target.exists():
        raise UsageError(f"{target} exists already: name a new folder")
    fresh = target.with_name(f".{target.name}.new")
    try:
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        with locked(warehouse.path, Deadline(wait_s), exclusive=True):
            _copy(warehouse, fresh)
        files = sorted(path for path in fresh.rglob("*") if path.is_file())
        sums = {str(path.relative_to(fresh)): _sum(path) for path in files}
        _write(fresh / _MANIFEST, json.dumps({"files": sums}, indent=1))
        size_bytes = sum(path.stat().st_size for path in files)
        fresh.replace(target)
    except OSError as error:
        shutil.rmtree(fresh, ignore_errors=True)
        raise UsageError(f"no backup in {target}: {error.strerror or error}") from error
    except WarehouseError:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    return size_bytes


def thin_out(folder: Path, n_kept: int) -> list[Path]:
    """Remove the oldest of a folder's backups that are named by their time, and say which.

    Only folders named as `STAMP` says, with a manifest of ours, are touched; at least one stays.
    The newest that is kept must be whole: else nothing is removed.

    Raises:
        UsageError: the newest backup is not whole, or one cannot be removed.
    """
    named = (path for path in folder.iterdir() if _is_named_by_time(path.name))
    found = sorted(path for path in named if (path / _MANIFEST).is_file())
    old = found[: -max(1, n_kept)]
    if old:
        require_whole(found[-1])
    try:
        for path in old:
            shutil.rmtree(path)
    except OSError as error:
        raise UsageError(f"{path} could not be removed: {error.strerror or error}") from error
    return old


def _is_named_by_time(name: str) -> bool:
    with suppress(ValueError):
        return f"{datetime.strptime(name, STAMP):{STAMP}}" == name
    return False


def restore(warehouse: Warehouse, source: Path, wait_s: float) -> Restored:
    """Put a backup in the place of the warehouse, then take in every journal that it lacks.

    The warehouse of before is kept under another name. Runs that ended since the backup come back
    from their journals; labels given since, from theirs.

    Raises:
        UsageError: no backup, or one that is not whole.
        WarehouseBusy: others held the warehouse until the deadline.
        WarehouseError: it cannot be written.
    """
    require_whole(source)
    path = warehouse.path
    fresh = path.with_name(f".{path.name}.restored")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with locked(path, Deadline(wait_s), exclusive=True):
            _bring_journals(source, warehouse)
            _bring_labels(source, warehouse)
            shutil.copyfile(source / _FILE, fresh)
            counts = _completed(warehouse, fresh)
            kept_as = None if is_missing(path) else _kept(path)
            path.with_name(f"{path.name}.wal").unlink(missing_ok=True)  # of the file of before
            fresh.replace(path)
            publish(path)
    except OSError as error:
        raise WarehouseError(f"cannot restore {path}: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
    return Restored(*counts, kept_as)


def require_whole(source: Path) -> None:
    """Raises: UsageError: no backup, a file of it is missing or changed."""
    try:
        told = json.loads((source / _MANIFEST).read_text(encoding="utf-8"))["files"]
        bad = [name for name, digest in told.items() if _sum(source / name) != digest]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{source} is no whole backup of a warehouse: {error}") from error
    if bad or _FILE not in told:
        said = f"{bad[0]} was changed" if bad else f"no {_FILE}"
        raise UsageError(f"{source} is no whole backup of a warehouse: {said}")


def _copy(warehouse: Warehouse, fresh: Path) -> None:
    if is_missing(warehouse.path):
        raise UsageError(f"there is no warehouse {warehouse.path} yet")
    if damage := damage_of(warehouse.path):
        raise WarehouseError(
            f"{warehouse.path} is damaged ({damage}): 'goldenpath upkeep' rebuilds it"
        )
    shutil.copyfile(warehouse.path, fresh / _FILE)
    if labels_path(warehouse.path).exists():
        shutil.copyfile(labels_path(warehouse.path), fresh / _LABELS)
    for folder in (Path(), Path(DONE)):
        (fresh / "spool" / folder).mkdir(parents=True)
        for journal in pending(warehouse.spools / folder):
            shutil.copyfile(journal, fresh / "spool" / folder / journal.name)


def _bring_journals(source: Path, warehouse: Warehouse) -> None:
    """Those that are not here any more; the ones that are, are never behind the backup's."""
    here = {p.name for folder in (Path(), Path(DONE)) for p in pending(warehouse.spools / folder)}
    for folder in (Path(), Path(DONE)):
        (warehouse.spools / folder).mkdir(parents=True, exist_ok=True)
        for journal in pending(source / "spool" / folder):
            if journal.name not in here:
                shutil.copyfile(journal, warehouse.spools / folder / journal.name)


def _bring_labels(source: Path, warehouse: Warehouse) -> None:
    there, here = source / _LABELS, labels_path(warehouse.path)
    if there.exists() and not here.exists():
        shutil.copyfile(there, here)


def _completed(warehouse: Warehouse, fresh: Path) -> tuple[int, int]:
    with scratch(fresh) as connection:
        bring_up_to_date(connection)
        booked = booked_runs(connection)
        journals = [*pending(warehouse.spools / DONE), *pending(warehouse.spools)]
        later = [p for p in journals if (b := booked.get(p.stem)) is None or _grew(p, b)]
        done = absorb_all(connection, later, file=False)
        put(connection, rescued(warehouse.path))
        return len(booked_runs(connection)), len(done.committed)


def _grew(journal: Path, booked: Booked) -> bool:
    return booked.spool_bytes != journal.stat().st_size


def _kept(path: Path) -> Path:
    names = (path.with_name(f"{path.name}.before-restore-{n}") for n in range(1, 10_000))
    kept_as = next(name for name in names if not name.exists())
    os.link(path, kept_as)  # and then replaced: there is a warehouse at every moment
    return kept_as


def _write(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _sum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

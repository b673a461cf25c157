"""Copies of the warehouse: one for analysts, and one for a reader who cannot wait for a writer."""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from data.errors import WarehouseError

_COPY_MODE = 0o444
_log = logging.getLogger("goldenpath.warehouse")


def published_path(warehouse: Path) -> Path:
    """Where the analysts' copy lies: ``gate.duckdb`` → ``gate.analyst.duckdb``."""
    return warehouse.with_name(f"{warehouse.stem}.analyst{warehouse.suffix}")


def publish(warehouse: Path) -> bool:
    """Put a new analysts' copy in the place of the old one, at once for whoever opens it next.

    Whoever has the old copy open keeps it, whole. Call it with the writer's lock held and the
    warehouse closed. The copy is not synced: it can be made again at any time.

    Returns:
        False, with a warning in the log, when it could not be made; the old copy stays then.
    """
    target = published_path(warehouse)
    fresh = target.with_name(f".{target.name}.new")
    try:
        if _wal(warehouse).exists():
            raise OSError("its write-ahead log is not folded in yet")
        shutil.copyfile(warehouse, fresh)
        fresh.chmod(_COPY_MODE)
        # of somebody who opened the old copy for writing; it would be replayed into the new one
        _wal(target).unlink(missing_ok=True)
        fresh.replace(target)
    except OSError as error:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
        _log.warning("the copy for analysts %s is not renewed: %s", target, error)
        return False
    return True


@contextmanager
def copied(warehouse: Path) -> Iterator[Path]:
    """A private copy that may be written and is gone afterwards. Hold a reader's lock.

    Raises:
        WarehouseError: no room for it.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="goldenpath-read-") as folder:
            target = Path(folder) / warehouse.name
            shutil.copyfile(warehouse, target)
            yield target
    except OSError as error:
        message = f"no copy of {warehouse} for reading: {error.strerror}"
        raise WarehouseError(message) from error


def _wal(path: Path) -> Path:
    return path.with_name(f"{path.name}.wal")

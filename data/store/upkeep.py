"""Upkeep: left-over journals in, damage found and mended, the analysts' copy renewed."""

from __future__ import annotations

from typing import NamedTuple

import duckdb

from data.errors import WarehouseError
from data.store.absorb import Absorbed
from data.store.connect import first_line, is_missing
from data.store.exchange import exchange
from data.store.lock import Deadline, locked
from data.store.mend import Mended, mend
from data.store.published import publish
from data.store.warehouse import Warehouse


class Upkeep(NamedTuple):
    """What upkeep did: runs taken in, journals moved to ``done/``, and a rebuild or None."""

    committed: tuple[str, ...]
    filed: tuple[str, ...]
    mended: Mended | None


def keep_up(warehouse: Warehouse, wait_s: float) -> Upkeep:
    """Rebuild a damaged file, take in and file what is left over, and renew the analysts' copy.

    Raises:
        WarehouseBusy: held by others until the deadline.
        WarehouseError: it cannot be read or written for another reason than damage, or the
            PostgreSQL that it is shared through cannot be used; what is of this machine is done.
    """
    try:
        mended = mend(warehouse.path, Deadline(wait_s))
        done = warehouse.absorb(wait_s)
        if not is_missing(warehouse.path):
            with locked(warehouse.path, Deadline(wait_s), exclusive=True):
                publish(warehouse.path)
        if exchange(warehouse.path) is not None:  # told when it fails; all of the above is done
            done = _joined(done, warehouse.absorb(wait_s))
    except (OSError, duckdb.Error) as error:
        message = f"no upkeep of {warehouse.path}: {first_line(error)}"
        raise WarehouseError(message) from error
    return Upkeep(done.committed, done.filed, mended)


def _joined(first: Absorbed, then: Absorbed) -> Absorbed:
    committed = tuple(dict.fromkeys((*first.committed, *then.committed)))
    return then._replace(committed=committed, filed=(*first.filed, *then.filed))

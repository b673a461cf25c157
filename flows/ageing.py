"""How old samples must be to be compacted, by the clock."""

from __future__ import annotations

from datetime import timedelta

from data.store.retention import Compacted, compact
from data.store.warehouse import Warehouse
from tasks.clock import now


def compact_older(warehouse: Warehouse, n_days: int | None, wait_s: float) -> Compacted | None:
    """Compact samples of runs that began more than so many days ago; None: leave all alone."""
    if n_days is None:
        return None
    return compact(warehouse, now() - timedelta(days=n_days), wait_s)

"""How old samples must be to be compacted, by the clock."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from data.store.retention import Compacted, compact
from data.store.thinning import Thinned, thin_journals
from data.store.warehouse import Warehouse
from tasks.clock import now


class Aged(NamedTuple):
    """What became of old samples: in the warehouse, and in journals."""

    samples: Compacted
    journals: Thinned

    @property
    def said(self) -> str:
        """In one line."""
        n_runs, n_samples, n_bins = self.samples
        n_here, n_in_log, n_bytes, _ = self.journals
        return (
            f"{n_samples:,} samples of {n_runs:,} runs compacted to {n_bins:,} bins; "
            f"{n_here:,} journals {n_bytes / 1e6:,.1f} MB shorter, {n_in_log:,} in PostgreSQL"
        )


def compact_older(warehouse: Warehouse, n_days: int | None, wait_s: float) -> Aged | None:
    """Compact samples of runs that began more than so many days ago; None: leave all alone.

    Their filed journals lose them as well, here and in the PostgreSQL of a shared warehouse.
    """
    if n_days is None:
        return None
    done = compact(warehouse, now() - timedelta(days=n_days), wait_s)
    return Aged(done, thin_journals(warehouse.path))

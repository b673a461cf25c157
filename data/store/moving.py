"""A warehouse of one machine → the log that many share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from data.errors import UsageError
from data.store.absorb import ended, pending
from data.store.connect import is_missing, reading
from data.store.exchange import send
from data.store.facts import encode
from data.store.labels import rescued
from data.store.lock import Deadline
from data.store.mend import spools_of
from data.store.read import facts_of
from data.store.shared import opened
from data.store.spool import DONE


class Moved(NamedTuple):
    """What the log has of a warehouse now.

    Attributes:
        n_runs, n_labels: sent, or there before.
        going_on: runs that somebody writes right now; move again when they ended.
    """

    n_runs: int
    n_labels: int
    going_on: tuple[str, ...]


def move(warehouse: Path, address: str, wait_s: float) -> Moved:
    """Send every run and label of a DuckDB file and its journals; again changes nothing.

    The file stays as it is. A run without a journal is sent as the facts that the file has.

    Raises:
        UsageError: there is nothing to move.
        WarehouseBusy: a writer held the file until the deadline.
        WarehouseError: the file or the server cannot be used; what was sent stays sent.
    """
    spools = spools_of(warehouse)
    if is_missing(warehouse) and not pending(spools):
        raise UsageError(f"nothing to move: there is no warehouse {warehouse}")
    journals = {path: path.stat().st_size for path in sorted((spools / DONE).glob("*.jsonl"))}
    journals |= ended(spools)
    going_on = tuple(path.stem for path in pending(spools) if path not in journals)
    with opened(address) as log:
        runs = set(send(log, journals))
        for run_id, body in _without(runs | set(going_on), warehouse, wait_s):
            log.add(run_id, body)
            runs.add(run_id)
        labels = rescued(warehouse)
        log.add_labels(labels)
    return Moved(len(runs), len(labels), going_on)


def _without(known: set[str], warehouse: Path, wait_s: float) -> Iterator[tuple[str, bytes]]:
    """Runs of the file that have no journal, each as the journal that it would have."""
    with reading(warehouse, Deadline(wait_s)) as connection:
        for (run_id,) in connection.execute("SELECT run_id FROM store.commits").fetchall():
            if run_id not in known and (facts := facts_of(connection, run_id)):
                yield run_id, "".join(encode(fact) + "\n" for fact in facts).encode()

"""Journals that lose their samples: what stays exactly, on which machine, and what is left alone."""

from __future__ import annotations

import logging
from pathlib import Path

import psycopg
import pytest

from data.errors import SpoolError
from data.store.absorb import absorb_all
from data.store.connect import in_memory
from data.store.exchange import exchange
from data.store.facts import encode
from data.store.mend import damage_of
from data.store.retention import compact
from data.store.shared import opened
from data.store.spool import is_thin
from data.store.thinning import Thinned, thin_journals
from data.store.upkeep import keep_up
from data.store.warehouse import Warehouse
from tests.postgresql import binaries
from tests.store.runs import at, samples
from tests.store.test_retention import NUMBERS, asked, one
from tests.store.test_shared import address, machine, server, shown
from tests.store.test_upkeep import scribble

__all__ = ["address", "server"]  # fixtures


def filled(warehouse: Warehouse) -> Warehouse:
    """Four runs with their journals filed, two of them of one deployment."""
    for n in range(1, 5):
        facts = one(n, "together" if n < 3 else None)
        with warehouse.open_spool(f"run-{n}") as spool:
            spool.append_all(facts)
    warehouse.absorb()
    return warehouse


def told(warehouse: Warehouse) -> dict[str, list[str]]:
    """Every row of every view; means of several runs depend on the order of adding in the last digit."""
    numbers = [repr(row) for row in asked(warehouse, NUMBERS)]
    return shown(warehouse) | {"metric_by_deployment": numbers}


def thinned(warehouse: Warehouse) -> Thinned:
    compact(warehouse, at(4), 5.0, n_kept_raw=1)
    return thin_journals(warehouse.path)


@pytest.mark.soak
def test_a_warehouse_that_is_rebuilt_from_thin_journals_says_the_same_of_every_run(
    warehouse: Warehouse,
) -> None:
    filled(warehouse)
    size = sum(p.stat().st_size for p in warehouse.spools.rglob("*.jsonl"))
    done = thinned(warehouse)
    assert (done.n_here, done.n_in_log) == (3, 0)
    assert sum(p.stat().st_size for p in warehouse.spools.rglob("*.jsonl")) == size - done.n_bytes
    assert thin_journals(warehouse.path) == Thinned()
    assert is_thin(warehouse.spools / "run-1.jsonl") and not is_thin(
        warehouse.spools / "run-4.jsonl"
    )
    before = told(warehouse)
    for path in warehouse.path.parent.glob("*.duckdb"):
        path.unlink()  # the copy for analysts, too
    for path in (warehouse.spools / "done").iterdir():
        path.rename(warehouse.spools / path.name)
    keep_up(warehouse, 5.0)
    assert told(warehouse) == before
    assert damage_of(warehouse.path) == ""
    with pytest.raises(SpoolError, match="cannot go on: its old samples were compacted"):
        warehouse.open_spool("run-1")


@pytest.mark.soak
def test_numbers_of_several_runs_together_are_the_same_from_thin_journals(
    warehouse: Warehouse,
) -> None:
    filled(warehouse)
    thinned(warehouse)
    before = asked(warehouse, NUMBERS)
    with in_memory() as connection:
        absorb_all(connection, sorted((warehouse.spools / "done").iterdir()), file=False)
        assert connection.execute(NUMBERS).fetchall() == before
        assert connection.execute("SELECT DISTINCT run_id FROM samples").fetchall() == [("run-4",)]
    scribble(warehouse.path)
    assert keep_up(warehouse, 5.0).mended is not None
    assert asked(warehouse, NUMBERS) == before


def test_a_journal_with_other_samples_than_were_compacted_stays_as_it_is(
    warehouse: Warehouse, caplog: pytest.LogCaptureFixture
) -> None:
    filled(warehouse)
    compact(warehouse, at(4), 5.0, n_kept_raw=1)
    path = warehouse.spools / "done" / "run-2.jsonl"
    more = "".join(encode(fact) + "\n" for fact in samples(2, [1.0], "of another time"))
    path.write_text(path.read_text() + more)
    with caplog.at_level(logging.WARNING):
        assert thin_journals(warehouse.path).n_here == 2
    assert path.read_text().endswith(more)
    assert "run-2 has 321 samples, the warehouse compacted 320: it stays" in caplog.text


@pytest.mark.soak
@pytest.mark.skipif(binaries() is None, reason="no PostgreSQL server installed here")
def test_the_shared_log_loses_old_samples_and_no_machine_a_number(
    address: str, tmp_path: Path
) -> None:
    ours, theirs = machine(address, tmp_path / "1"), machine(address, tmp_path / "2")
    filled(ours)
    with opened(address) as log:
        log.add("run-1", "".join(encode(fact) + "\n" for fact in one(1)[:5]).encode())  # cut off
    keep_up(theirs, 10.0)
    before = asked(ours, NUMBERS), told(theirs)
    size = _stored(address)
    done = thinned(ours)
    assert (done.n_here, done.n_in_log, done.n_dropped) == (3, 3, 0)  # it came after the longer
    assert _stored(address) < size
    assert thinned(ours) == Thinned()
    new = machine(address, tmp_path / "3")
    keep_up(new, 10.0)
    assert told(new) == told(ours)
    for place in (ours, theirs, new):  # read from the beginning, nothing is sent or fetched anew
        place.path.with_name(f"{place.path.name}.seen.json").unlink()
        seen = told(place)
        keep_up(place, 10.0)
        assert told(place) == seen
        assert exchange(place.path) == {}
    assert told(theirs) == before[1]
    assert [row[:4] for row in asked(new, NUMBERS)] == [row[:4] for row in before[0]]
    assert _n_rows(address) == 5


@pytest.mark.soak
@pytest.mark.skipif(binaries() is None, reason="no PostgreSQL server installed here")
def test_a_shorter_journal_goes_once_its_run_is_compacted(address: str, tmp_path: Path) -> None:
    ours = machine(address, tmp_path / "1")
    with opened(address) as log:
        log.add("run-1", "".join(encode(fact) + "\n" for fact in one(1)[:5]).encode())
    filled(ours)
    assert _n_rows(address) == 5
    assert thinned(ours).n_dropped == 1
    assert _n_rows(address) == 4
    new = machine(address, tmp_path / "2")
    keep_up(new, 10.0)
    assert told(new) == told(ours)


def _stored(address: str) -> int:
    with psycopg.connect(address) as connection:
        row = connection.execute("SELECT sum(length(body))::int FROM goldenpath.journal").fetchone()
    return row[0] if row else 0


def _n_rows(address: str) -> int:
    with psycopg.connect(address) as connection:
        row = connection.execute("SELECT count(*) FROM goldenpath.journal").fetchone()
    return row[0] if row else 0

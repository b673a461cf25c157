"""A damaged warehouse is found, kept and rebuilt; a sound one is left alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from data.errors import WarehouseBusy, WarehouseError
from data.store.fold import evidence_of
from data.store.mend import damage_of
from data.store.published import published_path
from data.store.upkeep import keep_up
from data.store.warehouse import Warehouse
from tests.store.runs import run
from tests.store.test_published import analyst, n_runs_in, spooled

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LABELS = 'SELECT run_id, label, note, "by" FROM store.labels'
_BLOCKS_AT = 3 * 4096  # after DuckDB's three headers


@pytest.fixture
def filled(warehouse: Warehouse) -> Warehouse:
    for n in (1, 2):
        spooled(warehouse, n)
    warehouse.absorb()  # journals are in done/ now
    return warehouse


def truncate(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 3)


def flip(path: Path) -> None:
    """One bit of every block, so that one in use is among them."""
    whole = bytearray(path.read_bytes())
    for at in range(_BLOCKS_AT + 5000, len(whole), 262_144):
        whole[at] ^= 1
    path.write_bytes(whole)


def lose_a_row(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("DELETE FROM store.test WHERE run_id = 'run-1' AND test_id = 'a'")


def break_the_root(path: Path) -> None:
    """One bit of every page, so that the file cannot even be opened."""
    whole = bytearray(path.read_bytes())
    for at in range(_BLOCKS_AT + 8, len(whole), 4096):
        whole[at] ^= 1
    path.write_bytes(whole)


def scribble(path: Path) -> None:
    path.write_bytes(b"\0" * path.stat().st_size)


@pytest.mark.parametrize("damage", [truncate, flip, lose_a_row, scribble])
def test_damage_is_named_and_the_warehouse_rebuilt_from_its_journals(
    filled: Warehouse, damage: object
) -> None:
    assert callable(damage)
    damage(filled.path)
    broken = filled.path.read_bytes()
    mended = keep_up(filled, 5.0).mended
    assert mended is not None and mended.damage and mended.n_runs == 2
    assert mended.kept_as.read_bytes() == broken
    assert damage_of(filled.path) == ""
    assert all(filled.evidence(f"run-{n}") == evidence_of(run(n)) for n in (1, 2))
    assert n_runs_in(filled.path.with_name("gate.analyst.duckdb")) == 2


def test_a_sound_warehouse_is_left_as_it_is_and_left_over_journals_are_taken_in(
    filled: Warehouse,
) -> None:
    spooled(filled, 3)
    done = keep_up(filled, 5.0)
    assert (done.committed, done.filed, done.mended) == (("run-3",), ("run-3",), None)
    assert keep_up(filled, 5.0) == ((), (), None)
    assert list(filled.path.parent.glob("*damaged*")) == []


def test_what_no_journal_has_comes_from_the_analysts_copy(filled: Warehouse) -> None:
    filled.commit(run(3))  # brought in from elsewhere, without a journal
    filled.label("run-2", "bad", "users complained", "ann", NOW)
    truncate(filled.path)
    mended = keep_up(filled, 5.0).mended
    assert mended is not None and (mended.n_runs, mended.n_labels) == (3, 1)
    assert filled.evidence("run-3") == evidence_of(run(3))
    assert filled.query(LABELS)[1] == [("run-2", "bad", "users complained", "ann")]


def test_where_the_copy_is_damaged_too_journals_are_enough(filled: Warehouse) -> None:
    filled.label("run-2", "bad", "", "ann", NOW)
    for path in (filled.path, published_path(filled.path)):
        path.chmod(0o644)
        truncate(path)
    mended = keep_up(filled, 5.0).mended
    assert mended is not None and (mended.n_runs, mended.n_labels) == (2, 1)  # of their journal


@pytest.mark.parametrize(
    ("damage", "use"),
    [(truncate, "read"), (break_the_root, "take in"), (truncate, "judge")]
    + [
        pytest.param(damage, use, marks=pytest.mark.soak)
        for damage in (truncate, break_the_root)
        for use in ("write", "label", "read", "judge")
    ],
)
def test_nobody_has_to_be_asked_before_a_file_that_cannot_be_opened_is_rebuilt(
    filled: Warehouse, damage: Callable[[Path], None], use: str
) -> None:
    spooled(filled, 3)
    damage(filled.path)
    if use == "read":
        assert filled.query("SELECT count(*) FROM runs")[1] == [(3,)]
    elif use == "write":
        filled.commit(run(4))
    elif use == "take in":
        assert filled.take_in()
    elif use == "judge":
        assert filled.history("shop", "staging", "run-3").readable
    else:
        filled.label("run-1", "good", "", "ann", NOW)
    assert filled.take_in()
    assert len(list(filled.path.parent.glob("*damaged-1"))) == 1
    assert damage_of(filled.path) == ""
    assert n_runs_in(filled.path) == 3 + (use == "write")


def test_without_journals_a_damaged_file_stays_where_it_is(warehouse: Warehouse) -> None:
    warehouse.commit(run(1))
    published_path(warehouse.path).unlink()
    truncate(warehouse.path)
    broken = warehouse.path.read_bytes()
    with pytest.raises(WarehouseError, match=r"no journal .* put a backup in its place"):
        keep_up(warehouse, 5.0)
    assert warehouse.path.read_bytes() == broken


def test_a_warehouse_of_a_newer_gate_is_not_damaged(filled: Warehouse) -> None:
    with duckdb.connect(str(filled.path)) as connection:
        connection.execute("INSERT INTO store.migrations VALUES (9999, 'later', now())")
        connection.execute("DROP TABLE store.test CASCADE")
    with pytest.raises(WarehouseError, match="upgrade golden-path"):
        keep_up(filled, 5.0)
    assert list(filled.path.parent.glob("*damaged*")) == []


def test_tables_that_hold_no_facts_are_no_damage(filled: Warehouse) -> None:
    with duckdb.connect(str(filled.path)) as connection:
        connection.execute("CREATE TABLE store.later AS SELECT 'run-1' AS run_id")
    assert keep_up(filled, 5.0).mended is None


def test_a_warehouse_that_somebody_writes_is_busy_and_not_damaged(filled: Warehouse) -> None:
    with analyst(filled.path, "writes"), pytest.raises(WarehouseBusy):
        keep_up(filled, 0.1)
    assert list(filled.path.parent.glob("*damaged*")) == []

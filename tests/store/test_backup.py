"""A backup is whole or not there; a restore loses nothing that came after it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from data.errors import UsageError, WarehouseError
from data.store.backup import back_up, restore, thin_out
from data.store.mend import damage_of
from data.store.upkeep import keep_up
from data.store.warehouse import Warehouse
from tests.store.runs import at
from tests.store.test_published import n_runs_in, spooled
from tests.store.test_upkeep import flip, scribble, truncate


@pytest.fixture
def saved(warehouse: Warehouse, tmp_path: Path) -> Path:
    """A backup of one run with a label."""
    spooled(warehouse, 1)
    warehouse.absorb()
    warehouse.label("run-1", "bad", "a note", "a person", at(5))
    back_up(warehouse, tmp_path / "saved", 5.0)
    return tmp_path / "saved"


def labels(warehouse: Warehouse) -> list[tuple[str, str]]:
    return [(r, x) for r, x in warehouse.query("SELECT run_id, label FROM runs ORDER BY 1")[1] if x]


def test_a_restore_brings_back_what_was_and_what_came_after(
    warehouse: Warehouse, saved: Path
) -> None:
    spooled(warehouse, 2)
    warehouse.absorb()
    warehouse.label("run-2", "good", "", "a person", at(6))
    scribble(warehouse.path)
    done = restore(warehouse, saved, 5.0)
    assert (done.n_runs, done.n_later) == (2, 1)
    assert done.kept_as is not None and done.kept_as.exists()
    assert labels(warehouse) == [("run-1", "bad"), ("run-2", "good")]
    assert damage_of(warehouse.path) == ""


def test_a_restore_into_an_empty_place_brings_the_journals_too(saved: Path, tmp_path: Path) -> None:
    elsewhere = Warehouse(tmp_path / "new" / "w.duckdb")
    assert restore(elsewhere, saved, 5.0) == (1, 0, None)
    assert labels(elsewhere) == [("run-1", "bad")]
    scribble(elsewhere.path)
    assert keep_up(elsewhere, 5.0).mended is not None
    assert labels(elsewhere) == [("run-1", "bad")]


def test_a_damaged_warehouse_is_not_backed_up(warehouse: Warehouse, saved: Path) -> None:
    truncate(warehouse.path)
    with pytest.raises(WarehouseError, match="is damaged"):
        back_up(warehouse, saved.with_name("second"), 5.0)
    assert sorted(p.name for p in saved.parent.glob("*second*")) == []


def test_a_backup_that_was_changed_is_refused_and_nothing_is_touched(
    warehouse: Warehouse, saved: Path
) -> None:
    flip(saved / "warehouse.duckdb")
    before = warehouse.path.read_bytes()
    with pytest.raises(UsageError, match="was changed"):
        restore(warehouse, saved, 5.0)
    assert warehouse.path.read_bytes() == before


@pytest.mark.parametrize("make", [lambda p: None, lambda p: p.mkdir()])
def test_a_folder_that_is_no_backup_is_refused(
    warehouse: Warehouse, tmp_path: Path, make: object
) -> None:
    assert callable(make)
    make(tmp_path / "no")
    with pytest.raises(UsageError, match="no whole backup"):
        restore(warehouse, tmp_path / "no", 5.0)


def test_a_backup_replaces_no_other(warehouse: Warehouse, saved: Path) -> None:
    with pytest.raises(UsageError, match="exists already"):
        back_up(warehouse, saved, 5.0)


def test_a_rebuilt_warehouse_keeps_labels_and_comments(warehouse: Warehouse, saved: Path) -> None:
    scribble(warehouse.path)
    assert keep_up(warehouse, 5.0).mended is not None
    assert labels(warehouse) == [("run-1", "bad")]
    said = warehouse.query("SELECT comment FROM duckdb_tables() WHERE table_name = 'ended'")[1]
    assert said[0][0].startswith("computed: one row a run and test")
    assert n_runs_in(warehouse.path) == 1


def test_old_backups_go_only_when_the_newest_is_whole_and_nothing_else_does(
    warehouse: Warehouse, saved: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "nightly"
    names = [f"2026010{n}T020000Z" for n in range(1, 6)]
    for name in (*names, "before-the-move"):
        shutil.copytree(saved, folder / name)
    (folder / "20250101T000000Z").mkdir()  # no backup of ours
    assert [path.name for path in thin_out(folder, 3)] == names[:2]
    left = {*names[2:], "before-the-move", "20250101T000000Z"}
    assert {path.name for path in folder.iterdir()} == left
    truncate(folder / names[-1] / "warehouse.duckdb")
    with pytest.raises(UsageError):
        thin_out(folder, 1)
    assert {path.name for path in folder.iterdir()} == left

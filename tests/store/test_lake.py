"""Laws of the lake: what the warehouse says, whole files, and no more work than what changed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from data.errors import WarehouseBusy, WarehouseError
from data.records.facts import Fact
from data.store.connect import look
from data.store.lake import LIST, Lake, write_lake
from data.store.lake_places import Folder
from data.store.migrate import VIEWS
from data.store.published import published_path
from data.store.retention import compact
from data.store.warehouse import Warehouse
from tests.store.runs import at, cell, run, test_result

ODD = "Zürich / 1=2 'a' %41 ?*"


def in_plan(facts: list[Fact], plan: str) -> list[Fact]:
    return [facts[0].model_copy(update={"plan": plan}), *facts[1:]]


def audit(n: int) -> list[Fact]:
    """An audit in which test `a` turned red, begun at hour n under a name of its own."""
    facts = [*run(n), cell(n, "a", True)]
    facts[0] = facts[0].model_copy(update={"purpose": "audit"})
    return [fact.model_copy(update={"run_id": f"audit-{n}"}) for fact in facts]


def clients(lake: Path) -> duckdb.DuckDBPyConnection:
    """What an analyst has who was given the folder, wherever it lies now."""
    connection = duckdb.connect()
    connection.execute("SET VARIABLE lake = $lake", {"lake": str(lake)})
    connection.execute((next(lake.parent.glob(lake.name)) / "views.sql").read_text())
    return connection


def require_equal(warehouse: Warehouse, lake: Path) -> None:
    with look(published_path(warehouse.path)) as ours, clients(lake) as theirs:
        for view in VIEWS:
            mine, his = (
                [row[:2] for row in one.execute(f"DESCRIBE {view}").fetchall()]
                for one in (ours, theirs)
            )
            assert his == mine, view
            asked = f"SELECT v::VARCHAR FROM {view} AS v ORDER BY ALL"
            assert theirs.execute(asked).fetchall() == ours.execute(asked).fetchall(), view


def written(warehouse: Warehouse, lake: Path) -> Lake:
    done = write_lake(warehouse.path, lake, 5.0)
    require_equal(warehouse, lake)
    assert write_lake(warehouse.path, lake, 5.0)[::2] == (0, 0), "twice is not as once"
    return done


CHANGES: dict[str, Callable[[Warehouse], object]] = {
    "a run in another month and plan": lambda w: w.commit(in_plan(run(900), ODD)),
    "an audit before the run, that comes late": lambda w: w.commit(audit(1)),
    "an audit after it, in another month": lambda w: w.commit(audit(1500)),
    "a label": lambda w: w.label("run-2", "bad", "", "a person", at(9)),
    "a run that was resumed": lambda w: w.commit(run(2, "HOLD", test_result(2, "c", "FAIL"))),
    "samples compacted": lambda w: compact(w, at(4), 5.0, n_kept_raw=0),
    "a deployment that goes on in the next month": lambda w: w.commit(
        [run(1000)[0].model_copy(update={"deployment_id": "dep-3"}), *run(1000)[1:]]
    ),
    "another plan for the same run": lambda w: w.commit(in_plan(run(2), "moved")),
}


def test_the_lake_says_in_every_view_what_the_warehouse_says(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    lake = tmp_path / "it's a lake"
    assert write_lake(tmp_path / "none.duckdb", lake, 1.0) == Lake() and not lake.exists()
    warehouse.commit([*run(2), *run(3, "HOLD", test_result(3, "c", "FAIL", signature="s"))])
    warehouse.commit(in_plan(run(900), ODD))
    assert write_lake(warehouse.path, lake, 5.0).n_kept == 0
    require_equal(warehouse, lake)
    assert write_lake(warehouse.path, lake, 5.0)[::2] == (0, 0), "twice is not as once"


@pytest.mark.soak
def test_only_parts_that_say_something_else_are_written_anew(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    lake = tmp_path / "lake"
    warehouse.commit([*run(2), *run(3)])
    assert written(warehouse, lake).n_kept == 0
    warehouse.commit(in_plan(run(900), ODD))
    first = {path: path.stat().st_ino for path in lake.rglob("part.parquet")}
    done = write_lake(warehouse.path, lake, 5.0)
    require_equal(warehouse, lake)
    assert done.n_kept > done.n_written > 0
    inode = {path: path.stat().st_ino for path in lake.rglob("plan=shop/**/part.parquet")}
    assert all(first[path] == was for path, was in inode.items()), "an old month was written anew"


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(4))
def test_it_does_so_after_any_changes_in_any_order(
    warehouse: Warehouse, tmp_path: Path, seed: int
) -> None:
    lake, dice = tmp_path / "lake", random.Random(seed)
    warehouse.commit([*run(2), *run(3)])
    written(warehouse, lake)
    for what in dice.sample(sorted(CHANGES), len(CHANGES)):
        CHANGES[what](warehouse)
        assert written(warehouse, lake).n_written > 0, what


@pytest.mark.soak
def test_lost_cut_and_foreign_files_are_seen_and_other_views_written_anew(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = tmp_path / "lake"
    warehouse.commit([*run(2), *run(3)])
    n_files = written(warehouse, lake).n_written
    lost, cut, *_ = sorted(lake.rglob("part.parquet"))
    lost.unlink()
    cut.write_bytes(cut.read_bytes()[:-9])
    (lake / "notes.txt").write_text("of somebody else")
    assert written(warehouse, lake).n_written == 2
    (lake / LIST).write_text("{")
    assert written(warehouse, lake).n_written == n_files
    monkeypatch.setattr("data.store.lake.views_digest", lambda: "of another version")
    assert written(warehouse, lake).n_written == n_files
    assert (lake / "notes.txt").exists()


@pytest.mark.soak
def test_lakes_of_several_warehouses_are_asked_together(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    other = Warehouse(tmp_path / "other.duckdb")
    warehouse.commit(run(2))
    other.commit(in_plan(run(3), "payments"))
    for name, one in (("a", warehouse), ("b", other)):
        write_lake(one.path, tmp_path / "lakes" / name, 5.0)
    with clients(tmp_path / "lakes" / "*") as connection:
        found = connection.execute("SELECT plan, run_id FROM runs ORDER BY ALL").fetchall()
    assert found == [("payments", "run-3"), ("shop", "run-2")]


def test_a_place_that_cannot_hold_it_and_a_second_writer_are_told(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    warehouse.commit(run(2))
    (tmp_path / "file").write_text("")
    with pytest.raises(WarehouseError, match="cannot write the lake"):
        write_lake(warehouse.path, tmp_path / "file" / "lake", 1.0)
    (tmp_path / "lake").mkdir()
    with Folder(tmp_path / "lake").alone(), pytest.raises(WarehouseBusy, match="writes the lake"):
        write_lake(warehouse.path, tmp_path / "lake", 1.0)


WRITE = """
import sys
from pathlib import Path
from data.store.lake import write_lake
print("begin", flush=True)
write_lake(Path(sys.argv[1]), Path(sys.argv[2]), 5.0)
"""


@pytest.mark.soak
def test_kills_at_any_moment_leave_whole_files_and_the_next_writing_cures_it(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    lake, dice, n_killed = tmp_path / "lake", random.Random(3), 0
    for n in range(2, 22):
        warehouse.commit(run(n * 300))
        command = [sys.executable, "-c", WRITE, str(warehouse.path), str(lake)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None and process.stdout.readline()
            time.sleep(dice.uniform(0, 0.6))
            os.kill(process.pid, signal.SIGKILL)
            n_killed += process.wait() == -signal.SIGKILL
        for path in lake.rglob("*/*.parquet"):
            if not path.name.startswith("."):
                duckdb.execute("SELECT count(*) FROM read_parquet(?)", [str(path)]).fetchall()
    assert n_killed > 5
    write_lake(warehouse.path, lake, 5.0)
    require_equal(warehouse, lake)
    assert list(lake.rglob("*.new")) == []

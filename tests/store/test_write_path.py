"""Attacks on the write path: whatever is in the way, no run is lost, doubled or cut short."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

import duckdb
import pytest

from data.errors import GoldenPathError
from data.records.facts import Fact
from data.store import spool as spools
from data.store.facts import encode
from data.store.fold import fold
from data.store.mend import damage_of
from data.store.spool import DONE
from data.store.upkeep import keep_up
from data.store.warehouse import Warehouse
from tests.docs.pages import ROOT
from tests.store import crashing
from tests.store.runs import at, run, test_result
from tests.store.test_published import spooled


def written(warehouse: Warehouse, facts: list[Fact]) -> None:
    with warehouse.open_spool(facts[0].run_id) as journal:
        journal.append_all(facts)


def as_stored(facts: list[Fact]) -> dict[str, str]:
    return {encode(fact): "" for fact in fold(facts)}


def require_holds(warehouse: Warehouse, *runs: list[Fact]) -> None:
    """Exactly these runs, each with exactly these facts."""
    assert {one.run_id for one in warehouse.runs(1000)} == {facts[0].run_id for facts in runs}
    for facts in runs:
        assert as_stored(list(warehouse.facts(facts[0].run_id))) == as_stored(facts)


LATE = test_result(2, "late", "FAIL")


def test_a_journal_that_is_filed_while_it_is_opened_again_goes_on_where_it_was(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look for a filed journal and the opening another process files it."""
    written(warehouse, run(2))
    real, filed = os.open, []

    def slow_open(path: Path, flags: int, *more: int, **named: int) -> int:
        if str(path).endswith("run-2.jsonl") and flags & os.O_APPEND and not filed:
            filed.append(warehouse.absorb().filed)
        return real(path, flags, *more, **named)

    monkeypatch.setattr(spools.os, "open", slow_open)
    with warehouse.open_spool("run-2") as journal:
        journal.append(LATE)
    assert filed == [("run-2",)]
    monkeypatch.undo()
    warehouse.absorb()
    require_holds(warehouse, [*run(2), LATE])


@pytest.mark.soak
def test_a_second_journal_of_a_filed_run_adds_to_it_and_replaces_nothing(
    warehouse: Warehouse,
) -> None:
    """A journal of one run id that was written elsewhere and copied here."""
    written(warehouse, run(2))
    warehouse.absorb()
    filed = warehouse.spools / DONE / "run-2.jsonl"
    assert filed.exists()
    other = warehouse.spools / "run-2.jsonl"
    other.write_text("\n".join(map(encode, [run(2)[0], LATE])) + "\n")
    warehouse.absorb()
    require_holds(warehouse, [*run(2), LATE])
    warehouse.path.unlink()
    warehouse.path.write_bytes(b"damaged" * 1000)
    keep_up(warehouse, 10.0)
    require_holds(warehouse, [*run(2), LATE])


@pytest.mark.soak
def test_a_later_label_counts_also_when_the_clock_was_put_back(warehouse: Warehouse) -> None:
    written(warehouse, run(2))
    warehouse.label("run-2", "bad", "it broke", "ann", at(9))
    warehouse.label("run-2", "good", "it did not", "ann", at(9) - timedelta(hours=5))
    said = "SELECT label FROM labels WHERE source = 'person'"
    assert warehouse.query(said)[1] == [("good",)]
    warehouse.path.write_bytes(b"damaged" * 1000)
    keep_up(warehouse, 10.0)
    assert warehouse.query(said)[1] == [("good",)]


@pytest.mark.soak
def test_a_link_and_its_file_are_one_warehouse(warehouse: Warehouse, tmp_path: Path) -> None:
    link = tmp_path / "elsewhere" / "w.duckdb"
    link.parent.mkdir()
    link.symlink_to(warehouse.path)
    spooled(Warehouse(link), 2)
    spooled(warehouse, 3)
    assert Warehouse(link).path == warehouse.path
    require_holds(warehouse, run(2), run(3))
    warehouse.path.write_bytes(b"damaged" * 1000)
    keep_up(Warehouse(link), 10.0)
    require_holds(Warehouse(link), run(2), run(3))
    assert link.is_symlink()


@pytest.mark.soak
def test_a_journal_of_a_newer_gate_is_not_taken_for_whole(warehouse: Warehouse) -> None:
    facts = run(2)
    lines = [encode(fact) for fact in facts]
    lines.insert(2, '{"v":1,"kind":"of-tomorrow","body":{"run_id":"run-2"}}')
    journal = warehouse.spools / "run-2.jsonl"
    journal.parent.mkdir(exist_ok=True)
    journal.write_text("\n".join(lines) + "\n")
    warehouse.absorb()
    require_holds(warehouse, facts)
    assert journal.exists(), "filed, though a newer gate has more to take from it"
    journal.write_text(
        "\n".join(lines).replace(
            '"of-tomorrow","body":{"run_id":"run-2"}', encode(LATE)[len('{"v":1,"kind":') : -1]
        )
        + "\n"
    )
    warehouse.absorb()
    require_holds(warehouse, [*facts, LATE])


def _as_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _as_other(path: Path) -> None:
    path.unlink()
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE mine (a INT)")


def _as_newer(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("INSERT INTO store.migrations VALUES (999, 'tomorrow', now())")


def _as_text(path: Path) -> None:
    path.write_text("no database" * 500)


def _as_dangling(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.parent / "no" / "such.duckdb")


@pytest.mark.soak
@pytest.mark.parametrize("spoil", [_as_folder, _as_other, _as_newer, _as_text, _as_dangling])
def test_what_is_put_in_its_place_is_told_by_its_name_and_no_run_is_lost(
    warehouse: Warehouse, spoil: Callable[[Path], None]
) -> None:
    written(warehouse, run(2))
    warehouse.absorb()
    spoil(warehouse.path)
    written(warehouse, run(3))
    for attempt in (warehouse.take_in, warehouse.absorb, partial(keep_up, warehouse, 1.0)):
        try:
            attempt()
        except GoldenPathError as error:
            assert str(warehouse.path) in str(error) and "Errno" not in str(error)
    if spoil not in (_as_text, _as_dangling):  # these two hold nothing of anybody: built again
        assert not warehouse.history("shop", "staging", "run-3").readable
        warehouse.path.rmdir() if warehouse.path.is_dir() else warehouse.path.unlink()
    require_holds(warehouse, run(2), run(3))


@pytest.mark.parametrize("left", [pytest.param(None, marks=pytest.mark.soak), b""])
def test_a_warehouse_that_is_gone_or_empty_is_built_again_from_what_is_filed(
    warehouse: Warehouse, left: bytes | None
) -> None:
    written(warehouse, run(2))
    warehouse.absorb()
    warehouse.label("run-2", "bad", "", "ann", at(9))
    warehouse.path.unlink()
    if left is not None:
        warehouse.path.write_bytes(left)
    assert [one.run_id for one in warehouse.runs()] == ["run-2"]
    assert warehouse.query("SELECT label FROM labels WHERE source = 'person'")[1] == [("bad",)]
    shutil.rmtree(warehouse.spools)
    warehouse.path.unlink()
    assert warehouse.runs() == [], "whoever wants to begin anew removes the journals, too"


@pytest.mark.soak
@pytest.mark.parametrize("work", ["record", "label", "rebuild"])
def test_a_kill_before_any_step_loses_nothing_and_doubles_nothing(
    warehouse: Warehouse, tmp_path: Path, work: str
) -> None:
    """Then the same work is done again, as a run that is resumed or a command that is repeated."""
    written(warehouse, run(3))
    warehouse.absorb()
    if work == "rebuild":
        written(warehouse, run(2))
        warehouse.path.write_bytes(b"damaged" * 1000)
    n_killed, step, expected = 0, 0, [run(3)] if work == "label" else [run(2), run(3)]
    while True:
        step += 1
        folder = tmp_path / f"step-{step}"
        shutil.copytree(warehouse.path.parent, folder)
        here = Warehouse(folder / warehouse.path.name, wait_s=10.0)
        command = [sys.executable, "-m", "tests.store.crashing", str(here.path), work, str(step)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL, done.stderr
        n_killed += 1
        if work != "rebuild":  # such a file is not read before upkeep has looked at it
            assert "run-3" in {one.run_id for one in here.runs(100)}, f"lost at step {step}"
            assert as_stored(run(3)).keys() <= as_stored(list(here.facts("run-3"))).keys()
        getattr(crashing, work)(here)
        if work == "record":
            with here.open_spool("run-2") as journal:
                journal.append_all(run(2))
            here.absorb()
            require_holds(here, run(2), crashing.EARLIER)
        else:
            require_holds(here, *expected)
        if work == "label":
            said = "SELECT label FROM labels WHERE source = 'person'"
            assert here.query(said)[1] == [("bad",)]
        assert damage_of(here.path) == ""
        assert not list(folder.rglob("*.new")), "left behind"
        shutil.rmtree(folder)
    print(f"{work}: killed before each of {n_killed} steps")
    assert n_killed + 1 == step and n_killed > 3

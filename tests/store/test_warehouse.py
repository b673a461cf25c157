"""Laws of the warehouse: exact, once, never in part, clear when it cannot."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings

from data.errors import UsageError, WarehouseError
from data.records.facts import Fact, RunStarted
from data.records.verdict import Acted
from data.store.connect import Connection, in_memory
from data.store.facts import KINDS
from data.store.fold import evidence_of, fold, run_view_of
from data.store.load import bundle_of, store
from data.store.lock import Deadline, locked
from data.store.migrate import VIEWS
from data.store.read import facts_of
from data.store.warehouse import Warehouse
from tests.store.runs import at, n_rows, run, started, test_result, verdict
from tests.store.strategies import RUN, journals


def spooled(warehouse: Warehouse, facts: list[Fact]) -> Path:
    with warehouse.open_spool(facts[0].run_id) as spool:
        for fact in facts:
            spool.append(fact)
        return spool.path


@pytest.fixture(scope="module")
def scratch() -> Iterator[Connection]:
    with in_memory() as connection:
        yield connection


@settings(max_examples=20, deadline=None)
@given(journals())
def test_evidence_read_back_is_the_evidence_that_was_seen(
    scratch: Connection, journal: list[Fact]
) -> None:
    store(scratch, bundle_of(RUN, fold(journal)))  # over what the example before left of this run
    assert facts_of(scratch, RUN) == fold(journal)
    assert evidence_of(facts_of(scratch, RUN)) == evidence_of(journal)


def test_a_second_commit_changes_nothing_and_an_other_one_replaces(warehouse: Warehouse) -> None:
    warehouse.commit(run(1))
    warehouse.commit(run(2))
    before = n_rows(warehouse)
    warehouse.commit([*run(1), *run(1)])
    assert n_rows(warehouse) == before
    acted = Acted(run_id="run-1", action="promote", outcome="done", at=at(1))
    warehouse.commit([*run(1), acted])
    assert n_rows(warehouse) == before + 1
    assert warehouse.view("run-1").acted == (acted,)
    warehouse.commit(run(1))
    assert n_rows(warehouse) == before


def test_several_runs_in_one_commit(warehouse: Warehouse) -> None:
    warehouse.commit([*run(1), *run(2)])
    assert warehouse.evidence("run-2") == evidence_of(run(2))


def test_very_long_texts_are_kept(warehouse: Warehouse) -> None:
    log = "é" * 4_500_000  # above read_json's own limit of an object
    long = test_result(1, "a", "FAIL").model_copy(update={"detail": log})
    warehouse.commit([started(1), long])
    assert warehouse.evidence("run-1").tests == (long,)


def test_a_commit_without_a_start_is_refused(warehouse: Warehouse) -> None:
    with pytest.raises(WarehouseError, match="no RunStarted"):
        warehouse.commit([verdict(1)])


def test_a_load_that_loses_rows_changes_nothing() -> None:
    with in_memory() as connection:
        store(connection, bundle_of("run-1", run(1)))
        lost = [*run(2), test_result(3, "stray", "PASS")]  # one row lands in another run
        with pytest.raises(WarehouseError, match=r"rows were lost in loading \(test: 2 of 3\)"):
            store(connection, bundle_of("run-2", lost))
        assert facts_of(connection, "run-1") == tuple(run(1))
        assert facts_of(connection, "run-2") == facts_of(connection, "run-3") == ()


def test_rows_that_come_back_otherwise_than_written_change_nothing() -> None:
    with in_memory() as connection:
        bundle = bundle_of("run-1", run(1))
        last = len(bundle.rows)
        turned = tuple((kind, last - place, body) for kind, place, body in bundle.rows)
        with pytest.raises(WarehouseError, match="are not those written"):
            store(connection, bundle._replace(rows=turned))
        assert facts_of(connection, "run-1") == ()


def test_a_value_that_does_not_fit_its_column_changes_nothing(warehouse: Warehouse) -> None:
    warehouse.commit(run(1))
    huge = test_result(1, "a", "PASS").model_copy(update={"sent_bytes": 2**70})
    with pytest.raises(WarehouseError, match="cannot write the warehouse"):
        warehouse.commit([started(1), huge])
    assert warehouse.evidence("run-1") == evidence_of(run(1))


# --- spools and warehouse as one


def test_a_run_that_goes_on_is_seen(warehouse: Warehouse) -> None:
    warehouse.commit(run(1))
    with warehouse.open_spool("run-2") as spool:
        for fact in run(2)[:8]:
            spool.append(fact)
        assert warehouse.absorb().committed == ()  # its writer lives
        assert warehouse.evidence("run-2") == evidence_of(run(2)[:8])
        assert [r.run_id for r in warehouse.runs()] == ["run-2", "run-1"]
        assert warehouse.runs()[0].verdict is None
        assert warehouse.runs()[0].n_passed == 2


def test_left_over_spools_are_absorbed_once_and_filed_when_judged(warehouse: Warehouse) -> None:
    judged, killed = spooled(warehouse, run(1)), spooled(warehouse, run(2)[:8])
    with killed.open("ab") as file:
        file.write(b'{"v":1,"ki')
    done = warehouse.absorb()
    assert (done.committed, done.filed) == (("run-1", "run-2"), ("run-1",))
    assert killed.exists() and not judged.exists()
    assert warehouse.absorb() == ((), (), {}, 0)
    assert warehouse.evidence("run-1") == evidence_of(run(1))
    spooled(warehouse, run(2))  # resumed: the rest is written, the first part twice
    assert warehouse.absorb().committed == ("run-2",)
    assert warehouse.evidence("run-2") == evidence_of(run(2))


def test_a_committed_run_is_not_committed_again_by_absorbing(warehouse: Warehouse) -> None:
    spooled(warehouse, run(1))
    warehouse.commit(run(1))
    done = warehouse.absorb()
    assert (done.committed, done.filed) == ((), ("run-1",))


def test_corrupt_and_empty_spools_are_reported_and_stop_nobody(warehouse: Warehouse) -> None:
    path = spooled(warehouse, run(1))
    path.write_bytes(path.read_bytes() + b"garbage\n")
    (warehouse.spools / "run-0.jsonl").write_bytes(b"")
    done = warehouse.absorb()
    assert done.committed == ("run-1",)
    assert done.n_corrupt == 1
    assert list(done.skipped) == ["run-0"]


def test_reading_does_not_wait_for_a_writer_to_see_a_spool(warehouse: Warehouse) -> None:
    spooled(warehouse, run(1))
    with locked(warehouse.path, Deadline(0), exclusive=True):
        assert warehouse.facts("run-1") == fold(run(1))


def test_a_view_has_the_history_of_its_day(warehouse: Warehouse) -> None:
    for n in (1, 2, 3):
        warehouse.commit(run(n))
    view = warehouse.view("run-2")
    assert [b.run_id for b in view.history.baseline] == ["run-1"]
    assert view == run_view_of(run(2), view.history)


# --- beside the runs


def test_export_writes_every_view(warehouse: Warehouse, tmp_path: Path) -> None:
    warehouse.commit(run(1))
    files = warehouse.export(tmp_path / "out's")
    assert [f.stem for f in files] == list(VIEWS)
    found = duckdb.execute(
        "SELECT run_id, n_passed FROM read_parquet(?)", [str(files[VIEWS.index("runs")])]
    )
    assert found.fetchall() == [("run-1", 2)]
    with pytest.raises(UsageError, match="cannot export"):
        warehouse.export(files[0] / "below")


def test_an_export_in_parts_says_the_same_and_a_second_one_replaces_it(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    for n in (1, 1000):  # 1,000 hours: another month
        warehouse.commit(run(n))
        warehouse.export(tmp_path, in_parts=True)
    parts = sorted(str(p.parent.relative_to(tmp_path)) for p in tmp_path.glob("runs/**/*.parquet"))
    places = [f"runs/plan=shop/environment=staging/month=2026-{month}" for month in ("01", "02")]
    assert parts == places
    found = duckdb.sql(f"SELECT run_id, month FROM read_parquet('{tmp_path}/runs/**/*.parquet')")
    assert sorted(found.fetchall()) == [("run-1", "2026-01"), ("run-1000", "2026-02")]


def test_labels_are_for_runs_that_are_there_and_survive_a_commit(warehouse: Warehouse) -> None:
    warehouse.commit(run(1))
    warehouse.label("run-1", "bad", "customers complained", "ann", at(9))
    warehouse.commit(run(1)[:-1])
    assert warehouse.runs()[0].label == "bad"
    warehouse.label("run-1", "good", "it was the network", "ann", at(10))
    assert warehouse.runs()[0].label == "good"
    with pytest.raises(UsageError, match="no run 'run-7'"):
        warehouse.label("run-7", "bad", "", "ann", at(9))


def test_every_field_of_a_fact_has_a_column(warehouse: Warehouse) -> None:
    warehouse.commit(run(1))
    _, rows = warehouse.query(
        "SELECT table_name, list(column_name) FROM duckdb_columns() WHERE schema_name = 'store' GROUP BY ALL"
    )
    columns = dict(rows)
    missing = {k: set(c.model_fields) - set(columns[k]) for k, c in KINDS.items()}
    assert {k: v for k, v in missing.items() if v} == {}


def test_times_come_back_aware(warehouse: Warehouse) -> None:
    warehouse.commit(run(1))
    [(first,)] = warehouse.query("SELECT started_at FROM runs")[1]
    assert first == next(f for f in run(1) if isinstance(f, RunStarted)).started_at
    assert first.utcoffset().total_seconds() == 0


def test_a_long_question_draws_no_bar_into_its_answer(warehouse: Warehouse) -> None:
    spooled(warehouse, run(1))
    _, rows = warehouse.query("SELECT current_setting('enable_progress_bar')")
    assert rows == [(False,)]

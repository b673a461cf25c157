"""Laws of the warehouse: exact, once, never in part, clear when it cannot."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings

from data.errors import UsageError, WarehouseBusy, WarehouseError
from data.records.facts import Fact, RunStarted
from data.records.verdict import Acted
from data.store.facts import KINDS
from data.store.fold import evidence_of, fold, run_view_of
from data.store.lock import Deadline, locked
from data.store.migrate import VIEWS
from data.store.warehouse import Warehouse
from tests.store.runs import at, run, started, test_result, verdict
from tests.store.strategies import RUN, journals

COUNT = " + ".join(f"(SELECT count(*) FROM store.{kind})" for kind in KINDS)


def n_rows(warehouse: Warehouse) -> int:
    return int(warehouse.query(f"SELECT {COUNT}")[1][0][0])


def spooled(warehouse: Warehouse, facts: list[Fact]) -> Path:
    with warehouse.open_spool(facts[0].run_id) as spool:
        for fact in facts:
            spool.append(fact)
        return spool.path


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    return Warehouse(tmp_path_factory.mktemp("shared") / "gate.duckdb")


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(journals())
def test_evidence_read_back_is_the_evidence_that_was_seen(
    shared: Warehouse, journal: list[Fact]
) -> None:
    shared.commit(journal)  # over whatever the example before left of this run
    assert shared.facts(RUN) == fold(journal)
    assert shared.evidence(RUN) == evidence_of(journal)


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
    log = "é" * 9_000_000  # above read_json's own limit of an object
    long = test_result(1, "a", "FAIL").model_copy(update={"detail": log})
    warehouse.commit([started(1), long])
    assert warehouse.evidence("run-1").tests == (long,)


def test_a_commit_without_a_start_is_refused(warehouse: Warehouse) -> None:
    with pytest.raises(WarehouseError, match="no RunStarted"):
        warehouse.commit([verdict(1)])


def test_a_load_that_loses_rows_changes_nothing(warehouse: Warehouse) -> None:
    warehouse.commit(run(1))
    with duckdb.connect(str(warehouse.path)) as connection:  # a base table that swallows a run
        connection.execute("ALTER TABLE store.verdict RENAME TO kept")
        connection.execute("CREATE TABLE store.verdict AS FROM store.kept")
        connection.execute("ALTER TABLE store.verdict DROP COLUMN run_id")
        connection.execute("ALTER TABLE store.verdict ADD COLUMN run_id VARCHAR")
        connection.execute("ALTER TABLE store.verdict ALTER seq TYPE TINYINT USING NULL")
    late = [started(2), *(test_result(2, f"t{i}", "PASS") for i in range(200)), verdict(2)]
    with pytest.raises(WarehouseError):
        warehouse.commit(late)  # place 201 is no TINYINT
    with duckdb.connect(str(warehouse.path)) as connection:
        assert connection.execute("SELECT count(*) FROM store.run").fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM store.commits").fetchone() == (1,)


# --- spools and warehouse as one


def test_a_run_that_goes_on_is_seen(warehouse: Warehouse) -> None:
    warehouse.commit(run(1))
    with warehouse.open_spool("run-2") as spool:
        for fact in run(2)[:8]:
            spool.append(fact)
        assert warehouse.evidence("run-2") == evidence_of(run(2)[:8])
        assert [r.run_id for r in warehouse.runs()] == ["run-2", "run-1"]
        assert warehouse.runs()[0].verdict is None
        assert warehouse.runs()[0].n_passed == 2
        assert warehouse.absorb().committed == ()  # its writer lives


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


# --- nobody there, somebody there


def test_a_missing_warehouse_is_an_empty_one_and_reading_makes_nothing(
    warehouse: Warehouse,
) -> None:
    assert warehouse.runs() == []
    assert warehouse.query("SELECT count(*) FROM runs") == (["count_star()"], [(0,)])
    assert warehouse.history("shop", "staging", "run-1").readable
    with pytest.raises(UsageError, match="no run 'run-1'"):
        warehouse.evidence("run-1")
    assert not warehouse.path.parent.exists()


def test_a_file_of_no_bytes_is_an_empty_warehouse(warehouse: Warehouse) -> None:
    warehouse.path.parent.mkdir()
    warehouse.path.touch()
    assert warehouse.runs() == []
    warehouse.commit(run(1))
    assert len(warehouse.runs()) == 1


def test_whoever_comes_while_it_is_held_waits_then_says_what_to_do(warehouse: Warehouse) -> None:
    warehouse.commit(run(1))
    hasty = Warehouse(warehouse.path, wait_s=0.1)
    with locked(warehouse.path, Deadline(0), exclusive=False):
        with pytest.raises(WarehouseBusy, match=r"held by another process for 0\.1 s: close"):
            hasty.commit(run(2))
        assert len(hasty.runs()) == 1  # readers together
    with locked(warehouse.path, Deadline(0), exclusive=True):
        with pytest.raises(WarehouseBusy):
            hasty.runs()
        assert not hasty.history("shop", "staging", "run-2").readable


ANALYST = """
import sys, time, duckdb
connection = duckdb.connect(sys.argv[1], read_only=True)
print("open", flush=True)
sys.stdin.readline()
"""


def test_an_analyst_in_a_shell_makes_writers_wait(warehouse: Warehouse) -> None:
    warehouse.commit(run(1))
    analyst = subprocess.Popen(
        [sys.executable, "-c", ANALYST, str(warehouse.path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert analyst.stdout and analyst.stdout.readline() == "open\n"
    with pytest.raises(WarehouseBusy, match="DuckDB shell"):
        Warehouse(warehouse.path, wait_s=0.1).commit(run(2))
    Warehouse(warehouse.path, wait_s=0.1).check_writable()  # spools would take the rows
    analyst.communicate("\n")
    warehouse.commit(run(2))
    assert len(warehouse.runs()) == 2


WRITER = """
import sys
from pathlib import Path
from data.store.warehouse import Warehouse
from tests.store.runs import run
warehouse = Warehouse(Path(sys.argv[1]))
for n in range(int(sys.argv[2]), int(sys.argv[2]) + 5):
    with warehouse.open_spool(f"run-{n}") as spool:
        for fact in run(n):
            spool.append(fact)
        warehouse.commit(run(n))
warehouse.runs()
"""


def test_four_processes_lose_and_double_nothing(warehouse: Warehouse) -> None:
    processes = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(warehouse.path), str(n)])
        for n in (0, 5, 10, 15)
    ]
    assert [p.wait(60) for p in processes] == [0, 0, 0, 0]
    assert n_rows(warehouse) == sum(len(run(n)) for n in range(20))
    assert {r.run_id for r in warehouse.runs(100)} == {f"run-{n}" for n in range(20)}
    assert all(warehouse.evidence(f"run-{n}") == evidence_of(run(n)) for n in range(20))
    assert list(warehouse.spools.glob("*.jsonl")) == []


# --- clear errors


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("file/gate.duckdb", "file: File exists"),
        ("file/var/gate.duckdb", "Not a directory"),
        ("/proc/nowhere/gate.duckdb", "cannot be written"),
        ("folder", "is a folder: name a file"),
        ("text.duckdb", "is not a DuckDB file"),
    ],
)
def test_a_place_that_cannot_hold_it_is_said_before_the_run(
    tmp_path: Path, place: str, words: str
) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    (tmp_path / "text.duckdb").write_text("this is some text, not a database")
    with pytest.raises(UsageError, match=words) as caught:
        Warehouse(tmp_path / place).check_writable()
    assert "\n" not in str(caught.value)


def test_a_place_that_can_hold_it_is_left_as_it_was(warehouse: Warehouse) -> None:
    warehouse.check_writable()
    assert list(warehouse.path.parent.iterdir()) == [warehouse.spools]
    warehouse.commit(run(1))
    warehouse.check_writable()


def test_a_foreign_database_is_not_taken_over(warehouse: Warehouse) -> None:
    warehouse.path.parent.mkdir()
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.execute("CREATE TABLE sales (amount INTEGER)")
    for use in (warehouse.check_writable, warehouse.runs, lambda: warehouse.commit(run(1))):
        with pytest.raises(UsageError, match="no Golden Path warehouse: it has a table 'sales'"):
            use()


def test_a_newer_schema_is_refused_in_both_numbers(warehouse: Warehouse) -> None:
    warehouse.commit(run(1))
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.execute("INSERT INTO store.migrations VALUES (99, 'future', now())")
    for use in (warehouse.check_writable, warehouse.runs, lambda: warehouse.commit(run(1))):
        with pytest.raises(WarehouseError, match="schema version 99, this gate knows up to 1"):
            use()


def test_older_views_are_renewed_by_reading(warehouse: Warehouse) -> None:
    warehouse.commit(run(1))
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.execute("DROP VIEW runs; UPDATE store.views SET digest = 'old'")
    assert len(warehouse.runs()) == 1


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("SELCT 1", 'syntax error at or near "SELCT"'),
        ("SELECT nothing FROM runs", '"nothing" not found'),
        ("SELECT 1 / 'x' FROM runs", "x"),
        ("DELETE FROM store.run", "expected one query"),
        ("COPY runs TO '/tmp/never'", "expected one query"),
        ("SELECT 1; SELECT 2", "expected one query"),
        ("", "expected one query"),
    ],
)
def test_wrong_sql_is_a_usage_error_in_duckdbs_words(
    warehouse: Warehouse, sql: str, words: str
) -> None:
    warehouse.commit(run(1))
    with pytest.raises(UsageError, match=words):
        warehouse.query(sql)


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

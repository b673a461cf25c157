"""Tables of earlier results: what a row says, what is rejected and told, and twice as good as once."""

from __future__ import annotations

import csv
import json
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner

from data.errors import PlanError
from data.rules.readers.cells import Unreadable
from data.rules.readers.table_kinds import kind_of
from data.rules.readers.tabled import FIELDS, told
from data.store.warehouse import Warehouse
from flows.cli import main
from flows.imported import source_of
from flows.tabled import Tabled, import_tables, mapped
from tests.docs.pages import commands
from tests.history import HISTORY, MAPPED, SESSIONS, needs_history

SAME = {name: name for name in FIELDS}
DEFAULTS = {"plan": "shop", "environment": "staging", "suite": "old"}
GOOD = {"test": "a", "outcome": "passed", "started_at": "2026-01-01T10:00:00Z"}


def importing(folder: Path, *files: Path, **columns: str) -> Tabled:
    source = source_of(
        format="results", files=tuple(map(str, files)), plan="shop", environment="staging",
        warehouse=str(folder / "w.duckdb"),
    )  # fmt: skip
    return import_tables(source, columns)


def rows(folder: Path, sql: str) -> list[tuple[Any, ...]]:
    return Warehouse(folder / "w.duckdb").query(sql)[1]


@pytest.mark.parametrize(
    ("word", "outcome"),
    [("passed", "PASS"), ("OK", "PASS"), ("Failed", "FAIL"), ("timed out", "ERROR"), ("Skipped", "SKIPPED"),
     ("NOT_RUN", "NOT_RUN"), ("flaky", "FLAKY"), (True, "PASS"), (False, "FAIL")],
)  # fmt: skip
def test_words_of_other_tools_are_understood(word: object, outcome: str) -> None:
    assert told(GOOD | {"outcome": word}, SAME, DEFAULTS).outcome == outcome


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"test": " "}, "no test"),
        ({"outcome": ""}, "no outcome"),
        ({"outcome": "perhaps"}, "outcome 'perhaps' is none of"),
        ({"started_at": None}, "no started_at"),
        ({"started_at": "yesterday"}, "started_at 'yesterday' is no ISO 8601"),
        ({"started_at": "0001-01-01T00:00:00+14:00"}, "is out of range"),
        ({"duration_s": "long"}, "duration_s 'long' is no number"),
        ({"duration_ms": "nan"}, "is no duration"),
        ({"duration_s": "-1"}, "is no duration"),
        ({"attempt": "0"}, "attempt '0' is no whole number"),
    ],
)
def test_a_row_that_cannot_be_read_says_why(wrong: dict[str, object], reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        told(GOOD | wrong, SAME, DEFAULTS)


def test_all_reasons_of_a_row_are_told_at_once() -> None:
    with pytest.raises(Unreadable) as caught:
        told({"outcome": "perhaps", "duration_s": "x"}, SAME, DEFAULTS)
    assert len(caught.value.reasons) == 4


def test_bad_rows_are_told_with_their_lines_and_the_rest_is_stored_once(tmp_path: Path) -> None:
    table = tmp_path / "old.csv"
    table.write_text(
        "name,status,when,error\n"
        "a,passed,2026-01-01T10:00:00,\n"
        'b,failed,2026-01-01T10:00:00,"two\nlines"\n'
        "c,perhaps,2026-01-01T10:00:00,\n"
        "d,passed\n"
        "a,passed,2026-01-02T10:00:00,\n"
    )
    columns = {"test": "name", "outcome": "status", "started_at": "when", "message": "error"}
    done = importing(tmp_path, table, **columns)
    assert [line.split(": ")[0].rsplit(", ", 1)[1] for line in done.rejected] == [
        "line 5",
        "line 6",
    ]
    assert (done.n_rows, done.n_rejected, done.n_runs, done.n_new) == (5, 2, 2, 2)
    stored = rows(tmp_path, "FROM tests ORDER BY ALL")
    assert len(stored) == 3
    again = importing(tmp_path, table, **columns)
    assert (again.n_runs, again.n_new) == (2, 0)
    assert rows(tmp_path, "FROM tests ORDER BY ALL") == stored


def test_a_later_part_of_a_run_is_added_and_takes_nothing_away(tmp_path: Path) -> None:
    head = "test,outcome,started_at\n"
    for name in ("a", "b", "a"):
        table = tmp_path / f"{name}.csv"
        table.write_text(f"{head}{name},passed,2026-01-01T10:00:00Z\n")
        importing(tmp_path, table)
    assert importing(tmp_path, tmp_path / "b.csv").n_new == 0
    counted = "SELECT suite, n_tests, n_missing FROM suites ORDER BY suite"
    assert rows(tmp_path, counted) == [("a", 1, 0), ("b", 1, 0)]
    assert len(rows(tmp_path, "FROM runs")) == 1


def test_all_kinds_of_tables_say_the_same(tmp_path: Path) -> None:
    told_rows = [GOOD | {"attempt": n, "outcome": o} for n, o in ((1, "failed"), (2, "passed"))]
    (tmp_path / "t.jsonl").write_text("\n".join(map(json.dumps, told_rows)))
    (tmp_path / "t.json").write_text(json.dumps(told_rows))
    duckdb.sql(f"COPY (FROM '{tmp_path}/t.jsonl') TO '{tmp_path}/t.parquet'")
    duckdb.sql(f"COPY (FROM '{tmp_path}/t.jsonl') TO '{tmp_path}/t.csv'")
    done = [
        importing(tmp_path, tmp_path / f"t.{kind}") for kind in ("jsonl", "json", "parquet", "csv")
    ]
    assert [one.n_new for one in done] == [1, 0, 0, 0]
    assert rows(tmp_path, "SELECT outcome, n_attempts FROM tests") == [("FLAKY", 2)]


def test_one_name_twice_is_two_tests_and_one_attempt_twice_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text(json.dumps([GOOD, GOOD]))
    (tmp_path / "u.json").write_text(json.dumps([GOOD | {"attempt": 1}] * 2))
    assert importing(tmp_path, tmp_path / "t.json").n_rejected == 0
    assert rows(tmp_path, "SELECT test_id FROM tests ORDER BY ALL") == [("a",), ("a#2",)]
    assert "told before" in importing(tmp_path, tmp_path / "u.json").rejected[0]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("t.csv", "", "it is empty"),
        ("t.csv", "test,outcome\na,passed\n", "no column for started_at: --map started_at=COLUMN"),
        ("t.csv", "a\n1,2\n", "no row that could be read"),
        ("t.json", "{}", "expected a JSON list"),
        ("t.json", "[1, {", "it is no JSON"),
        ("t.parquet", "no", "cannot be read as Parquet"),
        ("t.csv", b"test\n\xff\xfe\n", "not UTF-8"),
    ],
)
def test_a_file_that_is_no_table_stores_nothing(
    tmp_path: Path, name: str, content: str | bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(PlanError, match=said):
        importing(tmp_path, tmp_path / name)
    assert not (tmp_path / "w.duckdb").exists()


def test_a_wrong_map_is_told_before_anything_is_read() -> None:
    with pytest.raises(PlanError, match="fields are test, outcome"):
        mapped(["name", "test=a", "colour=b"])


def test_the_command_tells_rejected_rows_and_exits_with_2(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("name,outcome,started_at\na,passed,2026-01-01\nb,?,2026-01-01\n")
    asked = ["import", "results", str(table), "--map", "test=name", "--warehouse", str(tmp_path / "w.duckdb")]  # fmt: skip
    found = CliRunner().invoke(main, asked)
    assert found.exit_code == 2
    assert "line 3: outcome '?' is none of" in found.output
    assert "1 of 2 rows: 1 PASS" in found.output


TOTALS = "when,rev,total,passed,failed,skipped,duration_s\n"


def test_totals_join_the_tests_of_their_run_and_twice_is_as_once(tmp_path: Path) -> None:
    tests, totals = tmp_path / "tests.csv", tmp_path / "totals.csv"
    tests.write_text(
        "when,rev,test,outcome,file\n"
        "2026-01-01T10:00:00,r1,a,passed,one\n2026-01-01T10:00:00,r1,b,failed,two\n"
        "2026-01-02T10:00:00,r2,a,passed,one\n"
    )
    totals.write_text(
        f"{TOTALS}2026-01-01T10:00:00,r1,2,1,1,0,7.5\n"
        "2026-01-02T10:00:00,r2,9,1,0,0,\n2026-01-03T10:00:00,r3,0,,,,\n"
    )
    columns = {"started_at": "when", "revision": "rev", "suite": "file"}
    asked = (
        "SELECT revision, n_told, n_tests, is_confirmed, n_unaccounted, told_pass_share,"
        " told_duration_s FROM reported_totals ORDER BY revision"
    )
    expected = [
        ("r1", 2, 2, True, 0, 0.5, 7.5),
        ("r2", 9, 1, False, 8, 1 / 9, None),
        ("r3", 0, 0, None, None, None, None),
    ]
    first = importing(tmp_path, totals, started_at="when", revision="rev")
    assert (first.n_runs, first.n_new, first.n_totals) == (3, 3, 3)
    then = importing(tmp_path, tests, totals, **columns)
    assert (then.n_runs, then.n_new, then.n_tests, then.n_totals) == (3, 2, 3, 3)
    assert rows(tmp_path, asked) == expected
    assert rows(tmp_path, "SELECT n_tests FROM pass_rate_by_deployment ORDER BY 1") == [(1,), (2,)]
    assert importing(tmp_path, totals, tests, **columns).n_new == 0


def test_totals_that_cannot_be_true_are_rejected_with_their_lines(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text(
        f"{TOTALS}2026-01-01,r,3,2,2,0,1\n2026-01-01,r,some,1.5,,,-1\n2026-01-02,r,1,1,0,0,1\n"
        "2026-01-02,r,1,0,1,0,1\n9999-01-01,r,1,1,0,0,1\n2026-01-03,r,1,1,0,0,1e300\n"
    )
    done = importing(tmp_path, table, started_at="when", revision="rev")
    said = [line.split(", ", 1)[1] for line in done.rejected]
    assert (done.n_rows, done.n_totals, done.n_new) == (6, 1, 1)
    assert said == [
        "line 2: 4 in its parts, 3 in all",
        "line 3: total 'some' is no number; passed '1.5' is no whole number from 0 to"
        " 1,000,000,000; duration_s '-1' is no duration",
        "line 5: told before: totals of this run",
        "line 6: started_at '9999-01-01' is out of range",
        "line 7: duration_s '1e300' is no duration",
    ]


def test_a_column_that_is_mapped_must_be_in_one_of_the_files(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text(f"{TOTALS}2026-01-01,r,1,1,0,0,1\n")
    with pytest.raises(PlanError, match="no column 'files' in any of the files"):
        importing(tmp_path, table, started_at="when", suite="files")
    with pytest.raises(PlanError, match="no column 'date'"):
        importing(tmp_path, table, started_at="date")
    assert not (tmp_path / "w.duckdb").exists()


@needs_history
def test_the_map_of_the_docs_reads_every_row_of_the_recorded_history() -> None:
    """Both files; what comes of them is counted in `test_recorded_history`."""
    for path in (HISTORY, SESSIONS):
        with path.open(newline="") as file:
            table = list(csv.DictReader(file))
        kind = kind_of(table[0].keys(), MAPPED)
        assert kind.is_totals is (path == SESSIONS)
        read = [kind.read(row, kind.columns, DEFAULTS) for row in table]
        assert {row.run_id.split("-")[1] for row in read} == {
            datetime.fromisoformat(row["generated"]).strftime("%Y%m%dT%H%M%SZ") for row in table
        }


def test_the_docs_import_both_files_in_one_command_with_that_map() -> None:
    shown = next(c for _, c in commands() if c.startswith("import results ../shared"))
    assert shown.split()[2:4] == [f"../shared/data/{p.name}" for p in (HISTORY, SESSIONS)]
    pairs = [word for before, word in pairwise(shown.split()) if before == "--map"]
    assert mapped(pairs) == MAPPED

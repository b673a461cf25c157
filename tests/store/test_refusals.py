"""What cannot be done is said in words, before it hurts."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from data.errors import UsageError, WarehouseError
from data.store.warehouse import Warehouse
from tests.store.runs import run


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


def test_a_place_that_can_hold_it_is_left_as_it_was(unmade: Warehouse) -> None:
    unmade.check_writable()
    assert list(unmade.path.parent.iterdir()) == [unmade.spools]
    unmade.commit(run(1))
    unmade.check_writable()


def test_a_foreign_database_is_not_taken_over(unmade: Warehouse) -> None:
    unmade.path.parent.mkdir()
    with duckdb.connect(str(unmade.path)) as connection:
        connection.execute("CREATE TABLE sales (amount INTEGER)")
    for use in (unmade.check_writable, unmade.runs, lambda: unmade.commit(run(1))):
        with pytest.raises(UsageError, match="no Golden Path warehouse: it has a table 'sales'"):
            use()


def test_a_newer_schema_is_refused_in_both_numbers(warehouse: Warehouse) -> None:
    warehouse.commit(run(1))
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.execute("INSERT INTO store.migrations VALUES (99, 'future', now())")
    for use in (warehouse.check_writable, warehouse.runs, lambda: warehouse.commit(run(1))):
        with pytest.raises(WarehouseError, match="schema version 99, this gate knows up to "):
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

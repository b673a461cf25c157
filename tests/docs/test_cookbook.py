"""Every question of the cookbook is answered by the warehouse as it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from data.store.migrate import VIEWS
from data.store.warehouse import Warehouse
from tests.store.runs import run

PAGE = (Path(__file__).parents[2] / "docs" / "cookbook.md").read_text()
QUESTIONS = re.findall(r"^## (.+?)\n.*?^```sql\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    filled = Warehouse(tmp_path_factory.mktemp("cookbook") / "w.duckdb")
    for n in range(1, 4):
        filled.commit(list(run(n)))
    yield filled


@pytest.mark.parametrize(("question", "sql"), QUESTIONS, ids=[q for q, _ in QUESTIONS])
def test_the_question_has_an_answer(question: str, sql: str, warehouse: Warehouse) -> None:
    columns, _ = warehouse.query(sql)
    assert columns


@pytest.mark.parametrize(
    "sql", [sql for q, sql in QUESTIONS if q.startswith(("Pass rate", "Verdicts"))]
)
def test_what_was_stored_is_found(sql: str, warehouse: Warehouse) -> None:
    assert len(warehouse.query(sql)[1]) == 3


def test_every_documented_view_answers(warehouse: Warehouse) -> None:
    assert all(warehouse.query(f"FROM {view} LIMIT 1")[0] for view in VIEWS)


def test_there_are_enough_questions() -> None:
    assert len(QUESTIONS) >= 15

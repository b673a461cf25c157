"""Every question of the cookbook is answered by a warehouse that holds what it asks for."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from data.records.facts import (
    Fact,
    HealthReading,
    ProbeResult,
    RevisionReading,
    Sample,
    SensitivityCell,
)
from data.records.load_figures import LoadFigures, StageFigures
from data.records.totals import Totals
from data.records.verdict import CriterionResult, Verdict
from data.records.words import HealthState, Mark, Outcome, Priority
from data.rules.load.histogram import Histogram
from data.store.migrate import VIEWS
from data.store.warehouse import Warehouse
from tests.docs.samples import rows_of, sample
from tests.docs.views import MARKER, generated
from tests.store.runs import at, run, started, test_result

NOTEBOOK = Path(__file__).parents[2] / "examples" / "notebook" / "warehouse.py"
PAGE = (Path(__file__).parents[2] / "docs" / "cookbook.md").read_text()
TOLD = PAGE.split("\n# Views")[0].split("\n## ")[1:]
QUESTIONS = [(t.split("\n")[0], t.split("```sql\n")[1].split("```")[0]) for t in TOLD]
# What each answer must hold for the three runs below, where a number can be told beforehand.
ANSWERS = {
    "Tests that never turned red": [("chat", "t2", 1, 1)],
    "Pass rate by deployment": [("dep-3", 0.4), ("dep-2", 0.75), ("dep-1", 1.0)],
    "Failing tests of the last run": [("c", "FAIL"), ("d", "ERROR"), ("e", "NOT_RUN")],
    "Latency and rate at each step of a load": [
        ("dep-1", "200/s", 200.0, 100.0),
        ("dep-2", 1, None),
    ],
    "Loads that kept up, and where they bent": [
        ("dep-1", "50/s", True, "PASS"),
        ("dep-2", "INVALID", None),
    ],
    "Flaky tests": [("f", 1)],
    "First bad deployment of each failing test": [("c", "dep-3"), ("d", "dep-3")],
    "Evidence quality": [("rev-2", 1), ("rev-1", 0)],
    "Tests that never touch their target": [("v", 1)],
    "Revenue at risk": [("rev-3", 1000.0)],
    "What was not seen": [("rev-3", "p1/chat/e")],
    "Which criterion decided most holds": [("P1 FAIL p1/chat", "HOLD")],
    "Two deployments compared": [("message", 0.5)],
    "Did what was deployed serve": [("rev-3", "api")],
    "How long until healthy": [("api", 1.5)],
    "Reports of totals that nothing confirms": [("rev-2", 9, 1.0, 0, None)],
    "Was the gate right": [("PROMOTE", 1)],
    "Criteria that never decide anything": [("no-5xx", "P1", 1, None)],
    "What happened later to runs that were judged": [("run-1", "bad", "person")],
}


def _ladder(n: int, slow_ms: float, invalid: str = "") -> ProbeResult:
    """A ladder of two steps, of which the second keeps up with half of what is asked."""
    steps = []
    for rate, ended, factor in ((50, 100, 1.0), (200, 200, 4.0)):
        times = Histogram()
        for ordinal in range(ended):
            times.add(slow_ms * factor + ordinal / 10)
        steps.append(StageFigures(
            label=f"{rate}/s", duration_s=2.0, n_intended=2 * rate, n=ended,
            spreads={"message": times.spread()}, outcome="INVALID" if invalid else "PASS",
        ))  # fmt: skip
    load = LoadFigures(model="open", stages=tuple(steps), invalid=invalid, knee="50/s")
    return ProbeResult(
        run_id=f"run-{n}", phase="p1", probe="ladder", kind="journey", outcome=Outcome.PASS,
        n=300, load=load, duration_s=4.0, started_at=at(n, 3),
    )  # fmt: skip


def _judged(facts: list[Fact], **said: object) -> list[Fact]:
    return [f.model_copy(update=said) if isinstance(f, Verdict) else f for f in facts]


def _promoted() -> list[Fact]:
    ready = HealthReading(
        run_id="run-1", stage="gate", service="api", state=HealthState.HEALTHY, n_reads=3,
        ready_after_s=1.5, at=at(1),
    )  # fmt: skip
    idle = CriterionResult(id="no-5xx", priority=Priority.P1, outcome=Mark.PASS, sentence="0 == 0")
    return _judged(
        run(1, "PROMOTE", ready, test_result(1, "c", "PASS"), _ladder(1, 10.0)), criteria=(idle,)
    )


def _watched() -> list[Fact]:
    flaky = (test_result(2, "f", "FAIL"), test_result(2, "f", "PASS", attempt=2))
    busy = _ladder(2, 90.0, "the generator was the bottleneck")
    said = Totals(
        run_id="run-2", phase="imported", suite="old", n_tests=9, n_passed=9, at=at(2)
    )  # fmt: skip
    vacuous = test_result(2, "v", "PASS", witnessed=False)
    return run(2, "PROMOTE_WITH_WATCH", *flaky, vacuous, busy, said)


def _held() -> list[Fact]:
    red = [test_result(3, i, o, signature=f"{o}/{i}") for i, o in (("c", "FAIL"), ("d", "ERROR"))]
    other = RevisionReading(
        run_id="run-3", stage="end", service="api", expected="rev-3", seen=("rev-2",), at=at(3, 9)
    )
    facts = run(3, "HOLD", *red, test_result(3, "e", "NOT_RUN"), other)
    facts = [_slower(f) if isinstance(f, Sample) else f for f in facts]
    told = next(f for f in facts if isinstance(f, Verdict))
    incident = told.incidents[0].model_copy(update={"seen_on_rollback_target": True})
    return _judged(
        facts,
        rule="P1 FAIL p1/chat: 1 failed > 0 tolerated in phase → HOLD",
        not_seen=("p1/chat/e",),
        incidents=(incident,),
        criteria=(_criterion(),),
    )


def _slower(sample: Sample) -> Sample:
    return sample.model_copy(update={"value": sample.value * 1.5})


def _criterion() -> CriterionResult:
    return CriterionResult(id="p1/chat", priority=Priority.P1, outcome=Mark.FAIL, sentence="1 > 0")


def _audited() -> list[Fact]:
    """An audit in which one test noticed and the other did not."""
    run = started(4).model_copy(update={"purpose": "audit"})
    cells = [
        SensitivityCell(
            run_id="run-4", suite="chat", test_id=test, fault="refused", turned_red=red,
            outage=True, at=at(4),
        )
        for test, red in (("t1", True), ("t2", False))
    ]  # fmt: skip
    return [run, *cells]


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    yield filled_warehouse(tmp_path_factory.mktemp("cookbook") / "w.duckdb")


def filled_warehouse(path: Path) -> Warehouse:
    """Three runs, promoted, watched and held, and an audit."""
    filled = Warehouse(path)
    filled.commit([*_promoted(), *_watched(), *_held()])
    filled.commit(_audited())
    filled.label("run-1", "bad", "customers complained", "a person", at(9))
    return filled


@pytest.mark.parametrize(("question", "sql"), QUESTIONS, ids=[q for q, _ in QUESTIONS])
def test_the_question_has_an_answer(question: str, sql: str, warehouse: Warehouse) -> None:
    columns, rows = warehouse.query(sql)
    assert columns
    assert rows, "three hand-made runs hold what is asked"
    for wanted in ANSWERS.get(question, []):
        assert any(set(wanted) <= set(row) for row in map(_hashable, rows)), (wanted, rows)


def _hashable(row: tuple[object, ...]) -> tuple[object, ...]:
    return tuple(tuple(v) if isinstance(v, list) else v for v in row)


def test_answers_are_given_in_the_order_that_is_promised(warehouse: Warehouse) -> None:
    by_name = dict(QUESTIONS)
    newest = [row[1] for row in warehouse.query(by_name["Pass rate by deployment"])[1]]
    assert newest == ["dep-3", "dep-2", "dep-1"]
    assert warehouse.query(by_name["What to do after the last run"])[1] == [
        ("P1", "look"),
        ("P2", "wait"),
    ]


def test_every_question_says_what_its_answer_means() -> None:
    assert [t.split("\n")[0] for t in TOLD if len(t.split("```")[4].strip()) < 40] == []


@pytest.mark.parametrize("told", TOLD, ids=[q for q, _ in QUESTIONS])
def test_the_sample_answer_is_what_the_warehouse_says(told: str, warehouse: Warehouse) -> None:
    shown = told.split("```text\n")[1].split("```")[0]
    sql = told.split("```sql\n")[1].split("```")[0]
    columns, rows = warehouse.query(sql)
    assert shown.split("\n")[0].split() == columns
    # As a set: rows that the question does not order may come in any order.
    told_rows = rows_of(shown)
    assert told_rows
    assert told_rows <= rows_of(sample(columns, rows, len(rows))), (
        "run: python -m tests.docs.samples"
    )


def test_the_notebook_asks_what_the_warehouse_answers(warehouse: Warehouse) -> None:
    texts = [
        n.value for n in ast.walk(ast.parse(NOTEBOOK.read_text())) if isinstance(n, ast.Constant)
    ]
    queries = [t for t in texts if isinstance(t, str) and t.strip().startswith("SELECT")]
    assert len(queries) >= 3
    assert all(warehouse.query(sql)[1] for sql in queries)


def test_there_are_enough_questions_and_each_expected_answer_has_one() -> None:
    assert len(QUESTIONS) >= 25
    assert set(ANSWERS) <= {question for question, _ in QUESTIONS}


def test_the_views_and_columns_that_are_documented_are_there(warehouse: Warehouse) -> None:
    page = PAGE.split(MARKER)[1].strip()
    assert page == generated(warehouse).strip(), "run: python -m tests.docs.views"


def test_every_view_and_column_and_table_says_in_the_database_what_it_is(
    warehouse: Warehouse,
) -> None:
    silent = """
        SELECT table_name || '.' || column_name FROM duckdb_columns()
        WHERE NOT internal AND schema_name = 'main' AND comment IS NULL
        UNION ALL SELECT view_name FROM duckdb_views() WHERE NOT internal AND schema_name = 'main' AND comment IS NULL
        UNION ALL SELECT table_name FROM duckdb_tables() WHERE NOT internal AND comment IS NULL"""
    assert warehouse.query(silent)[1] == [], "say it in data/store/sql/columns.txt"


def test_every_view_answers_and_is_part_of_the_page(warehouse: Warehouse) -> None:
    assert [view for view in VIEWS if f"\n### {view}\n" not in PAGE] == []
    assert all(warehouse.query(f"FROM {view} LIMIT 1")[0] for view in VIEWS)

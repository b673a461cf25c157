"""What is computed when a run is stored says the same as the facts do."""

from __future__ import annotations

from pathlib import Path

import duckdb
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from data.records.facts import Collected, Fact, PhaseResult, RunStarted, Sample, TestResult
from data.records.words import Outcome
from data.store import migrate
from data.store.connect import Connection, in_memory
from data.store.derived import TABLES, fill_anew
from data.store.fold import fold
from data.store.load import bundle_of, store
from data.store.read import facts_of
from tests.store.runs import at, run, samples, started, test_result

PLAIN = (Path(__file__).parent / "plain.sql").read_text()
VIEWS = (
    "tests", "runs", "phases", "suites", "pass_rate_by_deployment", "metric_by_deployment",
    "flaky_tests", "first_bad_deployment", "evidence_quality",
)  # fmt: skip

OUTCOMES = st.sampled_from(["PASS", "PASS", "FAIL", "FAIL", "ERROR", "SKIPPED", "NOT_RUN", "FLAKY"])


@st.composite
def deployments(draw: st.DrawFn) -> list[list[Fact]]:
    """A few runs in any order of time, revisions and deployments shared or not, some stored twice."""
    hours = draw(st.lists(st.integers(1, 40), min_size=2, max_size=5, unique=True))
    stored = [_one(draw, n, hour) for n, hour in enumerate(hours)]
    return stored + [_one(draw, n, hours[n]) for n in range(draw(st.integers(0, 2)))]


def _one(draw: st.DrawFn, n: int, hour: int) -> list[Fact]:
    head = started(n, plan=draw(st.sampled_from(["shop", "shop", "desk"]))).model_copy(update={
        "started_at": at(hour), "revision": draw(st.sampled_from(["v1", "v2", None])),
        "deployment_id": draw(st.sampled_from([f"d{n}", "together"])),
        "purpose": draw(st.sampled_from(["deployment", "deployment", "audit"])),
    })  # fmt: skip
    facts: list[Fact] = [head, *_tests(draw, n), *samples(n, draw(VALUES)), *samples(n, [9.0], "x")]
    if draw(st.booleans()):
        facts += [f for f in run(n, tests=False) if isinstance(f, (Collected, PhaseResult))]
    return facts


VALUES = st.lists(st.integers(1, 99).map(float), max_size=25)


def _tests(draw: st.DrawFn, n: int) -> list[TestResult]:
    found = []
    for name in draw(st.lists(st.sampled_from("abcdef"), unique=True)):
        place = {"suite": draw(st.sampled_from(["chat", "chat", "mail"]))}
        for attempt, outcome in enumerate(draw(st.lists(OUTCOMES, min_size=1, max_size=3)), 1):
            seen = draw(st.sampled_from([True, False, None]))
            one = test_result(n, name, outcome, attempt, seen, signature=f"{outcome} {attempt}")
            found.append(one.model_copy(update=place))
    return found


def differences(connection: Connection) -> dict[str, list[tuple[object, ...]]]:
    """Per view the rows that only one side has."""
    found = {}
    for view in VIEWS:
        mine, plain = f"SELECT * FROM {view}", f"SELECT * FROM plain.{view}"
        both = f"({mine} EXCEPT ALL {plain}) UNION ALL ({plain} EXCEPT ALL {mine})"
        if rows := connection.execute(both).fetchall():
            found[view] = rows
    return found


@settings(max_examples=4, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(deployments())
def test_the_views_say_what_the_facts_say(stored: list[list[Fact]]) -> None:
    with in_memory() as connection:
        connection.execute(PLAIN)
        for facts in stored:
            store(connection, bundle_of(facts[0].run_id, fold(facts)))
        assert differences(connection) == {}


def _derived(connection: Connection) -> dict[str, list[tuple[object, ...]]]:
    named = "SELECT * EXCLUDE (test_no) FROM store.{} JOIN store.test_name USING (test_no)"
    asked = {t: named if t in ("ended", "trouble") else "FROM store.{}" for t in TABLES}
    return {
        t: sorted(connection.execute(sql.format(t)).fetchall(), key=repr)
        for t, sql in asked.items()
    }


def test_filling_all_anew_changes_nothing_that_was_filled_run_by_run() -> None:
    with in_memory() as connection:
        for n in (3, 1, 2):
            again = [test_result(n, "c", "FAIL"), test_result(n, "c", "PASS", 2)]
            again.append(
                Collected(run_id=f"run-{n}", phase="p2", suite="mail", test_ids=("x",), at=at(n))
            )
            store(connection, bundle_of(f"run-{n}", fold(run(n, "HOLD", *again))))
        before = _derived(connection)
        fill_anew(connection)
        assert _derived(connection) == before
        assert all(before.values()), "a table with no row shows nothing"


def test_a_run_of_one_kind_of_fact_is_stored_and_shown() -> None:
    with in_memory() as connection:
        only = RunStarted(
            run_id="run-1", plan="p", environment="e", deployment_id="d", started_at=at(1)
        )
        store(connection, bundle_of("run-1", [only]))
        assert connection.execute("SELECT run_id, n_tests FROM runs").fetchall() == [("run-1", 0)]


def test_an_outage_in_which_a_test_was_tried_again_says_nothing_of_any_test() -> None:
    with in_memory() as connection:
        connection.execute(PLAIN)
        red = [test_result(1, name, Outcome.FAIL) for name in "abcdefghi"]
        flaky = [test_result(1, "z", "FAIL"), test_result(1, "z", "PASS", 2)]
        store(connection, bundle_of("run-1", [started(1), *red, *flaky]))
        assert connection.execute("FROM flaky_tests").fetchall() == []
        assert differences(connection) == {}


def test_a_warehouse_of_an_older_version_is_brought_up_to_date_with_all_its_rows() -> None:
    with duckdb.connect() as old:
        old.execute(migrate._BOOK)
        for number, path in migrate._migrations():
            if number < 6:
                migrate._apply(old, number, path)
        old.execute(OLD_ROWS)
        migrate.bring_up_to_date(old)
        old.execute(PLAIN)
        assert differences(old) == {}
        found = old.execute("SELECT run_id, priority, outcome, n_attempts FROM tests ORDER BY ALL")
        assert found.fetchall() == [("r1", "P1", "FLAKY", 2), ("r2", "P1", "PASS", 1)]
        assert [type(f) for f in facts_of(old, "r2")] == [
            RunStarted,
            PhaseResult,
            TestResult,
            Sample,
        ]


OLD_ROWS = """
INSERT INTO store.run BY NAME
    SELECT unnest(['r1', 'r2']) AS run_id, 0 AS seq, 'p' AS plan, 'e' AS environment,
        'd' AS deployment_id, now() AS started_at,
        '{"run_id":"r","plan":"p","environment":"e","deployment_id":"d","started_at":"2026-01-01T00:00:00Z"}' AS body;
INSERT INTO store.commits BY NAME
    SELECT run_id, 3 AS n_facts, '' AS digest, now() AS committed_at FROM store.run;
INSERT INTO store.phase BY NAME
    SELECT run_id, 0 AS seq, 'p1' AS phase, 'P1' AS priority,
        '{"run_id":"r","phase":"p1","ordinal":1,"priority":"P1"}' AS body
    FROM store.run;
INSERT INTO store.test BY NAME
    SELECT run_id, seq, 'p1' AS phase, 's' AS suite, 't' AS test_id, attempt, outcome, '' AS message,
        0 AS n_connections, 0 AS sent_bytes, 0 AS received_bytes, []::VARCHAR[] AS findings,
        '' AS detail, '' AS signature, 'call' AS stage, now() AS "at", '{}' AS body
    FROM (VALUES ('r1', 1, 1, 'FAIL'), ('r1', 2, 2, 'PASS'), ('r2', 1, 1, 'PASS'))
        AS v(run_id, seq, attempt, outcome);
INSERT INTO store.sample BY NAME
    SELECT 'r2' AS run_id, 3 AS seq, 'p1' AS phase, 'x' AS probe, 'm' AS metric, 0 AS ordinal,
        1.5 AS "value", 'ms' AS unit, true AS ok, now() AS "at";
"""

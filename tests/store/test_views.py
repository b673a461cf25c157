"""The views that analysts rely on: names, columns, and what they count."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import data.store.migrate
from data.records.facts import TestResult
from data.records.words import Grade, Outcome
from data.rules.outcomes import final_outcomes
from data.store.connect import Connection, in_memory
from data.store.fold import fold
from data.store.load import bundle_of, store
from data.store.migrate import VIEWS
from tests.store.runs import at, cell, failed_probe, run, samples, started, test_result, verdict

RUN = ["run_id", "plan", "environment", "deployment_id", "revision", "started_at"]
DEPLOYMENT = ["environment", "plan", "deployment_id", "revision", "started_at"]
TEST = ["environment", "plan", "phase", "suite", "test_id"]
COUNTS = ["n_tests", "n_passed", "n_failed", "n_flaky"]

# The contract: these columns stay. A view may have more.
COLUMNS: dict[str, list[str]] = {
    "runs": [*RUN, "verdict", "rule", "finished_at", "duration_s", *COUNTS, "n_not_run", "n_vacuous", "n_probes", "n_probes_failed", "label", "input_hash"],
    "deployments": [*RUN, "service", "expected", "first_seen", "last_seen", "as_expected", "deploy_outcome", "verdict"],
    "phases": [*RUN, "phase", "ordinal", "priority", "phase_started_at", "duration_s", "reason", *COUNTS],
    "suites": [*RUN, "phase", "priority", "suite", "n_collected", *COUNTS, "n_errors", "n_skipped", "n_not_run", "n_missing", "n_vacuous", "n_attempts", "exit_code", "timed_out", "broken", "duration_s"],
    "tests": [*RUN, "phase", "priority", "suite", "test_id", "outcome", "grade", "n_attempts", "duration_ms", "witnessed", "message", "signature"],
    "test_attempts": [*RUN, "phase", "suite", "test_id", "attempt", "outcome", "duration_ms", "witnessed", "message", "detail", "signature"],
    "samples": [*RUN, "phase", "probe", "metric", "ordinal", "value", "unit", "ok", "measured_at"],
    "probes": [*RUN, "phase", "priority", "probe", "kind", "outcome", "n", "n_failed", "failures", "n_attempts"],
    "health": [*RUN, "stage", "service", "state", "status_code", "latency_ms"],
    "revisions": [*RUN, "stage", "service", "expected", "seen", "n_reads"],
    "criteria": [*RUN, "criterion", "priority", "outcome", "sentence", "evidence"],
    "incidents": [*RUN, "signature", "priority", "symptom", "impact", "likely_cause", "recommended_action", "n", "capabilities", "first_seen_deployment", "last_seen_deployment"],
    "verdicts": [*RUN, "verdict", "rule", "reasons", "coverage_expected", "coverage_seen", "not_seen", "counterfactual", "revenue_at_risk", "revenue_currency", "revenue_per", "input_hash"],
    "actions": [*RUN, "ordinal", "priority", "text"],
    "hook_deliveries": ["row_id", "received_at", "hook_source", "client", "delivery_id", "event", "http_status", "delivery_outcome", "delivery_reason", "idempotency_key", "run_id", "flow_run_id", "superseded_run_id", "took_ms"],
    "acted": [*RUN, "action_taken", "outcome", "message"],
    "decisions": [*RUN, "asked_verdict", "decision", "decided_by", "decision_reason", "decided_how", "decided_at"],
    "sensitivity": [*RUN, "suite", "test_id", "fault", "turned_red"],
    "pass_rate_by_deployment": [*DEPLOYMENT, "n_runs", *COUNTS, "pass_share", "flaky_share"],
    "metric_by_deployment": [*DEPLOYMENT, "phase", "probe", "metric", "unit", "n", "n_failed", "p50", "p95", "p99"],
    "flaky_tests": [*TEST, "n_runs", "n_flaky", "flaky_share", "flaky_share_low", "last_flaky_at"],
    "first_bad_deployment": [*TEST, "first_bad_deployment_id", "first_bad_revision", "first_bad_at", "last_good_deployment_id", "n_runs_bad", "signature"],
    "evidence_quality": [*RUN, "n_passed", "n_witnessed", "n_vacuous", "n_unknown", "witnessed_share", "vacuous_share", "unknown_share"],
    "revenue_at_risk_by_deployment": [*DEPLOYMENT, "verdict", "revenue_at_risk", "revenue_currency", "revenue_per"],
    "suite_cost": ["environment", "plan", "phase", "suite", "n_runs", "n_runs_red", "total_duration_s", "duration_mean_s", "duration_p95_s"],
    "gate_accuracy": ["environment", "plan", "verdict", "n_runs", "n_labelled", "n_good", "n_bad", "n_false_promote", "n_false_hold"],
    "labels": [*RUN, "label", "source", "note", "labelled_by", "labelled_at"],
    "load_steps": [*RUN, "phase", "priority", "probe", "load_model", "step", "step_label", "step_outcome", "is_invalid", "invalid_reason", "asked_per_s", "achieved_per_s", "achieved_share", "n_executions", "n_failed", "is_knee", "is_first_failing"],
    "soaks": [*RUN, "phase", "priority", "probe", "n_messages", "n_failed", "n_late", "n_lost", "n_unsent", "n_duplicated", "lost_share", "n_drops", "n_returns", "n_vain"],
    "load_by_deployment": [*DEPLOYMENT, "phase", "probe", "step", "step_label", "metric", "n_runs", "n_runs_invalid", "n_runs_not_run", "asked_per_s", "achieved_per_s", "n_executions", "n_failed", "n", "p50_ms", "p95_ms", "p99_ms", "max_ms"],
    "reported_totals": [*RUN, "phase", "suite", "n_told", "n_told_passed", "n_told_failed", "n_told_errors", "n_told_skipped", "told_pass_share", "n_tests", "is_confirmed"],
    "idle_criteria": ["environment", "plan", "criterion", "priority", "n_runs", "last_fired_at"],
}  # fmt: skip


def put(connection: Connection, *runs: list) -> None:  # type: ignore[type-arg]
    for facts in runs:
        store(connection, bundle_of(facts[0].run_id, fold(facts)))


@pytest.fixture
def connection() -> Iterator[Connection]:
    with in_memory() as connection:
        yield connection


@pytest.fixture(scope="module")
def trend() -> Iterator[Connection]:
    """Five deployments: good, flaky, bad, worse (vacuous, too), good again but for one test."""
    with in_memory() as connection:
        put(
            connection,
            run(1),
            run(2, "PROMOTE_WITH_WATCH", test_result(2, "c", "FAIL", 1), test_result(2, "c", "PASS", 2)),
            run(3, "HOLD", test_result(3, "c", "FAIL", signature="s"), failed_probe(3, "p")),
            run(4, "HOLD", test_result(4, "c", "ERROR", signature="s"), test_result(4, "d", "PASS", witnessed=False)),
            run(5, "PROMOTE", test_result(5, "c", "NOT_RUN"), test_result(5, "d", "PASS", witnessed=None), cell(5, "a", True)),
        )  # fmt: skip
        yield connection


def rows(connection: Connection, sql: str) -> list[tuple[Any, ...]]:
    return connection.execute(sql).fetchall()


def test_every_view_is_in_the_contract() -> None:
    assert set(VIEWS) == set(COLUMNS)
    folder = Path(data.store.migrate.__file__).parent / "sql"
    assert {p.stem for p in folder.glob("*.sql")} == {
        *VIEWS,
        "context",
        "settled",
        "in_force",
        "served",
    }


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_has_its_columns_its_comment_and_its_grain(trend: Connection, view: str) -> None:
    found = [row[0] for row in rows(trend, f"DESCRIBE {view}")]
    assert [c for c in COLUMNS[view] if c not in found] == []
    [(comment,)] = rows(trend, f"SELECT comment FROM duckdb_views() WHERE view_name = '{view}'")
    assert comment.startswith("One row ")
    head = (
        (Path(data.store.migrate.__file__).parent / "sql" / f"{view}.sql")
        .read_text()
        .splitlines()[0]
    )
    assert head.startswith(f"-- {view}. Grain: ")


# --- the three questions, one statement each


def test_pass_rate_by_deployment(trend: Connection) -> None:
    found = rows(
        trend,
        "SELECT deployment_id, n_passed, n_tests, round(pass_share, 3) FROM pass_rate_by_deployment ORDER BY started_at",
    )
    assert found == [
        ("dep-1", 2, 2, 1.0),
        ("dep-2", 2, 3, 0.667),
        ("dep-3", 2, 3, 0.667),
        ("dep-4", 3, 4, 0.75),
        ("dep-5", 3, 4, 0.75),
    ]


def test_p95_by_journey_and_deployment(trend: Connection) -> None:
    found = rows(
        trend,
        "SELECT deployment_id, probe, metric, p95, n FROM metric_by_deployment ORDER BY started_at LIMIT 1",
    )
    assert found == [("dep-1", "message", "message", 19.0, 20)]


def test_failing_tests_of_the_last_run(trend: Connection) -> None:
    sql = "SELECT test_id, message FROM tests WHERE run_id = (SELECT arg_max(run_id, started_at) FROM runs WHERE verdict = 'HOLD') AND outcome IN ('FAIL', 'ERROR')"
    assert rows(trend, sql) == [("c", "ERROR c")]


# --- what they count


def test_percentiles_are_nearest_rank_and_need_their_samples(connection: Connection) -> None:
    few = [
        *samples(1, [3.0, 1.0, 2.0, 9.0], metric="few"),
        *samples(1, range(1, 101), metric="many"),
    ]
    bad = [f.model_copy(update={"ok": False, "ordinal": 500, "value": 1e9}) for f in few[-1:]]
    put(connection, [started(1), *few, *bad])
    found = rows(
        connection,
        "SELECT metric, n, n_failed, p50, p95, p99, max FROM metric_by_deployment ORDER BY metric",
    )
    assert found == [
        ("few", 4, 0, None, None, None, 9.0),
        ("many", 100, 1, 50.0, 95.0, 99.0, 100.0),
    ]


def test_evidence_quality(trend: Connection) -> None:
    found = rows(
        trend,
        "SELECT run_id, n_passed, n_witnessed, n_vacuous, n_unknown, unknown_share FROM evidence_quality ORDER BY run_id",
    )
    assert found == [
        ("run-1", 2, 2, 0, 0, 0.0),
        ("run-2", 3, 3, 0, 0, 0.0),
        ("run-3", 2, 2, 0, 0, 0.0),
        ("run-4", 3, 2, 1, 0, 0.0),
        ("run-5", 3, 2, 0, 1, 1 / 3),
    ]


def test_first_bad_deployment_goes_back_to_the_start_of_the_streak(trend: Connection) -> None:
    sql = "SELECT test_id, first_bad_deployment_id, last_good_deployment_id, n_runs_bad, signature FROM first_bad_deployment"
    assert rows(trend, sql) == [("c", "dep-3", "dep-2", 2, "s")]


def test_flaky_tests_are_ranked_by_what_is_certain(trend: Connection) -> None:
    [(test, n_runs, n_flaky, share, low, seen)] = rows(
        trend,
        "SELECT test_id, n_runs, n_flaky, flaky_share, flaky_share_low, last_flaky_at FROM flaky_tests",
    )
    assert (test, n_runs, n_flaky, seen) == ("c", 3, 1, at(2))
    assert low == pytest.approx(0.0615, abs=1e-4) and share == pytest.approx(
        1 / 3
    )  # Wilson of 1 in 3


def test_an_outage_makes_no_test_flaky(connection: Connection) -> None:
    put(
        connection,
        run(
            1,
            "HOLD",
            *(test_result(1, f"t{i}", "FAIL") for i in range(20)),
            test_result(1, "a", "FAIL"),
            test_result(1, "a", "PASS", 2),
        ),
    )
    assert rows(connection, "FROM flaky_tests") == []


def test_suites_say_what_is_missing(connection: Connection) -> None:
    put(
        connection,
        [f for f in run(1) if getattr(f, "test_id", "") != "b"],
        [f for f in run(2, tests=False) if f.KIND != "collected"],
    )
    found = rows(
        connection,
        "SELECT run_id, n_collected, n_tests, n_missing, exit_code, priority FROM suites ORDER BY run_id",
    )
    assert found == [("run-1", 2, 1, 1, 0, "P1"), ("run-2", None, 0, 0, 0, "P1")]


def test_a_killed_last_attempt_has_no_exit_code(connection: Connection) -> None:
    last = next(f for f in run(1) if f.KIND == "suite").model_copy(
        update={"attempt": 2, "exit_code": None, "timed_out": True}
    )
    put(connection, run(1, "HOLD", last))
    assert rows(connection, "SELECT exit_code, timed_out, n_attempts, duration_s FROM suites") == [
        (None, True, 2, 4.0)
    ]


def test_deployments_show_first_and_last_revision(connection: Connection) -> None:
    changed = next(f for f in run(1) if getattr(f, "stage", "") == "end").model_copy(
        update={"seen": ("rev-1", "rev-9")}
    )
    put(connection, run(1, "SUPERSEDED", changed), run(2))
    found = rows(
        connection,
        "SELECT service, expected, first_seen, last_seen, as_expected, verdict FROM deployments ORDER BY run_id",
    )
    assert found == [
        ("api", "rev-1", ["rev-1"], ["rev-1", "rev-9"], False, "SUPERSEDED"),
        ("api", "rev-2", ["rev-2"], ["rev-2"], True, "PROMOTE"),
    ]


def test_parts_of_a_verdict_are_rows(connection: Connection) -> None:
    put(connection, [started(1), verdict(1, "HOLD", [("x", "FAIL"), ("y", "PASS")])])
    assert rows(
        connection, "SELECT ordinal, criterion, outcome, evidence FROM criteria ORDER BY ordinal"
    ) == [(1, "x", "FAIL", ["p1/chat"]), (2, "y", "PASS", ["p1/chat"])]
    assert rows(connection, "SELECT ordinal, priority, text FROM actions ORDER BY ordinal") == [
        (1, "P1", "look"),
        (2, "P2", "wait"),
    ]
    assert rows(connection, "SELECT signature, n FROM incidents") == [("closed-1000", 2)]
    assert rows(
        connection,
        "SELECT deployment_id, revenue_at_risk, revenue_currency, revenue_per FROM revenue_at_risk_by_deployment",
    ) == [("dep-1", 1000.0, "USD", "month")]


def test_gate_accuracy_counts_both_ways_of_being_wrong(connection: Connection) -> None:
    put(connection, run(1), run(2), run(3, "HOLD"))
    for run_id, label in (("run-1", "bad"), ("run-2", "good"), ("run-3", "good")):
        connection.execute(
            "INSERT INTO store.labels VALUES (?, ?, '', 'ann', now())", [run_id, label]
        )
    found = rows(
        connection,
        "SELECT verdict, n_labelled, n_false_promote, n_false_hold, wrong_share FROM gate_accuracy ORDER BY verdict",
    )
    assert found == [("HOLD", 1, 0, 1, 1.0), ("PROMOTE", 2, 1, 0, 0.5)]


def test_suite_cost_is_per_run_that_found_something(trend: Connection) -> None:
    found = rows(
        trend,
        "SELECT suite, n_runs, n_runs_red, total_duration_s, s_per_red_run, duration_p95_s FROM suite_cost",
    )
    assert found == [("chat", 5, 2, 10.0, 5.0, None)]


attempts = st.lists(
    st.builds(
        lambda test, attempt, outcome, seen: test_result(1, test, outcome, attempt, seen),
        st.sampled_from(["a", "b"]),
        st.integers(1, 4),
        st.sampled_from(["PASS", "FAIL", "ERROR", "NOT_RUN", "SKIPPED", "FLAKY"]),
        st.sampled_from([True, False, None]),
    ),
    max_size=8,
)


@pytest.fixture(scope="module")
def scratch() -> Iterator[Connection]:
    with in_memory() as connection:
        yield connection


@settings(max_examples=20, deadline=None)
@given(facts=attempts)
def test_the_view_and_the_judge_settle_attempts_alike(
    scratch: Connection, facts: list[TestResult]
) -> None:
    put(scratch, [started(1), *facts])
    seen = {
        t: (o, g, n)
        for t, o, g, n in rows(scratch, "SELECT test_id, outcome, grade, n_attempts FROM tests")
    }
    judged = final_outcomes([f for f in fold(facts) if isinstance(f, TestResult)])
    assert seen == {
        key[2]: (Outcome(t.outcome), t.grade and Grade(t.grade), t.attempts)
        for key, t in judged.items()
    }

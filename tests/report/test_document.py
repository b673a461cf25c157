"""Laws of the JSON document: its keys are a contract, its counts come from final outcomes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from data.records.evidence import Evidence, RunView
from data.report.document import run_document
from tests.report import runs

KEYS = (
    "run_id",
    "plan",
    "environment",
    "verdict",
    "rule",
    "reasons",
    "coverage",
    "not_seen",
    "counterfactual",
    "criteria",
    "suites",
    "probes",
    "revisions",
    "revenue_at_risk",
    "incidents",
    "actions",
    "input_hash",
    "started_at",
    "finished_at",
)
EXTRA = ("exit_code", "notes", "revenue_note", "rollback_refusals", "acted", "decision")
SUITE_KEYS = (
    "id",
    "phase",
    "expected",
    "collected",
    "passed",
    "failed",
    "errors",
    "skipped",
    "flaky",
    "not_run",
    "timed_out",
    "vacuous",
    "insensitive",
    "duration_s",
)


@pytest.fixture(scope="module")
def rich() -> dict[str, Any]:
    return run_document(runs.rich())


def suite(document: dict[str, Any], id: str) -> dict[str, Any]:
    return next(row for row in document["suites"] if row["id"] == id)


def test_the_keys_are_exactly_those_of_the_design_then_the_extra_ones(rich: dict[str, Any]) -> None:
    assert tuple(rich) == (*KEYS, *EXTRA)
    assert tuple(rich["suites"][0]) == SUITE_KEYS
    assert tuple(rich["criteria"][0]) == ("id", "priority", "outcome", "sentence", "evidence")
    assert tuple(rich["probes"][0]) == (
        "id",
        "phase",
        "kind",
        "outcome",
        "n",
        "n_failed",
        "message",
        "duration_s",
        "metrics",
    )


def test_it_is_json_and_survives_a_round_trip(rich: dict[str, Any]) -> None:
    assert json.loads(json.dumps(rich, allow_nan=False)) == rich


@pytest.mark.parametrize(
    ("id", "counts"),
    [
        ("auth", {"expected": 6, "collected": 6, "passed": 6, "vacuous": 2, "failed": 0}),
        (
            "chat",
            {
                "expected": 8,
                "passed": 4,
                "failed": 1,
                "errors": 1,
                "skipped": 1,
                "flaky": 1,
                "insensitive": 1,
            },
        ),
        (
            "agents",
            {"expected": 25, "collected": 25, "passed": 15, "not_run": 10, "timed_out": True},
        ),
        ("threads", {"expected": 4, "collected": 0, "passed": 0, "not_run": 0}),
    ],
)
def test_suite_counts_come_from_final_outcomes(
    rich: dict[str, Any], id: str, counts: dict[str, Any]
) -> None:
    row = suite(rich, id)
    assert {key: row[key] for key in counts} == counts


def test_a_flaky_test_is_not_counted_as_passed(rich: dict[str, Any]) -> None:
    row = suite(rich, "chat")
    total = sum(row[key] for key in ("passed", "failed", "errors", "skipped", "flaky", "not_run"))
    assert total == row["collected"]


def test_a_suite_takes_the_time_of_all_its_attempts(rich: dict[str, Any]) -> None:
    assert suite(rich, "chat")["duration_s"] == 26.7


def test_a_probe_that_passed_on_retry_is_flaky_with_the_numbers_of_the_first_attempt(
    rich: dict[str, Any],
) -> None:
    probe = rich["probes"][1]
    assert (probe["outcome"], probe["n"], probe["n_failed"]) == ("FLAKY", 30, 1)


def test_p95_is_null_below_twenty_samples(rich: dict[str, Any]) -> None:
    metrics = rich["probes"][0]["metrics"]
    assert metrics["first_event"]["p95_ms"] is None
    assert metrics["first_event"]["p50_ms"] == 201.5
    assert metrics["message"] == {"n": 23, "p50_ms": 1394.9, "p95_ms": 1949.6, "max_ms": 2289.3}


def test_a_metric_in_another_unit_does_not_call_itself_ms() -> None:
    sample = runs.samples("golden-path", "memory", (3.5,))[0].model_copy(update={"unit": "MB"})
    evidence = runs.rich_evidence().model_copy(update={"samples": (sample,)})
    metric = run_document(RunView(evidence=evidence))["probes"][0]["metrics"]["memory"]
    assert metric == {"n": 1, "p50": 3.5, "p95": None, "max": 3.5, "unit": "MB"}


def test_samples_that_are_no_numbers_are_not_measured() -> None:
    values = runs.samples("golden-path", "message", (float("nan"), float("inf"), 5.0))
    evidence = runs.rich_evidence().model_copy(update={"samples": values})
    document = run_document(RunView(evidence=evidence))
    assert document["probes"][0]["metrics"]["message"]["n"] == 1
    json.dumps(document, allow_nan=False)


def test_revisions_say_what_answered_before_and_after(rich: dict[str, Any]) -> None:
    assert rich["revisions"]["backend"] == {
        "expected": "websocket-race",
        "before": "websocket-race",
        "after": "websocket-race, healthy",
    }
    assert rich["revisions"]["frontend"]["after"] is None


def test_without_a_verdict_nothing_is_approved() -> None:
    document = run_document(RunView(evidence=Evidence(run=runs.started())))
    assert (document["verdict"], document["exit_code"]) == (None, 1)
    assert document["coverage"] == {"expected": 45, "seen": 0}
    assert [p["outcome"] for p in document["probes"]] == ["NOT_RUN", "NOT_RUN"]
    assert document["finished_at"] is None


def test_coverage_is_the_judges(rich: dict[str, Any]) -> None:
    assert rich["coverage"] == {"expected": 45, "seen": 29}


def test_a_plan_that_cannot_be_read_leaves_expected_unknown() -> None:
    evidence = runs.rich_evidence().model_copy(update={"run": runs.started(plan_json="{}")})
    document = run_document(RunView(evidence=evidence))
    assert [row["expected"] for row in document["suites"]] == [None] * 4

"""Runs to fill a warehouse with: small, readable, one call each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from data.records.facts import (
    Collected,
    DeployResult,
    Fact,
    Failure,
    PhaseResult,
    ProbeResult,
    RevisionReading,
    RunEnded,
    RunStarted,
    Sample,
    SensitivityCell,
    SuiteResult,
    TestResult,
)
from data.records.verdict import (
    Action,
    Coverage,
    CriterionResult,
    Incident,
    RevenueAtRisk,
    Verdict,
)
from data.records.words import Mark, Outcome, Priority, VerdictWord
from data.store.facts import KINDS
from data.store.warehouse import Warehouse

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


def at(hour: int, second: int = 0) -> datetime:
    return EPOCH + timedelta(hours=hour, seconds=second)


def started(
    n: int, plan_json: str = "", revision: str | None = "", plan: str = "shop"
) -> RunStarted:
    """The n-th run: run-n of deployment dep-n, revision rev-n, one an hour."""
    named = f"rev-{n}" if revision == "" else revision
    return RunStarted(
        run_id=f"run-{n}", plan=plan, environment="staging", deployment_id=f"dep-{n}",
        revision=named, started_at=at(n), plan_json=plan_json,
    )  # fmt: skip


def test_result(
    n: int,
    test_id: str,
    outcome: str,
    attempt: int = 1,
    witnessed: bool | None = True,
    signature: str = "",
) -> TestResult:
    return TestResult(
        run_id=f"run-{n}", phase="p1", suite="chat", test_id=test_id, attempt=attempt,
        outcome=Outcome(outcome), duration_ms=12.5, witnessed=witnessed, signature=signature,
        message=f"{outcome} {test_id}", at=at(n, attempt),
    )  # fmt: skip


test_result.__test__ = False  # type: ignore[attr-defined]  # not a pytest function


def samples(
    n: int, values: Iterable[float], probe: str = "message", metric: str = "message"
) -> list[Fact]:
    return [
        Sample(
            run_id=f"run-{n}",
            phase="p1",
            probe=probe,
            metric=metric,
            ordinal=i,
            value=v,
            at=at(n, 5),
        )
        for i, v in enumerate(values)
    ]


def verdict(n: int, word: str = "PROMOTE", criteria: Sequence[tuple[str, str]] = ()) -> Verdict:
    return Verdict(
        run_id=f"run-{n}", verdict=VerdictWord(word), rule="all-green", reasons=("0 failed",),
        coverage=Coverage(expected=3, seen=3),
        criteria=tuple(
            CriterionResult(id=i, priority=Priority.P1, outcome=Mark(o), sentence="1 > 0", evidence=("p1/chat",))
            for i, o in criteria
        ),
        incidents=(Incident(signature="closed-1000", priority=Priority.P1, symptom="closed", n=2),),
        actions=(Action(priority=Priority.P1, text="look"), Action(priority=Priority.P2, text="wait")),
        revenue_at_risk=RevenueAtRisk(amount=1000.0, currency="USD", per="month"),
        at=at(n, 50),
    )  # fmt: skip


def run(
    n: int, word: str = "PROMOTE", *more: Fact, plan_json: str = "", tests: bool = True
) -> list[Fact]:
    """A whole run: two passing tests, a probe with 20 samples, a verdict; and more."""
    run_id = f"run-{n}"
    return [
        started(n, plan_json),
        DeployResult(run_id=run_id, deployer="local", outcome=Outcome.PASS, revisions={"api": f"rev-{n}"}, at=at(n)),
        RevisionReading(run_id=run_id, stage="start", service="api", expected=f"rev-{n}", seen=(f"rev-{n}",), at=at(n, 1)),
        RevisionReading(run_id=run_id, stage="end", service="api", expected=f"rev-{n}", seen=(f"rev-{n}",), at=at(n, 9)),
        PhaseResult(run_id=run_id, phase="p1", ordinal=1, priority="P1", started_at=at(n, 1), finished_at=at(n, 9)),
        Collected(run_id=run_id, phase="p1", suite="chat", test_ids=("a", "b"), at=at(n, 1)),
        *([test_result(n, "a", "PASS"), test_result(n, "b", "PASS")] if tests else []),
        SuiteResult(run_id=run_id, phase="p1", suite="chat", command=("pytest",), exit_code=0, duration_s=2.0, started_at=at(n, 1)),
        ProbeResult(run_id=run_id, phase="p1", probe="message", kind="journey", outcome=Outcome.PASS, n=20, duration_s=1.0, started_at=at(n, 2)),
        *samples(n, [float(v) for v in range(1, 21)]),
        *more,
        verdict(n, word),
        RunEnded(run_id=run_id, finished_at=at(n, 60)),
    ]  # fmt: skip


def failed_probe(n: int, signature: str) -> ProbeResult:
    return ProbeResult(
        run_id=f"run-{n}", phase="p1", probe="sockets", kind="journey", outcome=Outcome.FAIL, n=2, n_failed=1,
        failures=(Failure(ordinal=0, step="receive", signature=signature, message="closed"),),
        duration_s=1.0, started_at=at(n, 2),
    )  # fmt: skip


def cell(n: int, test_id: str, turned_red: bool) -> SensitivityCell:
    return SensitivityCell(
        run_id=f"run-{n}",
        suite="chat",
        test_id=test_id,
        fault="refuses",
        turned_red=turned_red,
        at=at(n),
    )


def plan_with(rule: str) -> str:
    return json.dumps({"criteria": [{"id": "speed", "rule": rule}], "baseline": {"runs": 7}})


def n_rows(warehouse: Warehouse) -> int:
    """Rows of all base tables together."""
    count = " + ".join(f"(SELECT count(*) FROM store.{kind})" for kind in KINDS)
    return int(warehouse.query(f"SELECT {count}")[1][0][0])

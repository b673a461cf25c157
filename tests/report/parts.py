"""Parts of runs made by hand."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

from data.records.evidence import BaselineRun, History, KnownGood
from data.records.facts import (
    Collected,
    DeployResult,
    HealthReading,
    PhaseResult,
    ProbeResult,
    RevisionReading,
    RunStarted,
    Sample,
    SensitivityCell,
    SuiteResult,
    TestResult,
)
from data.records.plan import Plan
from data.records.verdict import (
    CriterionResult,
)
from data.records.words import HealthState, Mark, Outcome, Priority

START = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
RUN = "20260131-120000-chat-7f3a"


def at(seconds: float) -> datetime:
    """A time so many seconds into the run."""
    return START + timedelta(seconds=seconds)


def plan() -> Plan:
    """Two phases, three suites, two probes, revenue."""
    return Plan.model_validate(
        {
            "plan": "chat-staging",
            "environment": "staging",
            "services": {
                "auth": {"url": "http://auth.test"},
                "backend": {"url": "http://backend.test"},
                "frontend": {"url": "http://frontend.test"},
            },
            "phases": [
                {
                    "id": "critical-path",
                    "priority": "P1",
                    "suites": [
                        {"id": "auth", "command": ["pytest"], "expect": 6, "proves": ["sign-in"]},
                        {"id": "chat", "command": ["pytest"], "expect": 8, "proves": ["chat"]},
                    ],
                    "probes": [journey("golden-path", ["chat"]), journey("sign-in", ["sign-in"])],
                },
                {
                    "id": "breadth",
                    "priority": "P2",
                    "suites": [
                        {"id": "agents", "command": ["pytest"], "expect": 25, "proves": ["agents"]},
                        {"id": "threads", "command": ["pytest"], "expect": 4},
                    ],
                },
            ],
            "criteria": [
                {"id": "sign-in-fast", "priority": "P2", "rule": "p95(sign_in) <= 100 ms"},
                {"id": "message-fast", "priority": "P1", "rule": "p95(message) < 2 s"},
                {"id": "message-typical", "priority": "P2", "rule": "p50(message) <= 900 ms"},
                {"id": "no-slower", "priority": "P3", "rule": "shift(message) <= 10 %"},
                {"id": "first-event-fast", "priority": "P3", "rule": "p95(first_event) < 500 ms"},
            ],
            "capabilities": {
                "sign-in": {"title": "Sign in", "share": "100 %"},
                "chat": {
                    "title": "Send a message and get an answer",
                    "share": "90 %",
                    "within": "sign-in",
                },
                "agents": {"title": "Run an agent", "share": "35 %", "within": "chat"},
            },
            "revenue": {"amount": "500K", "currency": "USD", "per": "year"},
        }
    )


def journey(id: str, proves: list[str]) -> dict[str, Any]:
    request = {"url": "{{backend}}/health"}
    return {"id": id, "kind": "http", "request": request, "proves": proves}


def started(**changes: Any) -> RunStarted:
    given: dict[str, Any] = {
        "run_id": RUN,
        "plan": "chat-staging",
        "plan_path": "examples/staging/plan.yaml",
        "plan_json": plan().model_dump_json(by_alias=True),
        "environment": "staging",
        "deployment_id": "websocket-race@2026-01-31",
        "revision": "websocket-race",
        "gate_version": "0.1.0",
        "started_at": START,
    }
    return RunStarted(**(given | changes))


def test(suite: str, name: str, outcome: str, seconds: float = 20, **changes: Any) -> TestResult:
    phase = "breadth" if suite in ("agents", "threads") else "critical-path"
    given: dict[str, Any] = {
        "run_id": RUN,
        "phase": phase,
        "suite": suite,
        "test_id": f"tests/test_{suite}.py::{name}",
        "outcome": Outcome(outcome),
        "duration_ms": 42.0,
        "witnessed": True,
        "at": at(seconds),
    }
    return TestResult(**(given | changes))


test.__test__ = False  # type: ignore[attr-defined]


def collected(suite: str, names: list[str]) -> Collected:
    ids = tuple(test(suite, name, "PASS").test_id for name in names)
    phase = test(suite, "x", "PASS").phase
    return Collected(run_id=RUN, phase=phase, suite=suite, test_ids=ids, at=at(9))


def suite(name: str, began: float, seconds: float, **changes: Any) -> SuiteResult:
    given: dict[str, Any] = {
        "run_id": RUN,
        "phase": test(name, "x", "PASS").phase,
        "suite": name,
        "command": ("pytest",),
        "exit_code": 0,
        "stdout_path": f"var/suites/{RUN}/{name}/stdout.txt",
        "duration_s": seconds,
        "started_at": at(began),
    }
    return SuiteResult(**(given | changes))


def probe(name: str, outcome: str, n: int, n_failed: int = 0, **changes: Any) -> ProbeResult:
    given: dict[str, Any] = {
        "run_id": RUN,
        "phase": "critical-path",
        "probe": name,
        "kind": "journey",
        "outcome": Outcome(outcome),
        "n": n,
        "n_failed": n_failed,
        "duration_s": 14.2,
        "started_at": at(12),
    }
    return ProbeResult(**(given | changes))


def latencies(n: int, middle: float, phase: float = 0.0) -> tuple[float, ...]:
    """Made-up latencies around a middle, with a tail to the right; the same each time."""
    waves = (abs(math.sin(i * 12.9898 + phase) * 43758.5453) % 1 for i in range(n))
    return tuple(round(middle * (0.8 + 0.35 * w + 0.9 * w**9), 1) for w in waves)


def samples(
    probe_id: str, metric: str, values: tuple[float, ...], n_bad: int = 0
) -> tuple[Sample, ...]:
    return tuple(
        Sample(
            run_id=RUN,
            phase="critical-path",
            probe=probe_id,
            metric=metric,
            ordinal=i,
            value=value,
            ok=i >= n_bad,
            at=at(12 + i / 10),
        )
        for i, value in enumerate(values)
    )


def health(service: str, state: str, stage: str = "gate", message: str = "") -> HealthReading:
    return HealthReading(
        run_id=RUN,
        stage=stage,
        service=service,
        state=HealthState(state),
        status_code=200,
        latency_ms=12.5,
        n_reads=2,
        ready_after_s=1.4,
        message=message,
        at=at(8),
    )


def revision(service: str, stage: str, *seen: str, seconds: float = 8) -> RevisionReading:
    return RevisionReading(
        run_id=RUN,
        stage=stage,
        service=service,
        expected="websocket-race",
        seen=seen,
        n_reads=6,
        at=at(seconds),
    )


def phases() -> tuple[PhaseResult, ...]:
    first = {"started_at": at(10), "finished_at": at(38)}
    second = {"started_at": at(38.5), "finished_at": at(74)}
    return (
        PhaseResult(run_id=RUN, phase="critical-path", ordinal=1, priority="P1", **first),
        PhaseResult(run_id=RUN, phase="breadth", ordinal=2, priority="P2", **second),
    )


def deploy(**changes: Any) -> DeployResult:
    given: dict[str, Any] = {
        "run_id": RUN,
        "deployer": "local",
        "outcome": Outcome.PASS,
        "revision": "websocket-race",
        "revisions": dict.fromkeys(("auth", "backend", "frontend"), "websocket-race"),
        "previous": "healthy",
        "duration_s": 6.1,
        "at": at(6.2),
    }
    return DeployResult(**(given | changes))


def criterion(id: str, priority: str, outcome: str, sentence: str) -> CriterionResult:
    return CriterionResult(
        id=id,
        priority=Priority(priority),
        outcome=Mark(outcome),
        sentence=sentence,
        evidence=(f"{id}/evidence",),
    )


def history(sensitive: bool = True) -> History:
    cells = [
        SensitivityCell(
            run_id="audit",
            suite="chat",
            test_id=f"tests/test_chat.py::test_{i}",
            fault="refuses",
            turned_red=i != 3,
            at=START,
        )
        for i in range(4)
    ]
    runs = tuple(
        BaselineRun(
            run_id=f"run-{i}",
            revision="healthy",
            samples={"message": latencies(25, 1180, i), "sign_in": latencies(30, 52, i)},
        )
        for i in range(6)
    )
    good = KnownGood(run_id="run-5", revision="healthy", healthy_now=True)
    return History(baseline=runs, known_good=good, sensitivity=tuple(cells) if sensitive else ())

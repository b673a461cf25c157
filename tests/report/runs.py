"""Runs made by hand: a rich one with all kinds of failures, a green one, a hostile one."""

from __future__ import annotations

from typing import Any

from data.records.evidence import Evidence, RunView
from data.records.facts import (
    Failure,
    RevisionReading,
    RunEnded,
    TestResult,
)
from data.records.verdict import (
    Acted,
    Action,
    Coverage,
    CriterionResult,
    Incident,
    RevenueAtRisk,
    Verdict,
)
from data.records.words import Priority, VerdictWord
from tests.report.parts import (
    RUN,
    at,
    collected,
    criterion,
    deploy,
    health,
    history,
    latencies,
    phases,
    probe,
    revision,
    samples,
    started,
    suite,
    test,
)

DETAIL = """Traceback (most recent call last):
  File "tests/test_chat.py", line 88, in test_two_sockets
    await chat.answer()
websockets.exceptions.ConnectionClosedOK: received 1000 (OK) main cleanup; <script>alert(1)</script>
"""


def rich_tests() -> tuple[TestResult, ...]:
    """Every kind of ending."""
    auth = [test("auth", f"test_{i}", "PASS", witnessed=i not in (4, 5)) for i in range(6)]
    chat = [test("chat", f"test_{i}", "PASS") for i in range(4)]
    closed = {
        "message": "ConnectionClosedOK: received 1000 (OK) main cleanup | <script>alert(1)</script>",
        "detail": DETAIL,
        "signature": "ws-closed-1000-early",
    }
    chat += [
        test("chat", "test_two_sockets", "FAIL", **closed),
        test("chat", "test_two_sockets", "FAIL", attempt=2, **closed),
        test("chat", "test_reconnect", "FAIL", message="TimeoutError: no pong in 5 s"),
        test("chat", "test_reconnect", "PASS", attempt=2),
        test("chat", "test_history", "ERROR", message="fixture 'thread' not found", stage="setup"),
        test("chat", "test_mobile", "SKIPPED", message="needs a phone", witnessed=False),
    ]
    agents = [test("agents", f"test_{i:02d}", "PASS", 50) for i in range(15)]
    return (*auth, *chat, *agents)


def rich_evidence() -> Evidence:
    agents = [f"test_{i:02d}" for i in range(25)]
    chat = [
        *(f"test_{i}" for i in range(4)),
        "test_two_sockets",
        "test_reconnect",
        "test_history",
        "test_mobile",
    ]
    failures = tuple(
        Failure(
            ordinal=i,
            step="expect",
            signature="ws-closed-1000-early",
            message="closed 1000 main cleanup before agent_completed",
        )
        for i in range(5)
    )
    return Evidence(
        run=started(),
        ended=RunEnded(run_id=RUN, finished_at=at(78.4)),
        deploy=deploy(),
        health=(
            health("auth", "healthy"),
            health("backend", "healthy"),
            health("frontend", "degraded", message="dependency backend: connection reset"),
        ),
        revisions=(
            *(revision(s, "start", "websocket-race") for s in ("auth", "backend", "frontend")),
            revision("auth", "end", "websocket-race", seconds=76),
            revision("backend", "end", "websocket-race", "healthy", seconds=76),
        ),
        phases=phases(),
        collected=(
            collected("auth", [f"test_{i}" for i in range(6)]),
            collected("chat", chat),
            collected("agents", agents),
        ),
        suites=(
            suite("auth", 10.2, 3.1),
            suite("chat", 10.4, 19.8, exit_code=1),
            suite("chat", 30.6, 6.9, exit_code=1, attempt=2),
            suite("agents", 38.6, 34.9, exit_code=None, timed_out=True),
            suite(
                "threads",
                38.7,
                0.8,
                exit_code=4,
                broken="ImportError: cannot import name 'threads' from 'app'",
            ),
        ),
        tests=rich_tests(),
        probes=(
            probe(
                "golden-path", "FAIL", 25, 5, failures=failures, message="5 of 25 journeys failed"
            ),
            probe("sign-in", "FAIL", 30, 1, message="1 of 30 journeys failed", duration_s=2.5),
            probe("sign-in", "PASS", 1, attempt=2, duration_s=0.3, started_at=at(27)),
        ),
        samples=(
            *samples("golden-path", "message", latencies(25, 1450), n_bad=2),
            *samples("golden-path", "first_event", latencies(9, 210)),
            *samples("sign-in", "sign_in", latencies(30, 50)),
        ),
    )


def rich_criteria() -> tuple[CriterionResult, ...]:
    return (
        criterion("deploy", "P1", "PASS", "deployed websocket-race in 6.1 s"),
        criterion("health/auth", "P1", "PASS", "auth is healthy: no detail"),
        criterion("health/backend", "P1", "PASS", "backend is healthy: no detail"),
        criterion(
            "health/frontend",
            "P2",
            "FAIL",
            "frontend is degraded: dependency backend: connection reset",
        ),
        criterion(
            "revision/backend",
            "P1",
            "FAIL",
            "backend: expected websocket-race, websocket-race and healthy answered in turn at end",
        ),
        criterion(
            "p1/critical-path/auth",
            "P1",
            "VACUOUS",
            "2 passes never touched the target; 6 of 6 passed",
        ),
        criterion(
            "p1/critical-path/chat",
            "P1",
            "FAIL",
            "1 failed > 0 tolerated; 4 of 8 passed, 1 fail, 1 error, 1 skipped, 1 flaky",
        ),
        criterion("p1/critical-path/golden-path", "P1", "FAIL", "5 of 25 journeys failed"),
        criterion(
            "p1/critical-path/sign-in",
            "P1",
            "FLAKY",
            "1 of 30 journeys failed, passed when tried again",
        ),
        criterion(
            "p2/breadth/agents",
            "P2",
            "NOT_RUN",
            "10 of 25 tests did not run, 15 ended: the suite timed out",
        ),
        criterion(
            "p2/breadth/threads",
            "P2",
            "ERROR",
            "the suite itself is broken: ImportError: cannot import name 'threads'",
        ),
        criterion("sign-in-fast", "P2", "PASS", "p95(sign_in) <= 100 ms: 78.9 ms (n = 30)"),
        criterion("message-fast", "P1", "PASS", "p95(message) < 2 s: 1985 ms (n = 23)"),
        criterion("message-typical", "P2", "FAIL", "p50(message) <= 900 ms: 1388 ms (n = 23)"),
        criterion(
            "first-event-fast",
            "P3",
            "NOT_EVALUATED",
            "p95(first_event) < 500 ms: not evaluated, 9 samples and 20 are needed",
        ),
    )


def rich_verdict(**changes: Any) -> Verdict:
    given: dict[str, Any] = {
        "run_id": RUN,
        "verdict": VerdictWord.ROLL_BACK,
        "rule": "P1 FAIL p1/critical-path/chat: 1 failed > 0 tolerated; 4 of 8 passed, 1 fail, 1 error, 1 skipped, 1 flaky → ROLL_BACK",
        "reasons": (
            "P1 FAIL p1/critical-path/chat: 1 failed > 0 tolerated; 4 of 8 passed, 1 fail, 1 error, 1 skipped, 1 flaky",
            "P1 FAIL p1/critical-path/golden-path: 5 of 25 journeys failed",
            "P1 VACUOUS p1/critical-path/auth: 2 passes never touched the target; 6 of 6 passed",
        ),
        "coverage": Coverage(expected=45, seen=29),
        "not_seen": (
            "breadth/agents: 10 of 25 tests (test_15 to test_24)",
            "breadth/threads: 4 tests",
        ),
        "counterfactual": "would be HOLD if p1/critical-path/chat and p1/critical-path/golden-path passed",
        "criteria": rich_criteria(),
        "revenue_at_risk": RevenueAtRisk(amount=450000, currency="USD", per="year"),
        "revenue_note": "90 % of 500,000 USD a year rests on chat",
        "incidents": (
            Incident(
                signature="ws-closed-1000-early",
                priority=Priority.P1,
                n=7,
                symptom='socket closed 1000 "main cleanup" before agent_completed',
                impact="users with two tabs get no answer",
                likely_cause="one socket's cleanup closes its neighbours | race",
                action="roll back to healthy",
                capabilities=("chat",),
                evidence=("critical-path/chat/test_two_sockets",),
                first_seen_deployment="websocket-race",
            ),
            Incident(
                signature="import-threads",
                priority=Priority.P2,
                n=1,
                symptom="suite threads does not import",
                likely_cause="the test's fault",
            ),
        ),
        "actions": (
            Action(priority=Priority.P1, text="roll back to healthy"),
            Action(priority=Priority.P1, text="make auth test_4 and test_5 touch the target"),
            Action(
                priority=Priority.P2,
                text="run goldenpath run --resume for the 10 tests that did not run",
            ),
        ),
        "notes": ("history: 12 promoted runs",),
        "input_hash": "9c1f0a7be2",
        "at": at(78.5),
    }
    return Verdict(**(given | changes))


def rich() -> RunView:
    """ROLL_BACK with every kind of failure."""
    acted = Acted(
        run_id=RUN, action="rollback", outcome="PASS", message="healthy serves again", at=at(84)
    )
    return RunView(
        evidence=rich_evidence(), verdict=rich_verdict(), acted=(acted,), history=history()
    )


def green() -> RunView:
    """PROMOTE, nothing to complain about."""
    names = {"auth": 6, "chat": 8, "agents": 25, "threads": 4}
    began = {"auth": 10.2, "chat": 10.4, "agents": 38.6, "threads": 38.7}
    took = {"auth": 3.1, "chat": 19.8, "agents": 30.2, "threads": 4.4}
    every = {s: [f"test_{i:02d}" for i in range(n)] for s, n in names.items()}
    services = ("auth", "backend", "frontend")
    evidence = Evidence(
        run=started(revision="healthy"),
        ended=RunEnded(run_id=RUN, finished_at=at(74.2)),
        deploy=deploy(revision="healthy", revisions=dict.fromkeys(services, "healthy")),
        health=tuple(health(s, "healthy") for s in services),
        revisions=tuple(
            RevisionReading(
                run_id=RUN,
                stage=stage,
                service=s,
                expected="healthy",
                seen=("healthy",),
                n_reads=6,
                at=at(when),
            )
            for stage, when in (("start", 8), ("end", 73))
            for s in services
        ),
        phases=phases(),
        collected=tuple(collected(s, ids) for s, ids in every.items()),
        suites=tuple(suite(s, began[s], took[s]) for s in names),
        tests=tuple(test(s, name, "PASS") for s, ids in every.items() for name in ids),
        probes=(probe("golden-path", "PASS", 25), probe("sign-in", "PASS", 30, duration_s=2.5)),
        samples=(
            *samples("golden-path", "message", latencies(25, 800)),
            *samples("golden-path", "first_event", latencies(25, 210)),
            *samples("sign-in", "sign_in", latencies(30, 50)),
        ),
    )
    return RunView(evidence=evidence, verdict=green_verdict(), history=history())


def green_verdict() -> Verdict:
    criteria = (
        criterion("deploy", "P1", "PASS", "deployed healthy in 6.1 s"),
        *(
            criterion(f"health/{s}", "P1", "PASS", f"{s} is healthy: no detail")
            for s in ("auth", "backend", "frontend")
        ),
        *(
            criterion(f"revision/{s}", "P1", "PASS", f"{s}: healthy in 12 of as many reads")
            for s in ("auth", "backend", "frontend")
        ),
        criterion("p1/critical-path/auth", "P1", "PASS", "6 of 6 passed, 6 witnessed"),
        criterion("p1/critical-path/chat", "P1", "PASS", "8 of 8 passed, 8 witnessed"),
        criterion("p1/critical-path/golden-path", "P1", "PASS", "25 of 25 passed"),
        criterion("p1/critical-path/sign-in", "P1", "PASS", "30 of 30 passed"),
        criterion("p2/breadth/agents", "P2", "PASS", "25 of 25 passed, 25 witnessed"),
        criterion("p2/breadth/threads", "P2", "PASS", "4 of 4 passed, 4 witnessed"),
        criterion("message-fast", "P1", "PASS", "p95(message) < 2 s: 1102 ms (n = 25)"),
        criterion("message-typical", "P2", "PASS", "p50(message) <= 900 ms: 766 ms (n = 25)"),
        criterion("sign-in-fast", "P2", "PASS", "p95(sign_in) <= 100 ms: 79 ms (n = 30)"),
    )
    sentence = "45 of 45 expected pieces of evidence seen, 16 of 16 criteria satisfied"
    return Verdict(
        run_id=RUN,
        verdict=VerdictWord.PROMOTE,
        rule="everything required is present and passed",
        reasons=(sentence,),
        coverage=Coverage(expected=45, seen=45),
        criteria=criteria,
        revenue_at_risk=RevenueAtRisk(amount=0, currency="USD", per="year"),
        actions=(Action(priority=Priority.P3, text="promote healthy"),),
        input_hash="41d0c2aa01",
        at=at(74.3),
    )

"""Plans, evidence and histories to judge: one call makes a good one, keywords spoil it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from data.records.evidence import BaselineRun, Evidence, History, KnownGood
from data.records.facts import (
    Collected,
    DeployResult,
    Failure,
    HealthReading,
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
from data.records.plan import Plan
from data.records.verdict import Verdict
from data.records.words import HealthState, Outcome
from data.rules.judge import judge

RUN, NEW, OLD = "run-2", "rev-2", "rev-1"
T0 = datetime(2026, 1, 1, tzinfo=UTC)
TESTS = ("t1", "t2", "t3")
FAULT = "ws/closed-1000"


def at(second: float) -> datetime:
    return T0 + timedelta(seconds=second)


def plan(**changes: Any) -> Plan:
    """Two services; a P1 phase with a suite and a probe, a P2 and a P3 phase with a suite each."""
    written: dict[str, Any] = {
        "plan": "shop",
        "environment": "staging",
        "services": {
            "api": {"url": "http://api", "revision": {"json": "revision"}},
            "web": {"url": "http://web"},
        },
        "deploy": {"deployer": "command", "command": ["deploy"], "rollback": ["undo"]},
        "capabilities": {
            "sign_in": {"share": "60 %"},
            "chat": {"share": "50 %", "within": "sign_in"},
            "search": {"share": "30 %"},
        },
        "revenue": {"amount": "$500K", "currency": "USD", "per": "year"},
        "phases": [
            phase("core", "P1", [suite("auth", proves=["sign_in"])], [probe("chat", ["chat"])]),
            phase("more", "P2", [suite("search", proves=["search"])]),
            phase("rest", "P3", [suite("extras")]),
        ],
        "rollback": {"armed": True},
    }
    return Plan.model_validate({**written, **changes})


def phase(
    id: str, priority: str, suites: Iterable[Any] = (), probes: Iterable[Any] = (), **more: Any
) -> dict[str, Any]:
    return {"id": id, "priority": priority, "suites": [*suites], "probes": [*probes], **more}


def suite(id: str, **more: Any) -> dict[str, Any]:
    return {"id": id, "command": ["pytest"], "timeout": "60s", "expect": 3, **more}


def probe(id: str, proves: Iterable[str] = ()) -> dict[str, Any]:
    request = {"url": "{{services.api.url}}/x"}
    return {"id": id, "kind": "http", "request": request, "metric": "message", "proves": [*proves]}


def test(
    suite: str = "auth",
    name: str = "t1",
    outcome: str = "PASS",
    attempt: int = 1,
    witnessed: bool | None = True,
    signature: str = "",
) -> TestResult:
    red = outcome in ("FAIL", "ERROR")
    return TestResult(
        run_id=RUN, phase=PHASE_OF.get(suite, "core"), suite=suite, test_id=name, attempt=attempt,
        outcome=Outcome(outcome), witnessed=witnessed, at=at(20 + attempt),
        signature=signature or (FAULT if red else ""), message=f"{name} {outcome}",
    )  # fmt: skip


test.__test__ = False  # type: ignore[attr-defined]  # a factory, not a test
PHASE_OF = {"auth": "core", "search": "more", "extras": "rest"}


def probed(
    outcome: str = "PASS", attempt: int = 1, n: int = 20, signature: str = FAULT, id: str = "chat"
) -> ProbeResult:
    red = outcome in ("FAIL", "FLAKY")
    failures = (Failure(ordinal=0, step="s", signature=signature, message="closed"),)
    return ProbeResult(
        run_id=RUN, phase="core", probe=id, kind="http", attempt=attempt, outcome=Outcome(outcome),
        n=n, n_failed=int(red), failures=failures if red else (), duration_s=1.0, started_at=at(21),
    )  # fmt: skip


def deployed(outcome: str = "PASS", previous: str | None = OLD, **more: Any) -> DeployResult:
    return DeployResult(
        run_id=RUN, deployer="command", outcome=Outcome(outcome), revision=NEW,
        revisions={"api": NEW}, previous=previous, at=at(2), **more,
    )  # fmt: skip


def health(stage: str, service: str, state: str = "healthy", **more: Any) -> HealthReading:
    return HealthReading(
        run_id=RUN, stage=stage, service=service, state=HealthState(state), at=at(3), **more
    )


def healths(**states: str) -> tuple[HealthReading, ...]:
    """`gate_web="down"` spoils one of the four readings; a stage is `before` or `gate`."""
    places = [(stage, name) for stage in ("before", "gate") for name in ("api", "web")]
    return tuple(health(s, n, states.get(f"{s}_{n}", "healthy")) for s, n in places)


STAGES = {"start": 5, "after:core": 30, "after:more": 50, "after:rest": 70}


def revision(stage: str, *seen: str, service: str = "api") -> RevisionReading:
    return RevisionReading(
        run_id=RUN, stage=stage, service=service, expected=NEW, seen=seen, n_reads=6,
        at=at(STAGES.get(stage, 90)),
    )  # fmt: skip


def revisions(**others: tuple[str, ...]) -> tuple[RevisionReading, ...]:
    """One reading a stage; `rest=("x",)` is what answered after that phase, `start` before."""
    return tuple(revision(s, *others.get(s.removeprefix("after:"), (NEW,))) for s in STAGES)


def samples(
    values: Iterable[float], metric: str = "message", ok: bool = True
) -> tuple[Sample, ...]:
    return tuple(
        Sample(run_id=RUN, phase="core", probe="chat", metric=metric, ordinal=i, value=v, ok=ok, at=at(22))
        for i, v in enumerate(values)
    )  # fmt: skip


def collected(suite: str, names: Iterable[str] = TESTS) -> Collected:
    return Collected(
        run_id=RUN, phase=PHASE_OF[suite], suite=suite, test_ids=tuple(names), at=at(10)
    )


def suite_ended(suite: str, **more: Any) -> SuiteResult:
    told: dict[str, Any] = {"exit_code": 0, **more}
    return SuiteResult(
        run_id=RUN, phase=PHASE_OF[suite], suite=suite, command=("pytest",), duration_s=1.0,
        started_at=at(10), **told,
    )  # fmt: skip


def all_passed() -> tuple[TestResult, ...]:
    return tuple(test(s, name) for s in PHASE_OF for name in TESTS)


def evidence(**changes: Any) -> Evidence:
    """A run in which everything is good. Each keyword replaces one field of the evidence."""
    good: dict[str, Any] = {
        "run": started(),
        "ended": RunEnded(run_id=RUN, finished_at=at(80)),
        "deploy": deployed(),
        "health": healths(),
        "revisions": revisions(),
        "phases": tuple(
            PhaseResult(run_id=RUN, phase=p, ordinal=i, priority=f"P{i + 1}", started_at=at(10 + 20 * i), finished_at=at(25 + 20 * i))
            for i, p in enumerate(("core", "more", "rest"))
        ),
        "collected": tuple(collected(s) for s in PHASE_OF),
        "suites": tuple(suite_ended(s) for s in PHASE_OF),
        "tests": all_passed(),
        "probes": (probed(),),
        "samples": samples(100.0 + i for i in range(24)),
    }  # fmt: skip
    return Evidence(**{**good, **changes})


def started(**more: Any) -> RunStarted:
    told: dict[str, Any] = {"revision": NEW, **more}
    return RunStarted(
        run_id=RUN, plan="shop", environment="staging", deployment_id="dep-2", started_at=T0, **told
    )


def all_but(*spoiled: TestResult) -> tuple[TestResult, ...]:
    """All tests pass but these, which replace every attempt of the same test."""
    names = {(t.suite, t.test_id) for t in spoiled}
    return (*(t for t in all_passed() if (t.suite, t.test_id) not in names), *spoiled)


def history(**changes: Any) -> History:
    """One promoted run of the old revision, which is healthy now."""
    good: dict[str, Any] = {
        "baseline": (
            BaselineRun(run_id="run-1", revision=OLD, samples={"message": tuple(range(100, 124))}),
        ),
        "known_good": known_good(),
    }
    return History(**{**good, **changes})


def known_good(**more: Any) -> KnownGood:
    return KnownGood(**{"run_id": "run-1", "revision": OLD, "healthy_now": True, **more})


def cell(
    suite: str, name: str, turned_red: bool, fault: str = "500", age_s: float = 0
) -> SensitivityCell:
    when = T0 - timedelta(seconds=age_s)
    return SensitivityCell(
        run_id="audit", suite=suite, test_id=name, fault=fault, turned_red=turned_red, at=when
    )


@dataclass(frozen=True)
class Matter:
    """What the judge is asked: a plan, evidence and a history, good unless said otherwise."""

    plan: Plan = field(default_factory=plan)
    evidence: Evidence = field(default_factory=evidence)
    history: History = field(default_factory=history)

    def verdict(self) -> Verdict:
        return judge(self.plan, self.evidence, self.history, at(99))

    def but(self, change: Callable[[Evidence], Evidence]) -> Matter:
        """The same with other evidence."""
        return replace(self, evidence=change(self.evidence))


def matter(
    plan_: dict[str, Any] | None = None, history_: dict[str, Any] | None = None, **facts: Any
) -> Matter:
    """The good matter with changed plan keys, history fields and evidence fields."""
    return Matter(plan(**plan_ or {}), evidence(**facts), history(**history_ or {}))

"""Plans, evidence and histories for the judge: one green deployment, and ways to change it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
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

RUN, NEW, OLD = "run-1", "r2", "r1"
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
CORE, SHOP, LOOKS = ("p1", "core"), ("p2", "shop"), ("p3", "looks")
SUITES = (CORE, SHOP, LOOKS)
PROBES = (("p1", "chat"), ("p2", "search"), ("p3", "banner"))
TESTS = ("t1", "t2", "t3")
SERVICES = ("api", "web")
STAGES = ("start", "after:p1", "after:p2", "end")
LATENCIES = tuple(100.0 + n % 10 for n in range(40))

PLAN: dict[str, Any] = {
    "plan": "shop",
    "environment": "staging",
    "services": {
        name: {"url": f"http://{name}.test", "revision": {"json": "revision"}} for name in SERVICES
    },
    "deploy": {"deployer": "command", "command": ["deploy"]},
    "phases": [
        {
            "id": phase,
            "priority": phase.upper(),
            "suites": [
                {
                    "id": suite,
                    "command": ["pytest"],
                    "expect": len(TESTS),
                    "timeout": "5s",
                    "proves": [f"by-{suite}"],
                }
            ],
            "probes": [
                {
                    "id": probe,
                    "kind": "http",
                    "request": {"url": "http://api.test/", "timeout": "5s"},
                    "proves": [f"by-{probe}"],
                    "metric": probe,
                }
            ],
        }
        for (phase, suite), (_, probe) in zip(SUITES, PROBES, strict=True)
    ],
    "criteria": [
        {"id": "fast", "priority": "P2", "rule": "p95(chat) < 2 s"},
        {"id": "no-slower", "priority": "P3", "rule": "shift(chat) < 10 %"},
        {"id": "nothing-fails", "priority": "P1", "rule": "failed(p1) == 0"},
        {"id": "most-pass", "priority": "P2", "rule": "pass_share(p2) >= 90 %"},
    ],
    "capabilities": {
        **{f"by-{suite}": {"share": "30 %"} for _, suite in SUITES},
        **{f"by-{probe}": {"share": "40 %"} for _, probe in PROBES},
    },
    "revenue": {"amount": "500K", "currency": "USD", "per": "year"},
    "rollback": {"armed": True},
}


@dataclass(frozen=True)
class Input:
    """What the judge is given."""

    plan: Plan
    evidence: Evidence
    history: History

    def judged(self, now: datetime = NOW) -> Verdict:
        return judge(self.plan, self.evidence, self.history, now)


Change = Callable[[Input], Input]


def green(**plan: Any) -> Input:
    """Everything expected is there, witnessed and passed; `plan` replaces keys of the plan."""
    return Input(Plan.model_validate(PLAN | plan), _evidence(), _history())


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def test(
    where: tuple[str, str], name: str, outcome: str = "PASS", attempt: int = 1, **more: Any
) -> TestResult:
    red = outcome in ("FAIL", "ERROR")
    given: dict[str, Any] = {
        "witnessed": True,
        "signature": f"{outcome}/{where[1]}" if red else "",
        "message": f"{outcome} of {name}" if red else "",
    }
    return TestResult(
        run_id=RUN, phase=where[0], suite=where[1], test_id=name, attempt=attempt,
        outcome=Outcome(outcome), at=at(attempt), **(given | more),
    )  # fmt: skip


test.__test__ = False  # type: ignore[attr-defined]  # not a pytest function


def suite(where: tuple[str, str], attempt: int = 1, **more: Any) -> SuiteResult:
    return SuiteResult(
        run_id=RUN, phase=where[0], suite=where[1], attempt=attempt, command=("pytest",),
        duration_s=1.0, started_at=at(0), **({"exit_code": 0} | more),
    )  # fmt: skip


def probe(
    where: tuple[str, str], outcome: str = "PASS", attempt: int = 1, **more: Any
) -> ProbeResult:
    given: dict[str, Any] = {"n": 4}
    if outcome in ("FAIL", "ERROR"):
        signature = f"{outcome}/{where[1]}"
        failure = Failure(ordinal=1, step="http", signature=signature, message="no answer")
        given |= {"n_failed": 1, "failures": (failure,), "message": "1 of 4 failed"}
    return ProbeResult(
        run_id=RUN, phase=where[0], probe=where[1], kind="http", attempt=attempt,
        outcome=Outcome(outcome), duration_s=1.0, started_at=at(0), **(given | more),
    )  # fmt: skip


def health(stage: str, service: str, state: str = "healthy", **more: Any) -> HealthReading:
    return HealthReading(
        run_id=RUN, stage=stage, service=service, state=HealthState(state), at=at(0), **more
    )


def revision(stage: str, service: str, *seen: str, error: str = "") -> RevisionReading:
    return RevisionReading(
        run_id=RUN, stage=stage, service=service, expected=NEW, seen=seen, n_reads=6, error=error,
        at=at(STAGES.index(stage)),
    )  # fmt: skip


def samples(values: tuple[float, ...], metric: str = "chat") -> tuple[Sample, ...]:
    return tuple(
        Sample(run_id=RUN, phase="p1", probe=metric, metric=metric, ordinal=n, value=v, at=at(n))
        for n, v in enumerate(values)
    )


def cells(turned_red: bool, *names: str, where: str = "core") -> tuple[SensitivityCell, ...]:
    return tuple(
        SensitivityCell(
            run_id="audit", suite=where, test_id=name, fault="silent", turned_red=turned_red,
            at=at(0),
        )
        for name in names
    )  # fmt: skip


def _evidence() -> Evidence:
    return Evidence(
        run=RunStarted(
            run_id=RUN, plan="shop", environment="staging", deployment_id="dep-1", revision=NEW,
            started_at=at(0),
        ),
        ended=RunEnded(run_id=RUN, finished_at=at(60)),
        deploy=DeployResult(
            run_id=RUN, deployer="command", outcome=Outcome.PASS, revision=NEW,
            revisions=dict.fromkeys(SERVICES, NEW), previous=OLD, at=at(0),
        ),
        health=tuple(health(stage, s) for stage in ("before", "gate", "end") for s in SERVICES),
        revisions=tuple(revision(stage, s, NEW) for stage in STAGES for s in SERVICES),
        phases=tuple(
            PhaseResult(
                run_id=RUN, phase=phase, ordinal=n, priority=phase.upper(), started_at=at(n),
                finished_at=at(n + 1),
            )
            for n, (phase, _) in enumerate(SUITES)
        ),
        collected=tuple(
            Collected(run_id=RUN, phase=p, suite=s, test_ids=TESTS, at=at(0)) for p, s in SUITES
        ),
        suites=tuple(suite(where) for where in SUITES),
        tests=tuple(test(where, name) for where in SUITES for name in TESTS),
        probes=tuple(probe(where) for where in PROBES),
        samples=samples(LATENCIES),
    )  # fmt: skip


def _history() -> History:
    return History(
        baseline=tuple(
            BaselineRun(run_id=f"old-{n}", revision=OLD, samples={"chat": LATENCIES})
            for n in range(3)
        ),
        known_good=KnownGood(run_id="old-2", revision=OLD, healthy_now=True),
        sensitivity=cells(True, *TESTS),
    )


def seen(**update: Any) -> Change:
    """Replace whole fields of the evidence."""
    return lambda case: replace(case, evidence=case.evidence.model_copy(update=update))


def known(**update: Any) -> Change:
    """Replace whole fields of the history."""
    return lambda case: replace(case, history=case.history.model_copy(update=update))


def planned(**keys: Any) -> Change:
    """Replace top-level keys of the plan, written as a plan is."""
    return lambda case: replace(case, plan=Plan.model_validate(PLAN | keys))


def in_phase(ordinal: int, **keys: Any) -> Change:
    """Replace keys of one phase of the plan."""
    phases = [p | keys if n == ordinal else p for n, p in enumerate(PLAN["phases"])]
    return planned(phases=phases)


def both(*changes: Change) -> Change:
    """Change after change."""

    def change(case: Input) -> Input:
        for one in changes:
            case = one(case)
        return case

    return change


def deployed(**update: Any) -> Change:
    """Change the deploy's record."""

    def change(case: Input) -> Input:
        assert case.evidence.deploy is not None
        return seen(deploy=case.evidence.deploy.model_copy(update=update))(case)

    return change


def outcome(where: tuple[str, str], name: str, *outcomes: str, **more: Any) -> Change:
    """One test's attempts, in order, in place of what it had."""

    def change(case: Input) -> Input:
        key = (*where, name)
        others = tuple(t for t in case.evidence.tests if (t.phase, t.suite, t.test_id) != key)
        facts = (test(where, name, o, n, **more) for n, o in enumerate(outcomes, 1))
        return seen(tests=(*others, *facts))(case)

    return change


def suite_ended(where: tuple[str, str], **update: Any) -> Change:
    """Change how one suite's process ended."""

    def change(case: Input) -> Input:
        others = tuple(s for s in case.evidence.suites if (s.phase, s.suite) != where)
        return seen(suites=(*others, suite(where, **update)))(case)

    return change


def probed(where: tuple[str, str], *outcomes: str, **more: Any) -> Change:
    """One probe's attempts, in order, in place of what it had; none: it never ran."""

    def change(case: Input) -> Input:
        others = tuple(p for p in case.evidence.probes if (p.phase, p.probe) != where)
        facts = (probe(where, o, n, **more) for n, o in enumerate(outcomes, 1))
        return seen(probes=(*others, *facts))(case)

    return change


def reads(stage: str, service: str, *names: str, error: str = "") -> Change:
    """Another revision reading of one service at one stage."""

    def change(case: Input) -> Input:
        others = tuple(
            r for r in case.evidence.revisions if (r.stage, r.service) != (stage, service)
        )
        return seen(revisions=(*others, revision(stage, service, *names, error=error)))(case)

    return change


def feels(stage: str, service: str, state: str, **more: Any) -> Change:
    """Another health reading of one service at one stage."""

    def change(case: Input) -> Input:
        others = tuple(h for h in case.evidence.health if (h.stage, h.service) != (stage, service))
        return seen(health=(*others, health(stage, service, state, **more)))(case)

    return change


def all_latencies_times(factor: float) -> Change:
    """Every sample that is there takes so many times as long."""

    def slow(case: Input) -> Input:
        facts = case.evidence.samples
        return seen(samples=tuple(f.model_copy(update={"value": f.value * factor}) for f in facts))(
            case
        )

    return slow

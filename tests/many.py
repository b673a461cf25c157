"""A seeded warehouse of many deployments, through the real write path: spool, then warehouse.

It holds what a trend must show: a slow drift of one latency, a step in another, a step in the pass
rate, flaky tests, tests that broke and were mended, vacuous passes, holds, rollbacks and labels.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from data.records.facts import (
    Collected,
    DeployResult,
    Fact,
    PhaseResult,
    ProbeResult,
    RevisionReading,
    RunEnded,
    RunStarted,
    Sample,
    SuiteResult,
    TestResult,
)
from data.records.verdict import Coverage, CriterionResult, Incident, RevenueAtRisk, Verdict
from data.records.words import Mark, Outcome, Priority, VerdictWord
from data.store.warehouse import Warehouse

SUITES = ("sign_in", "checkout", "search", "messages", "billing", "profile", "admin", "reports")
PHASES = {"sign_in": "p1", "checkout": "p1", "messages": "p1", "search": "p2", "billing": "p2"}
BEGIN = datetime(2026, 1, 5, 6, tzinfo=UTC)
STEP_AT = 0.6  # where, as a share of all deployments, the latency of `checkout` jumps
BROKEN = (0.72, 0.74)  # where the billing suite was down


class Many:
    """So many deployments × so many tests, the same for the same seed."""

    def __init__(self, n_deployments: int, n_tests: int, seed: int = 7) -> None:
        self.n, self.n_tests = n_deployments, n_tests
        self._random = random.Random(seed)
        self._names = [_named(i) for i in range(n_tests)]
        self._flaky = set(self._random.sample(range(n_tests), max(1, n_tests // 50)))
        self._streaks = self._random.choices(range(n_tests), k=max(1, n_tests // 8))

    def fill(self, warehouse: Warehouse) -> Warehouse:
        """Every run through a spool of its own, then absorbed."""
        for i in range(self.n):
            with warehouse.open_spool(_run_id(i)) as spool:
                spool.append_all(self.run(i))
            if i % 100 == 99:
                warehouse.absorb()
        warehouse.absorb()
        for i in range(0, self.n, 9):
            bad = self._random.random() < 0.1
            warehouse.label(_run_id(i), "bad" if bad else "good", "", "a person", _at(i, 9000))
        return warehouse

    def run(self, i: int) -> Iterator[Fact]:
        """All facts of the i-th deployment's run."""
        yield from self._begin(i)
        failed = [fact for fact in self._tests(i) if fact.outcome is Outcome.FAIL]
        yield from self._told
        yield from self._probes(i)
        yield self._verdict(i, failed)
        yield RunEnded(run_id=_run_id(i), finished_at=_at(i, 300 + i % 60))

    def _begin(self, i: int) -> Iterator[Fact]:
        run_id, production = _run_id(i), _production(i)
        yield RunStarted(
            run_id=run_id, plan="shop", environment="production" if production else "staging",
            deployment_id=f"v{i}", revision=f"v{i}", started_at=_at(i),
        )  # fmt: skip
        revisions = {"web": f"v{i - i % 2}", "api": f"v{i}", "auth": f"v{i - i % 5}"}
        if not production:
            revisions["mail"] = f"v{i - i % 7}"
        yield DeployResult(run_id=run_id, deployer="command", outcome=Outcome.PASS, revisions=revisions, at=_at(i, 5))  # fmt: skip
        for service, revision in revisions.items():
            yield RevisionReading(run_id=run_id, stage="end", service=service, expected=revision, seen=(revision,), at=_at(i, 200))  # fmt: skip
        for n, phase in enumerate(("p1", "p2", "p3"), start=1):
            yield PhaseResult(run_id=run_id, phase=phase, ordinal=n, priority=f"P{n}", started_at=_at(i, 10 * n), finished_at=_at(i, 60 * n))  # fmt: skip

    def _tests(self, i: int) -> list[TestResult]:
        run_id, rows = _run_id(i), [self._test(i, n) for n in range(self.n_tests)]
        again = [row.model_copy(update={"attempt": 2, "outcome": Outcome.PASS, "message": "", "signature": ""})
                 for n, row in enumerate(rows) if row.outcome is Outcome.FAIL and n in self._flaky]  # fmt: skip
        self._told: list[Fact] = [*rows, *again]
        for suite in sorted({row.suite for row in rows}):
            mine = [row for row in rows if row.suite == suite]
            self._told.append(Collected(run_id=run_id, phase=mine[0].phase, suite=suite, test_ids=tuple(r.test_id for r in mine), at=_at(i, 12)))  # fmt: skip
            spent = len(mine) * (0.6 + 0.4 * (suite == "search") * i / self.n) + self._random.random() * 4  # fmt: skip
            self._told.append(SuiteResult(run_id=run_id, phase=mine[0].phase, suite=suite, command=("pytest",), exit_code=0, duration_s=spent, started_at=_at(i, 12)))  # fmt: skip
        return [row for n, row in enumerate(rows) if n not in self._flaky]

    def _test(self, i: int, n: int) -> TestResult:
        suite, name = self._names[n]
        outcome, signature = self._outcome(i, n, suite)
        return TestResult.model_construct(
            run_id=_run_id(i), phase=PHASES.get(suite, "p3"), suite=suite, test_id=name,
            outcome=outcome, duration_ms=40.0 + n, witnessed=not (n % 37 == 0 and i < self.n // 2),
            signature=signature, message=f"{signature}: {name}" if signature else "", at=_at(i, 20),
        )  # fmt: skip

    def _outcome(self, i: int, n: int, suite: str) -> tuple[Outcome, str]:
        roll = self._random.random()
        if suite == "billing" and BROKEN[0] * self.n <= i < BROKEN[1] * self.n:
            return Outcome.FAIL, "HTTP 503 from /invoices"
        if n in self._flaky and roll < 0.08:
            return Outcome.FAIL, "timeout after 5 s"
        if n in self._streaks:
            where, length = (n * 7919) % self.n, 3 + n % 9
            if where <= i < where + length:
                return Outcome.FAIL, f"AssertionError: total of {suite}"
        if roll > 0.9998:
            return Outcome.NOT_RUN, ""
        return (Outcome.SKIPPED, "") if n % 97 == 5 else (Outcome.PASS, "")

    def _probes(self, i: int) -> Iterator[Fact]:
        step = 1.0 if i < STEP_AT * self.n else 1.35
        for probe, middle in (("message", 180 * (1 + 0.4 * i / self.n)), ("checkout", 240 * step), ("sign_in", 85.0)):  # fmt: skip
            yield ProbeResult(run_id=_run_id(i), phase="p1", probe=probe, kind="journey", outcome=Outcome.PASS, n=24, duration_s=4.0, started_at=_at(i, 30))  # fmt: skip
            for k in range(24):
                value = self._random.lognormvariate(0, 0.18) * middle
                yield Sample(run_id=_run_id(i), phase="p1", probe=probe, metric="journey", ordinal=k, value=value, at=_at(i, 40))  # fmt: skip

    def _verdict(self, i: int, failed: list[TestResult]) -> Verdict:
        p1 = sum(row.phase == "p1" for row in failed)
        word = VerdictWord.PROMOTE
        if failed:
            word = VerdictWord.ROLL_BACK if p1 > 1 else VerdictWord.HOLD if p1 or len(failed) > 3 else VerdictWord.PROMOTE_WITH_WATCH  # fmt: skip
        elif self._random.random() < 0.03:
            word = VerdictWord.SUPERSEDED
        mark = Mark.FAIL if failed else Mark.PASS
        by_signature = {row.signature: row for row in failed}
        return Verdict(
            run_id=_run_id(i), verdict=word, rule=f"{len(failed)} failed → {word}",
            reasons=(f"{len(failed)} failed of {self.n_tests}",),
            coverage=Coverage(expected=self.n_tests, seen=self.n_tests - (i % 41 == 0) - 2 * (i % 97 == 0)),
            criteria=(CriterionResult(id="p1/tests", priority=Priority.P1, outcome=mark, sentence=f"{p1} > 0"),),
            incidents=tuple(Incident(signature=s, priority=Priority.P1, symptom=row.message, n=sum(r.signature == s for r in failed)) for s, row in by_signature.items()),
            revenue_at_risk=RevenueAtRisk(amount=min(40_000.0, 4_000.0 * len(failed)), currency="USD", per="month"),
            at=_at(i, 290),
        )  # fmt: skip


def _named(n: int) -> tuple[str, str]:
    suite = SUITES[n % len(SUITES)]
    return suite, f"tests/{suite}/test_{suite}.py::test_case_{n:03d}"


def _production(i: int) -> bool:
    return i % 5 == 4


def _run_id(i: int) -> str:
    return f"run-{i:05d}"


def _at(i: int, seconds: int = 0) -> datetime:
    return BEGIN + timedelta(hours=3 * i, seconds=seconds)


def build(path: Path, n_deployments: int = 1000, n_tests: int = 400) -> Warehouse:
    """A new warehouse at the path; about a minute for 1,000 × 400."""
    return Many(n_deployments, n_tests).fill(Warehouse(path))

"""Evidence as it would be if some suites and probes of a run had passed: for what-if only."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from data.records.evidence import Evidence
from data.records.facts import ProbeResult, SuiteResult, TestResult
from data.records.plan import Phase, Plan, Suite
from data.records.probe_plan import ProbePlan
from data.records.words import Outcome
from data.rules.quarantine import is_named


def mended(plan: Plan, evidence: Evidence, ids: Collection[str]) -> Evidence:
    """The same evidence, but that the checks with these ids (`p1/<phase>/<check>`) passed.

    Every test of such a suite that is known or expected passes at once and touches the target.
    Other ids change nothing.
    """
    for phase in plan.phases:
        prefix = f"{phase.priority.lower()}/{phase.id}"
        for suite in phase.suites:
            if f"{prefix}/{suite.id}" in ids:
                evidence = _suite(evidence, phase, suite)
        for probe in phase.probes:
            if f"{prefix}/{probe.id}" in ids:
                evidence = _probe(evidence, phase, probe)
    return evidence


def _suite(evidence: Evidence, phase: Phase, suite: Suite) -> Evidence:
    place = {"run_id": evidence.run.run_id, "phase": phase.id, "suite": suite.id}
    at = evidence.run.started_at
    passed = (
        TestResult(**place, test_id=name, outcome=Outcome.PASS, witnessed=True, at=at)
        for name in dict.fromkeys(_names(evidence, phase, suite))
    )
    ended = SuiteResult(**place, command=(), exit_code=0, duration_s=0.0, started_at=at)
    tests = (t for t in evidence.tests if (t.phase, t.suite) != (phase.id, suite.id))
    suites = (s for s in evidence.suites if (s.phase, s.suite) != (phase.id, suite.id))
    return evidence.model_copy(update={"tests": (*tests, *passed), "suites": (*suites, ended)})


def _names(evidence: Evidence, phase: Phase, suite: Suite) -> Iterator[str]:
    """Tests that ran, were collected or are expected; made up where only their number is known."""
    known = [t.test_id for t in evidence.tests if (t.phase, t.suite) == (phase.id, suite.id)]
    for one in evidence.collected:
        if (one.phase, one.suite) == (phase.id, suite.id):
            known += one.test_ids
    known += [n for n in suite.expect.ids if not any(is_named(n, test) for test in known)]
    known = list(dict.fromkeys(known))
    yield from known
    yield from (f"expected test {n}" for n in range(len(known), max(1, suite.expect.at_least)))


def _probe(evidence: Evidence, phase: Phase, probe: ProbePlan) -> Evidence:
    passed = ProbeResult(
        run_id=evidence.run.run_id, phase=phase.id, probe=probe.id, kind=probe.kind,
        outcome=Outcome.PASS, n=1, duration_s=0.0, started_at=evidence.run.started_at,
    )  # fmt: skip
    others = (p for p in evidence.probes if (p.phase, p.probe) != (phase.id, probe.id))
    return evidence.model_copy(update={"probes": (*others, passed)})

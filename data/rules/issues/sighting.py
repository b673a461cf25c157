"""What one run says of incidents, from its evidence and its verdict."""

from __future__ import annotations

from collections.abc import Iterator

from data.records.evidence import Evidence
from data.records.plan import Plan
from data.records.remedy import Sighting
from data.records.verdict import Verdict
from data.records.words import Mark, Outcome
from data.rules.outcomes import final_outcomes, final_probes


def sighting_of(plan: Plan, evidence: Evidence, verdict: Verdict) -> Sighting:
    """The run as one entry of the history of incidents. FLAKY is no pass."""
    run = evidence.run
    return Sighting(
        run_id=run.run_id,
        revision=run.revision,
        deployment=run.revision or run.run_id,
        at=run.started_at,
        symptoms={one.signature: frozenset(one.evidence) for one in verdict.incidents},
        passed=frozenset(_passed(plan, evidence, verdict)),
    )


def _passed(plan: Plan, evidence: Evidence, verdict: Verdict) -> Iterator[str]:
    priorities = {phase.id: phase.priority.lower() for phase in plan.phases}
    for (phase, suite, name), final in final_outcomes(evidence.tests).items():
        if final.outcome is Outcome.PASS and phase in priorities:
            yield f"{priorities[phase]}/{suite}/{name}"
            yield f"{priorities[phase]}/{suite}"  # a suite that was broken as a whole
    for (phase, name), probe in final_probes(evidence.probes).items():
        if probe.outcome is Outcome.PASS and phase in priorities:
            yield f"{priorities[phase]}/{name}"
    yield from (one.id for one in verdict.criteria if one.outcome is Mark.PASS)

"""Failures grouped by signature: one cause is one incident, two causes are two."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from data.records.verdict import Incident
from data.records.words import Outcome, Priority
from data.rules.catalogue import explain
from data.rules.judge.case import Case, Ruling
from data.rules.signature import signature as signature_of

_RED = (Outcome.FAIL, Outcome.ERROR, Outcome.FLAKY)


@dataclass(frozen=True)
class _Failure:
    signature: str
    priority: Priority
    symptom: str
    evidence: str
    capabilities: tuple[str, ...]
    n: int = 1


def incidents(case: Case, rulings: list[Ruling]) -> tuple[Incident, ...]:
    """Incidents by priority, then by number of failures, then by signature."""
    groups: dict[str, list[_Failure]] = defaultdict(list)
    for failure in (*_platform(case, rulings), *_tests(case), *_probes(case)):
        groups[failure.signature].append(failure)
    found = [_incident(case, signature, group) for signature, group in groups.items()]
    return tuple(sorted(found, key=lambda i: (i.priority, -i.n, i.signature)))


def _incident(case: Case, signature: str, group: list[_Failure]) -> Incident:
    first = min(group, key=lambda f: (f.priority, f.evidence))
    hint = explain(signature, first.symptom, case.plan.causes)
    capabilities = tuple(sorted({c for failure in group for c in failure.capabilities}))
    target = case.history.known_good
    titles = {name: c.title for name, c in case.plan.capabilities.items()}
    names = [titles.get(c) or c for c in capabilities]
    return Incident(
        signature=signature,
        priority=first.priority,
        symptom=first.symptom,
        impact=f"users cannot rely on: {', '.join(names)}" if names else "",
        likely_cause=hint.cause,
        action=hint.action,
        n=sum(failure.n for failure in group),
        evidence=tuple(dict.fromkeys(failure.evidence for failure in group))[:20],
        capabilities=capabilities,
        seen_on_rollback_target=target is not None and signature in target.signatures,
        first_seen_deployment=case.history.first_seen.get(
            signature, case.evidence.run.deployment_id
        ),
    )


def _platform(case: Case, rulings: list[Ruling]) -> Iterator[_Failure]:
    declared = {id for c in case.plan.criteria for id in (c.id, f"{c.id}/warn")}
    for one in (r for r in rulings if r.result.id not in declared):
        kind, bad = one.result.id.split("/")[0], one.result.outcome != "PASS"
        if kind in ("deploy", "health", "revision") and bad:
            text, id = one.result.sentence, one.result.id
            cause = f"/{_deploy_cause(case, text)}" if kind == "deploy" else ""
            signature = f"{id}/{one.result.outcome}{cause}"
            yield _Failure(signature, one.result.priority, text, id, ())


def _deploy_cause(case: Case, message: str) -> str:
    """What the deployer said, the same for one cause whatever the revision is called."""
    deploy = case.evidence.deploy
    names = {case.evidence.run.revision, *((deploy.revision, deploy.previous) if deploy else ())}
    for name in sorted((n for n in names if n), key=lambda n: (-len(n), n)):
        message = re.sub(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", "<revision>", message)
    return signature_of(message)


def _tests(case: Case) -> Iterator[_Failure]:
    for phase in case.plan.phases:
        for suite in phase.suites:
            for name, final in case.unpassed.get((phase.id, suite.id), {}).items():
                if final.outcome not in _RED:
                    continue
                red = final.red or final.last
                id = f"{phase.priority.lower()}/{suite.id}/{name}"
                signature = red.signature or f"{final.outcome}/{suite.id}"
                yield _Failure(signature, phase.priority, red.message, id, suite.proves)
            broken = case.suites.get((phase.id, suite.id))
            if broken is not None and broken.broken and not case.finals.get((phase.id, suite.id)):
                id = f"{phase.priority.lower()}/{suite.id}"
                text = f"suite broken: {broken.broken}"
                yield _Failure(f"suite/broken/{suite.id}", phase.priority, text, id, suite.proves)


def _probes(case: Case) -> Iterator[_Failure]:
    for phase in case.plan.phases:
        for probe in phase.probes:
            result = case.probes.get((phase.id, probe.id))
            if result is None or result.outcome not in _RED:
                continue
            id = f"{phase.priority.lower()}/{probe.id}"
            for failure in result.failures:
                yield _Failure(failure.signature, phase.priority, failure.message, id, probe.proves)

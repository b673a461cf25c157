"""Rulings on capabilities that name the faults which their evidence must be sensitive to."""

from __future__ import annotations

from collections.abc import Iterator

from data.records.words import Grade, Mark, Outcome, Priority
from data.rules.judge.case import Case, Ruling, ruling
from data.rules.sensitivity import TestName

_GOOD = (Outcome.PASS, Outcome.FLAKY)
_WITNESSED = (Grade.PROVEN, Grade.WITNESSED, Grade.INSENSITIVE)


def capability_rulings(case: Case) -> Iterator[Ruling]:
    """One ruling for each capability with `sensitive_to`: a pass that cannot see a fault proves
    nothing about it.

    Satisfied when, for each of its faults, a witnessed pass of a test or probe that proves the
    capability turned red under that fault in an audit that has not expired. A fault that no audit
    tried is not evaluated; one that was tried and seen by no passing test is INSENSITIVE.
    """
    for name, capability in case.plan.capabilities.items():
        if capability.sensitive_to:
            yield _capability(case, name, capability.sensitive_to)


def _capability(case: Case, name: str, faults: tuple[str, ...]) -> Ruling:
    passes = _passes(case, name)
    seen = frozenset().union(*(case.reds.get(one, frozenset()) for one in passes))
    unseen = [fault for fault in faults if fault not in seen]
    untried = [fault for fault in unseen if fault not in _tried(case, name)]
    mark, text = _marked(faults, unseen, untried, len(passes))
    return ruling(f"capability/{name}", _priority(case, name), mark, text)


def _marked(
    faults: tuple[str, ...], unseen: list[str], untried: list[str], n_passes: int
) -> tuple[Mark, str]:
    if not unseen:
        return Mark.PASS, f"{n_passes} passes see {', '.join(faults)}"
    if untried:
        return Mark.NOT_EVALUATED, f"no audit in force has tried {', '.join(untried)}"
    return Mark.INSENSITIVE, f"none of {n_passes} passes turns red under {', '.join(unseen)}"


def _passes(case: Case, capability: str) -> list[TestName]:
    """Witnessed passes of tests, and passes of probes, that prove the capability."""
    found: list[TestName] = []
    for phase in case.plan.phases:
        for suite in phase.suites:
            finals = case.counted((phase.id, suite.id)) if _proves(suite, capability) else {}
            found += [(suite.id, t) for t, f in finals.items() if f.grade in _WITNESSED]
        for probe in phase.probes:
            result = case.probes.get((phase.id, probe.id))
            if _proves(probe, capability) and result is not None and result.outcome in _GOOD:
                found.append((probe.id, ""))
    return found


def _tried(case: Case, capability: str) -> set[str]:
    """Controls that some check of the capability was tried against, whatever it did now."""
    checks = {
        one.id
        for phase in case.plan.phases
        for one in (*phase.suites, *phase.probes)
        if _proves(one, capability)
    }
    return {cell.fault for cell in case.cells if cell.suite in checks}


def _proves(one: object, capability: str) -> bool:
    return capability in getattr(one, "proves", ())


def _priority(case: Case, capability: str) -> Priority:
    """The highest of the phases that prove it."""
    of = [
        phase.priority
        for phase in case.plan.phases
        if any(_proves(one, capability) for one in (*phase.suites, *phase.probes))
    ]
    return min(of, default=Priority.P1)

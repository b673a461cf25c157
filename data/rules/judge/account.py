"""What was seen, what was not, what is at risk, what would change the verdict, what to do."""

from __future__ import annotations

from data.records.facts import SuiteResult
from data.records.plan import Phase
from data.records.probe_plan import ProbePlan
from data.records.verdict import Action, Coverage, Incident, RevenueAtRisk
from data.records.words import Grade, Mark, Outcome, Priority, VerdictWord
from data.rules.judge.case import Case, Ruling, outcomes_of
from data.rules.manifest import Changes, named
from data.rules.money import cost_faults, money_faults, revenue_at_risk, weighing
from data.rules.returning import WENT_BACK

_ENDED = (Outcome.PASS, Outcome.FAIL, Outcome.ERROR, Outcome.FLAKY)
_LIMIT = 40


def coverage(case: Case) -> Coverage:
    """Expected and seen tests and probes; a test that did not end was not seen."""
    expected = seen = 0
    for phase in case.plan.phases:
        expected += len(phase.probes)
        seen += sum(_ended(case, phase, p) for p in phase.probes)
        for suite in phase.suites:
            expected += case.expected(phase, suite)
            counts = outcomes_of(case.tally((phase.id, suite.id)))
            seen += sum(counts[outcome] for outcome in _ENDED)
    return Coverage(expected=expected, seen=seen)


def _ended(case: Case, phase: Phase, probe: ProbePlan) -> bool:
    result = case.probes.get((phase.id, probe.id))
    return result is not None and result.outcome in _ENDED


def not_seen(case: Case) -> tuple[str, ...]:
    """Each piece of evidence that the plan expects and the run did not bring, at most 40 lines."""
    unfenced = [n for n, s in case.plan.services.items() if s.revision is None]
    found = [f"revision of {name}: the plan has no way to read it" for name in unfenced]
    unwatched = [n for n, s in case.plan.services.items() if not s.health]
    found += [f"health of {name}: the plan does not look at it" for name in unwatched]
    for phase in case.plan.phases:
        for suite in phase.suites:
            finals = case.finals.get((phase.id, suite.id), {})
            prefix = f"{phase.priority.lower()}/{suite.id}"
            rest_of = case.unpassed.get((phase.id, suite.id), {})
            found += [f"{prefix}/{n}" for n, f in rest_of.items() if f.outcome is Outcome.NOT_RUN]
            n_absent = case.expected(phase, suite) - len(finals)
            found += [f"{prefix}: {n_absent} expected tests"] if n_absent > 0 else []
            gone = case.changes.get((phase.id, suite.id), Changes()).vanished
            found += [f"{prefix}: {_gone(gone)}"] if gone else []
        found += [
            f"{phase.priority.lower()}/{p.id}" for p in phase.probes if not _ended(case, phase, p)
        ]
    rest = len(found) - _LIMIT
    return (*found[:_LIMIT], *([f"and {rest} more"] if rest > 0 else []))


def _gone(gone: tuple[str, ...]) -> str:
    what = f"{len(gone)} tests have" if len(gone) > 1 else "1 test has"
    return f"{what} vanished since the last promoted run: {named(gone)}"


def unproven(case: Case, rulings: list[Ruling]) -> list[str]:
    """Capabilities without a witnessed pass, or with any check of theirs that is not satisfied.

    A capability's checks are the suites, probes and criteria that name it in `proves`.
    """
    outcomes = [(r.result.id, r.result.outcome) for r in rulings]
    proves, found = _proves(case), []
    for name in case.plan.capabilities:
        checks = [m for id, m in outcomes if name in proves.get(id, ())]
        settled = checks and all(m in (Mark.PASS, Mark.FLAKY) for m in checks)
        if not (settled and _has_proof(case, name)):
            found.append(name)
    return found


def _proves(case: Case) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for criterion in case.plan.criteria:
        if not criterion.dry_run:
            found[criterion.id] = (*found.get(criterion.id, ()), *criterion.proves)
    for phase in case.plan.phases:
        for one in (*phase.suites, *phase.probes):
            found[f"{phase.priority.lower()}/{phase.id}/{one.id}"] = one.proves
    return found


def _has_proof(case: Case, capability: str) -> bool:
    good = (Grade.PROVEN, Grade.WITNESSED)
    for phase in case.plan.phases:
        for probe in phase.probes:
            result = case.probes.get((phase.id, probe.id))
            if (
                capability in probe.proves
                and case.sensitive.get((probe.id, "")) is not False
                and result
                and result.outcome in (Outcome.PASS, Outcome.FLAKY)
            ):
                return True
        for suite in phase.suites:
            finals = case.counted((phase.id, suite.id)).values()
            if capability in suite.proves and any(f.grade in good for f in finals):
                return True
    return False


def failing(case: Case, rulings: list[Ruling]) -> list[str]:
    """Capabilities with a check of theirs that failed, beside those that are only not proven."""
    failed = {r.result.id for r in rulings if r.result.outcome is Mark.FAIL}
    checks = _proves(case)
    return [n for n in case.plan.capabilities if any(n in checks.get(id, ()) for id in failed)]


def money(case: Case, missing: list[str], failed: list[str]) -> tuple[RevenueAtRisk | None, str]:
    """Revenue at risk and the sentences that explain it, or why the plan's money is refused.

    The figure is the most that can be at risk, all that is not proven; what rests on capabilities
    with a failure is the least.
    """
    revenue = case.plan.revenue
    if revenue is None:
        return None, "the plan states no revenue"
    faults = money_faults(revenue) or cost_faults(revenue)
    if faults:
        return None, f"refused as stated: {faults[0][1]}"
    at_risk = revenue_at_risk(revenue, case.plan.capabilities, missing)
    if at_risk is None or not missing:
        return at_risk, "every capability is proven"
    share = at_risk.amount / revenue.amount if revenue.amount else 0.0
    whole = f"{revenue.amount:,.0f} {revenue.currency} a {revenue.per}"
    parts = [f"{share:.0%} of {whole}, resting on {', '.join(missing)}"]
    least = revenue_at_risk(revenue, case.plan.capabilities, failed)
    if least is not None and least.amount < at_risk.amount:
        surely = f"{least.amount:,.0f} {revenue.currency} rest on what failed"
        parts.append(f"{surely if failed else 'nothing failed'}, the rest was not proven")
    parts.append(weighing(revenue, at_risk.amount))
    return at_risk, "; ".join(part for part in parts if part)


def counterfactual(word: VerdictWord, rulings: list[Ruling], refused: tuple[str, ...]) -> str:
    """What would have to be otherwise for PROMOTE."""
    if word is VerdictWord.PROMOTE:
        return "would be HOLD or worse if any P1 or P2 criterion were not satisfied"
    if word is VerdictWord.SUPERSEDED:
        return "another revision serves now: validate that one"
    blocking = [r for r in rulings if r.effect is not VerdictWord.PROMOTE]
    names = [r.result.id for r in blocking]
    listed = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
    tail = ""
    if (
        word is VerdictWord.HOLD
        and refused
        and any(r.effect is VerdictWord.ROLL_BACK for r in blocking)
    ):
        tail = f"; would be ROLL_BACK but for: {refused[0]}"
    return f"would be PROMOTE if these were satisfied: {listed}{tail}"


def actions(
    case: Case, word: VerdictWord, found: tuple[Incident, ...], resumable: bool
) -> tuple[Action, ...]:
    """What to do next, most urgent first."""
    todo = [Action(priority=Priority.P1, text=_ACTIONS[word])]
    if word is VerdictWord.ROLL_BACK and case.history.known_good is not None:
        text = f"{WENT_BACK}{case.history.known_good.revision}"
        todo = [Action(priority=Priority.P1, text=text)]
    if resumable:
        text = f"goldenpath run … --resume {case.evidence.run.run_id} runs only what is missing"
        todo.append(Action(priority=Priority.P1, text=text))
    hints = [
        Action(priority=i.priority, text=f"{i.signature}: {i.action}") for i in found if i.action
    ]
    todo += list(dict.fromkeys(hints))[:8]
    return tuple(todo)


_ACTIONS = {
    VerdictWord.PROMOTE: "promote",
    VerdictWord.PROMOTE_WITH_WATCH: "promote, and watch what is named below",
    VerdictWord.HOLD: "do not promote; settle what is named below, then validate again",
    VerdictWord.ROLL_BACK: "roll back",
    VerdictWord.SUPERSEDED: "validate the revision that serves now",
}


def resumable(case: Case) -> bool:
    """Whether `--resume` could bring evidence that is missing."""
    missing = any(
        f.outcome is Outcome.NOT_RUN for some in case.unpassed.values() for f in some.values()
    )
    never = any(
        (p.id, s.id) not in case.suites
        for p in case.plan.phases
        for s in p.suites
        if case.phases.get(p.id) is None or case.phases[p.id].started_at is None
    )
    return missing or (never and case.evidence.ended is None)


def broken_suites(case: Case) -> list[SuiteResult]:
    """Suites that are themselves at fault."""
    return [s for s in case.suites.values() if s.broken]

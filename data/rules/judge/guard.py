"""May the gate say ROLL_BACK? Every refusal in words; no refusal means safe."""

from __future__ import annotations

from collections.abc import Iterator

from data.records.words import HealthState, Mark, Outcome, Priority
from data.rules.grammar import rules_in
from data.rules.judge.case import Case, Ruling

_OF_FAILURES = ("failed", "passed", "pass_share")


def refusals(case: Case, rulings: list[Ruling]) -> tuple[str, ...]:
    """Why rolling back is not safe or would not help, empty when it is and would.

    Facts that are missing are refusals too: an unknown target is not a good one.
    """
    return (*_standing(case), *_target(case), *_live(case), *_blame(case, rulings))


def _standing(case: Case) -> Iterator[str]:
    if not case.plan.rollback.armed:
        yield "rollback is not armed in the plan"
    if not case.plan.rollback.durable:
        yield "the desired state would bring the bad revision back (rollback.durable: false)"
    if case.evidence.run.is_rollback:
        yield "this deployment is itself a rollback, to what served earlier"
    if case.plan.irreversible_migration or case.evidence.run.irreversible_migration:
        yield "the deployment carries an irreversible migration"


def _target(case: Case) -> Iterator[str]:
    if not case.history.readable:
        yield "history could not be read, so no known good revision is known"
        return
    target = case.history.known_good
    if target is None:
        yield "there is no promoted baseline to roll back to"
        return
    if target.revision in _deployed(case):
        yield f"the known good revision {target.revision} is the one that was just deployed"
    if not target_healthy(case):
        yield f"the known good revision {target.revision} was not seen healthy"


def _deployed(case: Case) -> set[str | None]:
    """What the caller asked for and what the deployer says that it deployed."""
    deploy = case.evidence.deploy
    return {case.evidence.run.revision, deploy.revision if deploy else None}


def target_healthy(case: Case) -> bool:
    """Whether the rollback target was seen healthy, in this run.

    Either it was looked at directly (stage `target`), or it was the live revision before the
    deploy and every service was healthy then.
    """
    target = case.history.known_good
    if target is None:
        return False
    if target.healthy_now is not None:
        return target.healthy_now
    looked = case.health("target")
    if looked:
        return all(h.state is HealthState.HEALTHY for h in looked.values())
    deploy, before = case.evidence.deploy, case.health("before")
    was_live = deploy is not None and deploy.previous == target.revision
    return (
        was_live and bool(before) and all(h.state is HealthState.HEALTHY for h in before.values())
    )


def _live(case: Case) -> Iterator[str]:
    """Refuse where another revision answered at any stage: what failed may be its failure."""
    for service in case.plan.services:
        seen = [r for r in case.readings(service) if r.expected and set(r.seen) - {r.expected}]
        for reading in seen[-1:]:
            others = ", ".join(sorted(set(reading.seen) - {reading.expected}))
            yield f"{service} serves {others} at {reading.stage}: this deployment is not live"


def _blame(case: Case, rulings: list[Ruling]) -> Iterator[str]:
    """Refuse when every P1 failure was on the target already: rolling back would not help."""
    target = case.history.known_good
    failures, same = p1_signatures(case), _derived(case)
    other_failures = any(
        r.result.outcome is Mark.FAIL
        and not r.dry_run
        and r.result.priority is Priority.P1
        and not r.result.id.startswith("p1/")
        and r.result.id not in same
        for r in rulings
    )
    if target is None or not failures or other_failures:
        return
    if failures <= set(target.signatures):
        listed = "; ".join(sorted(failures))
        yield f"every P1 failure was already there on {target.revision}: {listed}"


def _derived(case: Case) -> set[str]:
    """Criteria that only count what P1 tests and probes did: no failure beside theirs."""
    p1 = [p for p in case.plan.phases if p.priority is Priority.P1]
    places = {p.id for p in p1} | {one.id for p in p1 for one in (*p.suites, *p.probes)}
    rules = ((c.id, rules_in(c.rule)) for c in case.plan.criteria)
    return {
        id
        for id, parts in rules
        if all(r.function in _OF_FAILURES and r.subject in places for r in parts)
    }


def p1_signatures(case: Case) -> set[str]:
    """Signatures of failed P1 tests and probes after retries."""
    phases = {p.id for p in case.plan.phases if p.priority is Priority.P1}
    tests = {
        red.signature or red.message
        for (phase, _), finals in case.unpassed.items()
        for final in finals.values()
        if phase in phases and final.outcome is Outcome.FAIL
        for red in (final.red or final.last,)
    }
    probes = {
        failure.signature
        for (phase, _), probe in case.probes.items()
        for failure in probe.failures
        if phase in phases and probe.outcome is Outcome.FAIL
    }
    return tests | probes

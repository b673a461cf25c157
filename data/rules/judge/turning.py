"""Which single step would turn a verdict: the judge's own rulings, with some of them satisfied."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from data.records.evidence import Evidence, History
from data.records.plan import Plan
from data.records.words import Mark, Priority, VerdictWord
from data.rules.grammar import rules_in
from data.rules.judge.case import Case, Ruling
from data.rules.judge.guard import refusals
from data.rules.judge.judging import decide, rulings_of
from data.rules.judge.mending import mended

_WORST_FIRST = (Priority.P1, Priority.P2, Priority.P3)
_GRAVITY = (
    VerdictWord.PROMOTE,
    VerdictWord.PROMOTE_WITH_WATCH,
    VerdictWord.HOLD,
    VerdictWord.ROLL_BACK,
    VerdictWord.SUPERSEDED,
)


@dataclass(frozen=True)
class Turn:
    """The smallest change of evidence that gives another verdict.

    Attributes:
        word: the verdict then.
        ids: criteria that would have to change, the deciding one first.
        satisfied: True: they would have to pass; False: one of them would have to fail.
        next_rule: what would decide then, "" where nothing speaks against promoting.
    """

    word: VerdictWord
    ids: tuple[str, ...]
    satisfied: bool
    next_rule: str = ""


def turn_of(plan: Plan, evidence: Evidence, history: History, now: datetime) -> Turn | None:
    """What would turn the verdict; None where nothing of this run could.

    A verdict other than PROMOTE turns when every criterion that asks for it is satisfied: fewer
    change nothing, since the gravest effect wins. Suites and probes among them are then taken as
    passed and the run is judged again, so that criteria which only count them are not named beside
    them. PROMOTE turns when its gravest criterion fails. SUPERSEDED cannot turn: the revision that
    this run was about is gone.
    """
    case = Case(plan, evidence, history, now)
    rulings = rulings_of(case)
    word, decisive = decide(rulings, refusals(case, rulings))
    if decisive is None:
        return _worse(case, rulings)
    if decisive.effect is VerdictWord.SUPERSEDED:
        return None
    return _better(case, rulings, word)


def _better(case: Case, rulings: list[Ruling], word: VerdictWord) -> Turn:
    """Satisfy what decides, and what decides then, until the word is another one."""
    ids: tuple[str, ...] = ()
    then, now, rest = word, case, rulings
    decisive: Ruling | None = None
    while then is word:
        effect = max((r.effect for r in rest), key=_GRAVITY.index)
        ids += tuple(r.result.id for r in rest if r.effect is effect and r.result.id not in ids)
        now = replace(case, evidence=mended(case.plan, case.evidence, ids))
        rest = [r for r in rulings_of(now) if r.result.id not in ids]
        then, decisive = decide(rest, refusals(now, rest))
    passed = {r.result.id for r in rulings_of(now) if r.result.outcome is Mark.PASS}
    named = tuple(id for id in ids if not (id in passed and _follows(case.plan, id)))
    return Turn(then, named, satisfied=True, next_rule=decisive.rule if decisive else "")


def _follows(plan: Plan, id: str) -> bool:
    """Whether it is about what suites and probes did, and so may be satisfied with them."""
    return id.startswith("capability/") or id in {c.id for c in plan.criteria}


def _worse(case: Case, rulings: list[Ruling]) -> Turn | None:
    """The first criterion of the gravest priority that passed; a failed P2 holds, a P3 is watched.

    A failed P1 asks for ROLL_BACK; whether that is safe is known only when it has failed. What can
    only ever be watched, or may fail within a tolerance, is not named.
    """
    spared = set(_lenient(case.plan))
    passed = [
        r
        for r in rulings
        if r.result.outcome is Mark.PASS and not r.dry_run and r.result.id not in spared
    ]
    for priority in _WORST_FIRST:
        found = next((r for r in passed if r.result.priority is priority), None)
        if found is not None:
            word = VerdictWord.PROMOTE_WITH_WATCH if priority is Priority.P3 else VerdictWord.HOLD
            return Turn(word, (found.result.id,), satisfied=False)
    return None


def _lenient(plan: Plan) -> Iterator[str]:
    """Criteria whose failure does less than their priority says."""
    for phase in plan.phases:
        if phase.tolerance:
            yield from (f"{phase.priority.lower()}/{phase.id}/{s.id}" for s in phase.suites)
    for criterion in plan.criteria:
        rules = list(rules_in(criterion.rule))
        if any(r.function == "shift" or r.relative for r in rules):
            yield criterion.id

"""Which single step would turn a verdict: the judge's own rulings, with some of them satisfied."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from data.records.evidence import Evidence, History
from data.records.plan import Plan
from data.records.words import Mark, Priority, VerdictWord
from data.rules.judge.case import Case, Ruling
from data.rules.judge.guard import refusals
from data.rules.judge.judging import decide, rulings_of

_WORST_FIRST = (Priority.P1, Priority.P2, Priority.P3)


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
    change nothing, since the gravest effect wins. PROMOTE turns when its gravest criterion fails.
    SUPERSEDED cannot turn: the revision that this run was about is gone.
    """
    case = Case(plan, evidence, history, now)
    rulings = rulings_of(case)
    _, decisive = decide(rulings, refusals(case, rulings))
    if decisive is None:
        return _worse(rulings)
    if decisive.effect is VerdictWord.SUPERSEDED:
        return None
    same = [r for r in rulings if r.effect is decisive.effect]
    rest = [r for r in rulings if r.effect is not decisive.effect]
    word, then = decide(rest, refusals(case, rest))
    ids = tuple(r.result.id for r in same)
    return Turn(word, ids, satisfied=True, next_rule=then.rule if then else "")


def _worse(rulings: list[Ruling]) -> Turn | None:
    """The first criterion of the gravest priority that passed; a failed P2 holds, a P3 is watched.

    A failed P1 asks for ROLL_BACK; whether that is safe is known only when it has failed.
    """
    passed = [r for r in rulings if r.result.outcome is Mark.PASS and not r.dry_run]
    for priority in _WORST_FIRST:
        found = next((r for r in passed if r.result.priority is priority), None)
        if found is not None:
            word = VerdictWord.PROMOTE_WITH_WATCH if priority is Priority.P3 else VerdictWord.HOLD
            return Turn(word, (found.result.id,), satisfied=False)
    return None

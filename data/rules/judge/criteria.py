"""Rulings on the criteria that the plan declares: their comparisons, joined, and what follows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from data.records.criterion import Criterion
from data.records.words import Mark, Priority, VerdictWord
from data.rules.grammar import Both, Rule, Term, parse_rule
from data.rules.judge.case import Case, Ruling, ruling
from data.rules.judge.declared import Answer, answer_of

_UNKNOWN = (Mark.NOT_RUN, Mark.NOT_EVALUATED)
_NO_DATA = {"hold": VerdictWord.HOLD, "watch": VerdictWord.PROMOTE_WITH_WATCH}


def declared_rulings(case: Case) -> Iterator[Ruling]:
    """A ruling for each declared criterion, in the plan's order, and one for its warning.

    A warning is a criterion of P3 of its own, `<id>/warn`, and is judged where the criterion
    itself is satisfied.
    """
    for criterion in case.plan.criteria:
        main = _ruled(case, criterion)
        yield main
        if criterion.warn and main.result.outcome is Mark.PASS:
            told = {"id": f"{criterion.id}/warn", "priority": Priority.P3, "rule": criterion.warn}
            yield _ruled(case, criterion.model_copy(update={**told, "no_data": None}))


def score_note(case: Case, rulings: list[Ruling]) -> Iterator[str]:
    """The share of weights whose criteria are satisfied: for the report, it decides nothing."""
    weights = {c.id: c.weight for c in case.plan.criteria if c.weight}
    good = {r.result.id for r in rulings if r.result.outcome is Mark.PASS}
    total = sum(weights.values())
    if total:
        reached = sum(weight for id, weight in weights.items() if id in good)
        n_good = len(good & weights.keys())
        yield (
            f"score {100 * reached / total:.0f} of 100: {n_good} of {len(weights)} weighted"
            " criteria satisfied; it decides nothing"
        )


def _ruled(case: Case, criterion: Criterion) -> Ruling:
    told = _joined(case, criterion, parse_rule(criterion.rule))
    effect, text = told.effect, f"{criterion.rule}: {told.text}"
    if effect is None and criterion.no_data and told.mark in _UNKNOWN:
        effect = _NO_DATA[_policy(criterion)]
    if criterion.dry_run:
        effect, text = VerdictWord.PROMOTE, f"dry run, decides nothing: {text}"
    places = tuple(dict.fromkeys(told.evidence))
    made = ruling(criterion.id, criterion.priority, told.mark, text, places, effect)
    return replace(made, dry_run=criterion.dry_run)


def _policy(criterion: Criterion) -> str:
    """P1 holds without data, whatever a plan says that nobody checked."""
    return "hold" if criterion.priority is Priority.P1 else criterion.no_data or "hold"


def _joined(case: Case, criterion: Criterion, term: Term) -> Answer:
    if isinstance(term, Rule):
        return answer_of(case, criterion, term)
    each = [_joined(case, criterion, one) for one in term.terms]
    mark = _all(each) if isinstance(term, Both) else _any(each)
    texts = (f"{_short(t)}{a.text}" for t, a in zip(term.terms, each, strict=True))
    evidence = tuple(place for answer in each for place in answer.evidence)
    effect = None if mark is Mark.PASS else _effect(criterion, [a for a in each if a.mark is mark])
    return Answer(mark, "; ".join(texts), evidence, effect)


def _all(each: list[Answer]) -> Mark:
    """The worst: one that fails decides, else one that is not known."""
    marks = [answer.mark for answer in each]
    return next((m for m in (Mark.FAIL, *_UNKNOWN) if m in marks), Mark.PASS)


def _any(each: list[Answer]) -> Mark:
    """The best: one that is satisfied decides, else one that is not known."""
    marks = [answer.mark for answer in each]
    return next((m for m in (Mark.PASS, *_UNKNOWN) if m in marks), Mark.FAIL)


def _effect(criterion: Criterion, decisive: list[Answer]) -> VerdictWord | None:
    """The gravest of those that decide; None: what the priority says."""
    asked = [answer.effect for answer in decisive]
    if None in asked or not asked:
        return None
    watched = VerdictWord.PROMOTE_WITH_WATCH
    return watched if watched in asked else VerdictWord.PROMOTE


def _short(term: Term) -> str:
    return f"{term.function}({term.subject}) " if isinstance(term, Rule) else ""

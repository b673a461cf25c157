"""Rulings on the criteria that the plan declares: their comparisons, joined, and what follows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from data.records.criterion import Criterion
from data.records.words import Mark, Priority, VerdictWord
from data.rules.grammar import Both, Rule, Term, parse_rule
from data.rules.judge.case import Case, Ruling, effect_of, ruling
from data.rules.judge.declared import Answer, answer_of

_UNKNOWN = (Mark.NOT_RUN, Mark.NOT_EVALUATED)
_GRAVITY = (
    VerdictWord.PROMOTE,
    VerdictWord.PROMOTE_WITH_WATCH,
    VerdictWord.HOLD,
    VerdictWord.ROLL_BACK,
)
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
    told = _told(case, criterion)
    effect, text = told.effect, f"{criterion.rule}: {told.text}"
    if criterion.dry_run:
        effect, text = VerdictWord.PROMOTE, f"dry run, decides nothing: {text}"
    places = tuple(dict.fromkeys(told.evidence))
    made = ruling(criterion.id, criterion.priority, told.mark, text, places, effect)
    return replace(made, dry_run=criterion.dry_run)


def _told(case: Case, criterion: Criterion) -> Answer:
    """A rule that cannot be read (`check` refuses it; a newer gate may know it) is an ERROR."""
    try:
        term = parse_rule(criterion.rule)
    except ValueError as error:
        effect = effect_of(criterion.priority, Mark.ERROR)
        return Answer(Mark.ERROR, str(error), (), effect)
    return _joined(case, criterion, term)


def _joined(case: Case, criterion: Criterion, term: Term) -> Answer:
    """The answer to a term, with what it does to the verdict."""
    if isinstance(term, Rule):
        answer = answer_of(case, criterion, term)
        return answer._replace(effect=_effect(criterion, answer))
    each = [_joined(case, criterion, one) for one in term.terms]
    mark, effect = _both(each) if isinstance(term, Both) else _either(each)
    texts = (f"{_short(t)}{a.text}" for t, a in zip(term.terms, each, strict=True))
    evidence = tuple(place for answer in each for place in answer.evidence)
    return Answer(mark, "; ".join(texts), evidence, effect)


def _effect(criterion: Criterion, answer: Answer) -> VerdictWord:
    """P1 holds without data, whatever a plan says that nobody checked."""
    if answer.effect is not None:
        return answer.effect
    if answer.mark in _UNKNOWN and criterion.no_data and criterion.priority is not Priority.P1:
        return _NO_DATA[criterion.no_data]
    return effect_of(criterion.priority, answer.mark)


def _both(each: list[Answer]) -> tuple[Mark, VerdictWord]:
    """The worst: one that fails decides, else one that is not known; the gravest effect of all."""
    marks = [answer.mark for answer in each]
    mark = next((m for m in (Mark.FAIL, *_UNKNOWN) if m in marks), Mark.PASS)
    return mark, _gravest(each)


def _either(each: list[Answer]) -> tuple[Mark, VerdictWord]:
    """The best: one that is satisfied decides, else one that is not known.

    One without a yardstick yet says nothing for or against the others. What is not known may have
    been satisfied, so that it holds where the others alone would roll back; it excuses nothing.
    """
    if any(answer.mark is Mark.PASS for answer in each):
        return Mark.PASS, VerdictWord.PROMOTE
    rest = [a for a in each if a.effect is not VerdictWord.PROMOTE] or each
    marks = [answer.mark for answer in rest]
    mark = next((m for m in _UNKNOWN if m in marks), Mark.FAIL)
    gravest = _gravest(rest)
    capped = mark is not Mark.FAIL and gravest is VerdictWord.ROLL_BACK
    return mark, VerdictWord.HOLD if capped else gravest


def _gravest(each: list[Answer]) -> VerdictWord:
    return max((a.effect or VerdictWord.PROMOTE for a in each), key=_GRAVITY.index)


def _short(term: Term) -> str:
    return f"{term.function}({term.subject}) " if isinstance(term, Rule) else ""

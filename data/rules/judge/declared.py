"""Rulings on the criteria that the plan declares, such as `p95(message) < 2 s`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

from data.records.plan import Criterion, Plan
from data.records.words import Grade, Mark, Outcome, Priority, VerdictWord
from data.rules.compare import MIN_EACH, Comparison, Word, compare
from data.rules.grammar import Rule, parse_rule
from data.rules.judge.case import Case, Ruling, ruling
from data.rules.quantiles import MIN_SAMPLES, percentile, samples_needed

_NOT_ENDED = (Outcome.NOT_RUN, Outcome.SKIPPED, Outcome.ERROR)
_MAJORITY = 0.8  # share of baseline runs that a regression must be worse than


def declared_rulings(case: Case) -> Iterator[Ruling]:
    """One ruling for each declared criterion, in the plan's order."""
    for criterion in case.plan.criteria:
        rule = parse_rule(criterion.rule)
        judge = _shift if rule.function == "shift" else _samples if rule.over_samples else _counts
        yield judge(case, criterion, rule)


def _ruled(
    criterion: Criterion, mark: Mark, text: str, evidence: str, effect: VerdictWord | None = None
) -> Ruling:
    sentence = f"{criterion.rule}: {text}"
    return ruling(criterion.id, criterion.priority, mark, sentence, (evidence,), effect)


def _samples(case: Case, criterion: Criterion, rule: Rule) -> Ruling:
    values, place = case.samples(rule.subject), f"samples/{rule.subject}"
    needed = _needed(rule)
    if len(values) < needed:
        text = f"not evaluated, {len(values)} samples and {needed} are needed"
        return _ruled(criterion, Mark.NOT_EVALUATED, text, place)
    value = _statistic(rule, values)
    mark = Mark.PASS if rule.holds(value) else Mark.FAIL
    unit = "" if rule.function == "count" else " ms"
    return _ruled(criterion, mark, f"{value:.4g}{unit} (n = {len(values)})", place)


def _needed(rule: Rule) -> int:
    if rule.function == "count":
        return 0
    return MIN_SAMPLES if rule.quantile is None else samples_needed(rule.quantile)


def _statistic(rule: Rule, values: list[float]) -> float:
    if rule.quantile is not None:
        return percentile(values, rule.quantile)
    plain: dict[str, Callable[[list[float]], float]] = {
        "count": len,
        "min": min,
        "max": max,
        "mean": lambda v: math.fsum(v) / len(v),  # exact, so in any order the same
    }
    return float(plain[rule.function](values))


def make_ready(plan: Plan) -> None:
    """Load what comparing with a baseline takes: near a second, better spent while checks run."""
    if any(parse_rule(criterion.rule).function == "shift" for criterion in plan.criteria):
        compare([1.0] * MIN_EACH, [1.0] * MIN_EACH)


def _shift(case: Case, criterion: Criterion, rule: Rule) -> Ruling:
    place, now = f"samples/{rule.subject}", case.samples(rule.subject)
    earlier = [r.samples[rule.subject] for r in case.history.baseline if rule.subject in r.samples]
    if not case.history.readable:
        return _ruled(criterion, Mark.NOT_EVALUATED, "history could not be read", place)
    if not earlier:
        text = "no promoted run to compare with yet; absolute criteria only"
        return _ruled(criterion, Mark.NOT_EVALUATED, text, place, VerdictWord.PROMOTE)
    answers = [compare(values, now, "up", rule.limit) for values in earlier]
    known = [a for a in answers if a.word is not Word.NOT_ENOUGH_EVIDENCE]
    if not known:
        return _ruled(criterion, Mark.NOT_EVALUATED, answers[0].sentence, place)
    mark, text = _against(known)
    # A regression inside every target is watched, whatever its priority; targets hold or roll back.
    watch = VerdictWord.PROMOTE_WITH_WATCH if mark is Mark.FAIL else None
    return _ruled(criterion, mark, text, place, watch)


def _against(known: list[Comparison]) -> tuple[Mark, str]:
    """Worse only when worse than most baseline runs: one slow yesterday is not a yardstick."""
    n_worse = sum(a.word is Word.WORSE for a in known)
    middle = sorted(known, key=lambda a: a.shift or 0.0)[len(known) // 2]
    text = f"{middle.sentence}, worse than {n_worse} of {len(known)} promoted runs"
    return (Mark.FAIL if n_worse >= _MAJORITY * len(known) else Mark.PASS), text


def _counts(case: Case, criterion: Criterion, rule: Rule) -> Ruling:
    """Judge by what is seen, and by what the unseen could still turn it into.

    Only where the best and the worst that the unseen could bring agree is there an answer; else
    the criterion is NOT_RUN: absence of evidence is neither a pass nor a failure.
    """
    seen, n_unseen = _seen(case, rule.subject, criterion.priority)
    if not seen:
        return _ruled(criterion, Mark.NOT_RUN, "nothing ran", rule.subject)
    low, high = _bounds(rule.function, seen, n_unseen)
    shown = f"{low:.1%}" if rule.unit == "%" else f"{low:g}"
    text = f"{shown} of {len(seen)} seen" + (f", {n_unseen} not seen" if n_unseen else "")
    return _ruled(criterion, _mark(rule, low, high), text, rule.subject)


def _mark(rule: Rule, low: float, high: float) -> Mark:
    if rule.operator == "==" and low <= rule.limit <= high:
        return Mark.PASS if low == high else Mark.NOT_RUN
    answers = {rule.holds(low), rule.holds(high)}
    if len(answers) == 2:
        return Mark.NOT_RUN
    return Mark.PASS if True in answers else Mark.FAIL


def _bounds(function: str, seen: list[Seen], n_unseen: int) -> tuple[float, float]:
    """Smallest and largest value, whatever the unseen would have been."""
    outcomes = [one.outcome for one in seen]
    passed = sum(o in (Outcome.PASS, Outcome.FLAKY) for o in outcomes)
    if function == "not_run":
        return float(n_unseen), float(n_unseen)
    if function == "pass_share":
        total = len(seen) + n_unseen
        return passed / total, (passed + n_unseen) / total
    counted = {
        "failed": outcomes.count(Outcome.FAIL),
        "passed": passed,
        "flaky": outcomes.count(Outcome.FLAKY),
        "vacuous": sum(one.grade is Grade.VACUOUS for one in seen),
    }[function]
    return float(counted), float(counted + n_unseen)


class Seen(NamedTuple):
    """One test or probe that ended."""

    outcome: Outcome
    grade: Grade | None


def _seen(case: Case, subject: str, priority: Priority) -> tuple[list[Seen], int]:
    """Tests and probes of a phase, suite or probe that ended, and how many others are expected.

    A skipped test is neither seen nor expected. One that could not be carried out (ERROR) is not
    seen: a broken test says nothing about the product. One in quarantine is neither, but for a
    criterion of P1.
    """
    seen: list[Seen] = []
    n_unseen = 0
    for phase in case.plan.phases:
        for suite in (s for s in phase.suites if subject in (phase.id, s.id)):
            key = (phase.id, suite.id)
            everything = case.finals.get(key, {})
            finals = everything if priority is Priority.P1 else case.counted(key)
            ended = [
                Seen(f.outcome, f.grade) for f in finals.values() if f.outcome not in _NOT_ENDED
            ]
            n_skipped = sum(f.outcome is Outcome.SKIPPED for f in finals.values())
            n_apart = n_skipped + len(everything) - len(finals)
            seen += ended
            n_unseen += max(0, case.expected(phase, suite) - len(ended) - n_apart)
        for probe in (p for p in phase.probes if subject in (phase.id, p.id)):
            result = case.probes.get((phase.id, probe.id))
            ended = [Seen(result.outcome, None)] if result else []
            ended = [one for one in ended if one.outcome not in _NOT_ENDED]
            seen += ended
            n_unseen += not ended
    return seen, n_unseen

"""Rulings on the criteria that the plan declares: `p95(message) < 2 s`, `shift(message) <= 10 %`."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from data.records.plan import Criterion
from data.records.words import Grade, Mark, Outcome, VerdictWord
from data.rules.compare import Comparison, Word, compare
from data.rules.grammar import Rule, parse_rule
from data.rules.judge.case import Case, Ruling, ruling
from data.rules.outcomes import FinalTest
from data.rules.quantiles import MIN_SAMPLES, percentile, samples_needed

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
        "mean": lambda v: sum(v) / len(v),
    }
    return float(plain[rule.function](values))


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
    return _ruled(criterion, mark, text, place)


def _against(known: list[Comparison]) -> tuple[Mark, str]:
    """Worse only when worse than most baseline runs: one slow yesterday is not a yardstick."""
    n_worse = sum(a.word is Word.WORSE for a in known)
    middle = sorted(known, key=lambda a: a.shift or 0.0)[len(known) // 2]
    text = f"{middle.sentence}, worse than {n_worse} of {len(known)} promoted runs"
    return (Mark.FAIL if n_worse >= _MAJORITY * len(known) else Mark.PASS), text


def _counts(case: Case, criterion: Criterion, rule: Rule) -> Ruling:
    finals, n_probes = _tests_of(case, rule.subject), _probe_outcomes(case, rule.subject)
    outcomes = [f.outcome for f in finals] + n_probes
    if not outcomes or all(o in (Outcome.NOT_RUN, Outcome.SKIPPED) for o in outcomes):
        return _ruled(criterion, Mark.NOT_RUN, "nothing ran", rule.subject)
    value = _count(rule.function, finals, outcomes)
    mark = Mark.PASS if rule.holds(value) else Mark.FAIL
    shown = f"{value:.1%}" if rule.unit == "%" else f"{value:g}"
    return _ruled(criterion, mark, f"{shown} of {len(outcomes)} seen", rule.subject)


def _count(function: str, finals: list[FinalTest], outcomes: list[Outcome]) -> float:
    passed = sum(o in (Outcome.PASS, Outcome.FLAKY) for o in outcomes)
    wanted = {
        "failed": sum(o in (Outcome.FAIL, Outcome.ERROR) for o in outcomes),
        "passed": passed,
        "not_run": outcomes.count(Outcome.NOT_RUN),
        "flaky": outcomes.count(Outcome.FLAKY),
        "vacuous": sum(f.grade is Grade.VACUOUS for f in finals),
        "pass_share": passed / len(outcomes),
    }
    return float(wanted[function])


def _tests_of(case: Case, subject: str) -> list[FinalTest]:
    return [f for key, tests in case.finals.items() if subject in key for f in tests.values()]


def _probe_outcomes(case: Case, subject: str) -> list[Outcome]:
    return [p.outcome for key, p in case.probes.items() if subject in key]

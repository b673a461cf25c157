"""Declared criteria: whether each is fed, can be evaluated, and can come out either way."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from data.records.criterion import Criterion
from data.records.plan import Plan
from data.records.probe_plan import HttpProbe, JourneyProbe
from data.records.words import Priority
from data.rules.grammar import COUNTS, Both, Rule, Term, comparisons, parse_rule, rules_in
from data.rules.judge.levels import samples_wanted
from data.rules.metrics import metrics_of, metrics_of_steps

Path = tuple[str | int, ...]
Found = tuple[Path, str, str]
_MOST_CASES = 20_000
_NEAR = 1e-6


def criteria_faults(plan: Plan) -> Iterator[Found]:
    """(place, fault, hint) of each criterion that cannot do what it is there for."""
    for index, criterion in enumerate(plan.criteria):
        for key in ("rule", "warn"):
            text = getattr(criterion, key)
            if text or key == "rule":
                yield from _of_rule(plan, criterion, text, ("criteria", index, key))
        yield from _of_policy(criterion, ("criteria", index))


def _of_rule(plan: Plan, criterion: Criterion, text: str, path: Path) -> Iterator[Found]:
    try:
        term = parse_rule(text)
    except ValueError as error:
        yield path, str(error), ""
        return
    for rule in dict.fromkeys(comparisons(term)):
        yield from ((path, *found) for found in _unfed(plan, rule))
        yield from ((path, *found) for found in _too_few(plan, criterion, rule))
    yield from ((path, *found) for found in _dead(term))


def _unfed(plan: Plan, rule: Rule) -> Iterator[tuple[str, str]]:
    places = {phase.id for phase in plan.phases}
    places |= {one.id for phase in plan.phases for one in (*phase.suites, *phase.probes)}
    known = set(_feeding(plan)) if rule.over_samples else places
    if rule.subject not in known:
        what = "metric" if rule.over_samples else "phase, suite or probe"
        yield (
            f"nothing feeds the criterion: no {what} is named {rule.subject!r}",
            f"the plan has: {', '.join(sorted(known)) or 'none'}",
        )


def _feeding(plan: Plan) -> dict[str, list[HttpProbe | JourneyProbe]]:
    """Metric -> the probes that feed it."""
    found: dict[str, list[HttpProbe | JourneyProbe]] = {}
    for phase in plan.phases:
        for probe in phase.probes:
            for metric in metrics_of(probe):
                found.setdefault(metric, []).append(probe)
    return found


def _too_few(plan: Plan, criterion: Criterion, rule: Rule) -> Iterator[tuple[str, str]]:
    """A metric that gets fewer samples than its rule needs; a load's number is not known before."""
    probes = _feeding(plan).get(rule.subject, []) if rule.over_samples else []
    if not probes or any(probe.load is not None for probe in probes):
        return
    most = sum(probe.repeat * probe.concurrency * _a_try(probe, rule.subject) for probe in probes)
    needed = max(samples_wanted(rule), criterion.samples or 0)
    if most < needed:
        yield (
            f"it can never be evaluated: {rule.function}({rule.subject}) needs {needed} samples,"
            f" and the plan makes at most {most}",
            "raise `repeat` or `concurrency` of its probe, or take a lower percentile",
        )


def _a_try(probe: HttpProbe | JourneyProbe, metric: str) -> int:
    """Most samples of a metric that one execution makes: as many as there are steps for it."""
    return max(1, metrics_of_steps(probe).count(metric))


def _dead(term: Term) -> Iterator[tuple[str, str]]:
    """A rule that every result satisfies, or none.

    Each comparison changes its answer at its limit alone, so a value on either side of it, the
    limit itself and the ends of what its function can give are all the cases there are.
    """
    subjects: dict[tuple[str, str, str], list[Rule]] = {}
    for rule in comparisons(term):
        subjects.setdefault(_what(rule), []).append(rule)
    values = [_cases(rules) for rules in subjects.values()]
    n_cases = 1
    for some in values:
        n_cases *= len(some)
    if n_cases > _MOST_CASES:
        return
    answers = {_holds(term, dict(zip(subjects, one, strict=True))) for one in product(*values)}
    if answers == {True}:
        yield "it can never fire: every result satisfies it", "leave it out, or set another limit"
    if answers == {False}:
        yield "it always fires: no result can satisfy it", "set a limit that can be reached"


def _what(rule: Rule) -> tuple[str, str, str]:
    """What is measured: relative ones in their unit are figures of their own."""
    unit = ("%" if rule.unit == "%" else "ms") if rule.relative else ""
    return rule.function, rule.subject, unit


def _cases(rules: list[Rule]) -> list[float]:
    low, high = _range(rules[0])
    limits = {rule.limit for rule in rules}
    whole = rules[0].function in (*COUNTS, "count") and rules[0].function != "pass_share"
    step = 1.0 if whole else _NEAR
    near = {limit + off for limit in limits for off in (-step, 0.0, step)} | {low, high}
    return sorted(v for v in near if low <= v <= high and (not whole or v == int(v)))


def _range(rule: Rule) -> tuple[float, float]:
    """What the function can give at all."""
    if rule.function in ("share", "pass_share"):
        return (-1.0 if rule.relative else 0.0), 1.0
    if rule.function == "shift" or rule.relative:
        return (-1.0 if rule.unit == "%" else -1e12), 1e12
    return 0.0, 1e12


def _holds(term: Term, values: dict[tuple[str, str, str], float]) -> bool:
    if isinstance(term, Rule):
        return term.holds(values[_what(term)])
    answers = (_holds(one, values) for one in term.terms)
    return all(answers) if isinstance(term, Both) else any(answers)


def _of_policy(criterion: Criterion, path: Path) -> Iterator[Found]:
    if criterion.priority is Priority.P1 and criterion.no_data == "watch":
        text = "without evidence a criterion of P1 holds, whatever its policy says"
        yield (*path, "no_data"), text, "leave it out, or give the criterion another priority"
    if criterion.dry_run and criterion.proves:
        text = f"it decides nothing and cannot prove {', '.join(criterion.proves)}"
        yield (*path, "dry_run"), text, "leave one of the two out"
    if criterion.window is not None and not any(
        rule.over_samples for rule in rules_in(criterion.rule)
    ):
        text = "a window is a span of samples, and the rule reads none"
        yield (*path, "window"), text, "leave it out"

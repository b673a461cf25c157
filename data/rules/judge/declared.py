"""What the evidence says to one comparison of a criterion, such as `p95(message) < 2 s`."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from data.records.criterion import Criterion
from data.records.facts import Sample
from data.records.plan import Plan
from data.records.words import Grade, Mark, Outcome, Priority, VerdictWord
from data.rules.compare import MIN_EACH, compare
from data.rules.grammar import Rule, rules_in
from data.rules.judge.case import Case, effect_of, outcomes_of
from data.rules.judge.falls import judged_fall
from data.rules.judge.levels import LONGEST_MS, is_time, level_of, samples_wanted, statistic
from data.rules.judge.shifts import drifted, judged
from data.rules.judge.standings import Tally
from data.rules.quantiles import percentile
from data.rules.statistics.proportions import wilson_interval
from data.rules.statistics.tail import exceedance


class Answer(NamedTuple):
    """A mark and its sentence of numbers.

    Attributes:
        evidence: where the numbers come from.
        effect: what a mark other than PASS does to the verdict; None: what its priority says.
    """

    mark: Mark
    text: str
    evidence: tuple[str, ...]
    effect: VerdictWord | None = None


_NOT_ENDED = (Outcome.NOT_RUN, Outcome.SKIPPED, Outcome.ERROR)


def answer_of(case: Case, criterion: Criterion, rule: Rule) -> Answer:
    """What the evidence says to one comparison of a criterion."""
    if not rule.over_samples:
        return _counts(case, criterion, rule)
    return (
        _shift(case, criterion, rule)
        if rule.function == "shift"
        else _samples(case, criterion, rule)
    )


def _lacking(criterion: Criterion, taken: list[Sample], needed: int = 0) -> str:
    """Why the samples are not evidence enough, or ""."""
    needed = max(needed, criterion.samples or 0)
    if len(taken) < needed:
        return f"not evaluated, {len(taken)} samples and {needed} are needed"
    times = [sample.at for sample in taken]
    span_s = (max(times) - min(times)).total_seconds() if times else 0.0
    if criterion.window is not None and span_s < criterion.window:
        wanted = f"of {criterion.window:g} s that are needed"
        return f"not evaluated, the samples span {span_s:.3g} s {wanted}"
    return ""


def _samples(case: Case, criterion: Criterion, rule: Rule) -> Answer:
    taken, place = case.taken(rule.subject), (f"samples/{rule.subject}",)
    if rule.function == "share":
        fallen = _fallen if rule.relative else _share
        return fallen(case, criterion, rule, taken, place)
    spoiled = _spoiled(case, criterion, rule, place)
    if spoiled and rule.relative and case.spoiled(rule.subject):
        return spoiled
    if spoiled:  # whatever the bad values were, it may have failed
        ends = ((s.value if is_time(s.value) else end for s in taken) for end in (0.0, LONGEST_MS))
        both = [_timed(case, criterion, rule, _of(taken, end), place) for end in ends]
        return both[0] if all(one.mark is Mark.FAIL for one in both) else spoiled
    return _timed(case, criterion, rule, taken, place)


def _of(taken: list[Sample], values: Iterable[float]) -> list[Sample]:
    pairs = zip(taken, values, strict=True)
    return [sample.model_copy(update={"value": value}) for sample, value in pairs]


def _spoiled(case: Case, criterion: Criterion, rule: Rule, place: tuple[str, ...]) -> Answer | None:
    """Values that are no times say nothing, and less than none would: no policy excuses them.

    None where all are times, here and, if the rule compares with them, in the promoted runs.
    """
    values = [sample.value for sample in case.taken(rule.subject) if sample.ok]
    bad = [f"{value:g}" for value in values if not is_time(value)]
    run_id = case.spoiled(rule.subject) if rule.relative or rule.function == "shift" else ""
    if not bad and not run_id:
        return None
    whose = "here" if bad else f"of {run_id}"
    text = f"not evaluated, values {whose} are no times"
    text += f": {', '.join(bad[:3])}, {len(bad)} of {len(values)}" if bad else ""
    usual = effect_of(criterion.priority, Mark.NOT_EVALUATED)
    return Answer(Mark.NOT_EVALUATED, text, place, usual if criterion.no_data != "hold" else None)


def _timed(
    case: Case, criterion: Criterion, rule: Rule, taken: list[Sample], place: tuple[str, ...]
) -> Answer:
    good = [sample for sample in taken if sample.ok]
    if lacking := _lacking(criterion, good, samples_wanted(rule)):
        return Answer(Mark.NOT_EVALUATED, lacking, place)
    value = statistic(rule, [sample.value for sample in good])
    unit = "" if rule.function == "count" else " ms"
    text = f"{value:.4g}{unit} (n = {len(good)})"
    if rule.relative:
        return _relative(case, rule, value, text, place)
    if rule.holds(value) and not taken:
        return Answer(Mark.NOT_EVALUATED, f"not evaluated, no {rule.subject} was measured", place)
    if rule.holds(value):
        return Answer(Mark.PASS, text, place)
    return Answer(Mark.FAIL, text + _beyond(rule, [sample.value for sample in good]), place)


def _beyond(rule: Rule, values: list[float]) -> str:
    """How much of a failed percentile lies above its limit, with what so few samples can say."""
    if rule.quantile is None or rule.operator not in ("<", "<="):
        return ""
    found = exceedance(values, rule.limit)
    ends = " to ".join(f"{end:.1%}" for end in found.interval)
    return f", {found.n_above} of {found.n} above {rule.limit:g} ms (95 % interval {ends})"


def _relative(case: Case, rule: Rule, value: float, text: str, place: tuple[str, ...]) -> Answer:
    """Against the median of what the promoted runs gave, each with samples enough."""
    earlier = [run.samples.get(rule.subject, ()) for run in case.history.baseline]
    known = [
        statistic(rule, list(values)) for values in earlier if len(values) >= samples_wanted(rule)
    ]
    if not case.history.readable:
        return Answer(Mark.NOT_EVALUATED, "history could not be read", place)
    if not any(earlier):
        text = "no promoted run to compare with yet; absolute criteria only"
        return Answer(Mark.NOT_EVALUATED, text, place, VerdictWord.PROMOTE)
    if not known:
        text = f"no promoted run has the {samples_wanted(rule)} samples that are needed"
        return Answer(Mark.NOT_EVALUATED, text, place)
    middle = percentile(known, 0.5)
    change = value - middle
    if rule.unit == "%":
        change = change / middle if middle else math.inf * (change > 0)
    told = f"{change:+.1%}" if rule.unit == "%" else f"{change:+.4g} ms"
    runs = f"the median of {len(known)} promoted runs, {middle:.4g} ms"
    mark = Mark.PASS if rule.holds(round(change, 12)) else Mark.FAIL
    return _undrifted(case, rule, Answer(mark, f"{text}, {told} against {runs}", place))


def _share(
    case: Case, criterion: Criterion, rule: Rule, taken: list[Sample], place: tuple[str, ...]
) -> Answer:
    """Of what was begun, the part that went well.

    Too few samples are a FAIL where not even the best that could still come would reach the limit.
    """
    n_good = sum(sample.ok for sample in taken)
    needed = samples_wanted(rule)
    best = (n_good + max(0, needed - len(taken))) / max(needed, len(taken))
    lower = rule.operator in (">", ">=")
    if lower and taken and not rule.holds(best):
        return Answer(Mark.FAIL, f"{n_good} of {len(taken)} went well", place)
    if lacking := _lacking(criterion, taken, needed):
        return Answer(Mark.NOT_EVALUATED, lacking, place)
    share = n_good / len(taken)
    mark = Mark.PASS if rule.holds(share) else Mark.FAIL
    ends = " to ".join(f"{end:.2%}" for end in wilson_interval(n_good, len(taken)))
    text = f"{share:.2%}, {n_good} of {len(taken)} went well (95 % interval {ends})"
    return Answer(mark, text, place)


def _fallen(
    case: Case, criterion: Criterion, rule: Rule, taken: list[Sample], place: tuple[str, ...]
) -> Answer:
    """More failures than in the promoted runs, inside every target: watched, as a shift is."""
    if lacking := _lacking(criterion, taken, samples_wanted(rule)):
        return Answer(Mark.NOT_EVALUATED, lacking, place)
    if not case.history.readable:
        return Answer(Mark.NOT_EVALUATED, "history could not be read", place)
    found = case.falls.get((rule.subject, rule.limit))
    if found is None:
        text = "no promoted run to compare with yet; absolute criteria only"
        return Answer(Mark.NOT_EVALUATED, text, place, VerdictWord.PROMOTE)
    mark, text = judged_fall(found, case.bad(rule.subject), rule.limit)
    watch = VerdictWord.PROMOTE_WITH_WATCH if mark is not Mark.PASS else None
    return Answer(mark, text, place, watch)


def make_ready(plan: Plan) -> None:
    """Load what comparing with a baseline takes: near a second, better spent while checks run."""
    rules = (r for c in plan.criteria for text in (c.rule, c.warn) for r in rules_in(text))
    if any(rule.function == "shift" or rule.relative for rule in rules):
        compare([1.0] * MIN_EACH, [1.0] * MIN_EACH)


def _shift(case: Case, criterion: Criterion, rule: Rule) -> Answer:
    place = (f"samples/{rule.subject}",)
    if spoiled := _spoiled(case, criterion, rule, place):
        return spoiled
    good = [s for s in case.taken(rule.subject) if s.ok]
    if lacking := _lacking(criterion, good, samples_wanted(rule)):
        return Answer(Mark.NOT_EVALUATED, lacking, place)
    if not case.history.readable:
        return Answer(Mark.NOT_EVALUATED, "history could not be read", place)
    found = case.shifts.get((rule.subject, rule.limit))
    if found is None:
        text = "no promoted run to compare with yet; absolute criteria only"
        return Answer(Mark.NOT_EVALUATED, text, place, VerdictWord.PROMOTE)
    if not found.known:
        return Answer(Mark.NOT_EVALUATED, found.lacking, place)
    mark, text = judged(found)
    # A regression inside every target is watched, whatever its priority; targets hold or roll back.
    # One that could not have been seen is no better than one that was.
    watch = VerdictWord.PROMOTE_WITH_WATCH if mark is not Mark.PASS else None
    return _undrifted(case, rule, Answer(mark, text, place, watch))


def _undrifted(case: Case, rule: Rule, answer: Answer) -> Answer:
    """What held against the last runs must hold against the anchor, too; else it is watched."""
    if answer.mark is not Mark.PASS:
        return answer
    now = level_of(rule, case.samples(rule.subject))
    if now is None:
        return answer
    mark, told = drifted(rule, now, case.anchor(rule), case.reference(rule))
    if mark is Mark.PASS:
        return answer
    text = f"{answer.text}; {told}"
    return Answer(mark, text, answer.evidence, VerdictWord.PROMOTE_WITH_WATCH)


def _counts(case: Case, criterion: Criterion, rule: Rule) -> Answer:
    """Judge by what is seen, and by what the unseen could still turn it into.

    Only where the best and the worst that the unseen could bring agree is there an answer; else
    the criterion is NOT_RUN: absence of evidence is neither a pass nor a failure.
    """
    seen, n_unseen = _seen(case, rule.subject, criterion.priority)
    if seen.total() < (criterion.samples or 1):
        text = f"{seen.total()} ended and {criterion.samples} are needed" if seen else "nothing ran"
        return Answer(Mark.NOT_RUN, text, (rule.subject,))
    low, high = _bounds(rule.function, seen, n_unseen)
    shown = f"{low:.1%}" if rule.unit == "%" else f"{low:g}"
    text = f"{shown} of {seen.total()} seen" + (f", {n_unseen} not seen" if n_unseen else "")
    return Answer(_mark(rule, low, high), text, (rule.subject,))


def _mark(rule: Rule, low: float, high: float) -> Mark:
    if rule.operator == "==" and low <= rule.limit <= high:
        return Mark.PASS if low == high else Mark.NOT_RUN
    answers = {rule.holds(low), rule.holds(high)}
    if len(answers) == 2:
        return Mark.NOT_RUN
    return Mark.PASS if True in answers else Mark.FAIL


def _bounds(function: str, seen: Tally, n_unseen: int) -> tuple[float, float]:
    """Smallest and largest value, whatever the unseen would have been."""
    outcomes = outcomes_of(seen)
    passed = outcomes[Outcome.PASS] + outcomes[Outcome.FLAKY]
    if function == "not_run":
        return float(n_unseen), float(n_unseen)
    if function == "pass_share":
        total = seen.total() + n_unseen
        return passed / total, (passed + n_unseen) / total
    counted = {
        "failed": outcomes[Outcome.FAIL],
        "passed": passed,
        "flaky": outcomes[Outcome.FLAKY],
        "vacuous": sum(n for (_, grade), n in seen.items() if grade is Grade.VACUOUS),
    }[function]
    return float(counted), float(counted + n_unseen)


def _seen(case: Case, subject: str, priority: Priority) -> tuple[Tally, int]:
    """Tests and probes of a phase, suite or probe that ended, and how many others are expected.

    A skipped test is neither seen nor expected. One that could not be carried out (ERROR) is not
    seen: a broken test says nothing about the product. One in quarantine is neither, but for a
    criterion of P1.
    """
    seen: Tally = Counter()
    n_unseen = 0
    for phase in case.plan.phases:
        for suite in (s for s in phase.suites if subject in (phase.id, s.id)):
            key = (phase.id, suite.id)
            everything = case.tally(key)
            tally = everything if priority is Priority.P1 else case.counted_tally(key)
            ended = _ended(tally)
            n_skipped = sum(n for (outcome, _), n in tally.items() if outcome is Outcome.SKIPPED)
            n_apart = n_skipped + everything.total() - tally.total()
            seen += ended
            n_unseen += max(0, case.expected(phase, suite) - ended.total() - n_apart)
        for probe in (p for p in phase.probes if subject in (phase.id, p.id)):
            result = case.probes.get((phase.id, probe.id))
            ended = _ended(Counter([(result.outcome, None)] if result else []))
            seen += ended
            n_unseen += not ended
    return seen, n_unseen


def _ended(tally: Tally) -> Tally:
    return Counter({key: n for key, n in tally.items() if key[0] not in _NOT_ENDED})

"""This run's samples beside those of promoted runs: regressions of one release, and slow drift.

Deployments differ more from each other than samples of one do, so samples of several are never
pooled: each promoted run is compared by itself, or stands for one number.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from data.records.evidence import BaselineRun
from data.records.plan import Plan
from data.records.words import Mark
from data.rules.compare import ALPHA, MIN_EACH, Comparison, Word, compare
from data.rules.grammar import Rule, rules_in
from data.rules.quantiles import percentile
from data.rules.statistics.location import careful_tails, shift_of
from data.rules.statistics.multiplicity import holm
from data.rules.statistics.power import MIN_POWER
from data.rules.statistics.spread import wider

RECENT = 5  # deployments that must have drifted together, this one among them
_DRIFT_ALPHA = 0.005  # five against five can reach it; one slow deployment cannot
_MIN_RUNS = 4
_MAJORITY = 0.8  # share of baseline runs that a regression must be worse than

Key = tuple[str, float]  # metric and limit


class Shift(NamedTuple):
    """One `shift` comparison of the plan.

    Attributes:
        known: one comparison for each baseline run with samples enough.
        lacking: why there is none.
        p: that it is as bad by chance, adjusted for the metrics that the plan asks after.
        p_usual: that a deployment like the promoted ones is as slow, adjusted likewise; 0 unknown.
        spread: a warning where the numbers scatter more than those of most runs, or "".
    """

    known: tuple[Comparison, ...]
    lacking: str
    p: float
    p_usual: float
    spread: str


def shifts(
    plan: Plan, baseline: Sequence[BaselineRun], samples: Callable[[str], list[float]]
) -> dict[Key, Shift]:
    """Every `shift` comparison of a plan whose metric a baseline run has."""
    rules = [r for c in plan.criteria for text in (c.rule, c.warn) for r in rules_in(text)]
    keys = dict.fromkeys((r.subject, r.limit) for r in rules if r.function == "shift")
    n_metrics = len({metric for metric, _ in keys})
    found, spread, usual = {}, {}, {}
    for metric, limit in keys:
        now = samples(metric)
        earlier = [run.samples[metric] for run in baseline if metric in run.samples]
        found[metric, limit] = [
            compare(one, now, "up", limit, MIN_POWER, n_metrics) for one in earlier
        ]
        spread[metric] = _spread(earlier, now)
        usual[metric] = _p_usual(earlier, now)
    adjusted = _adjusted({metric: _p_of(every) for (metric, _), every in found.items()})
    usual = _adjusted(usual)
    return {
        (metric, limit): _shift(every, adjusted[metric], usual[metric], spread[metric])
        for (metric, limit), every in found.items()
        if every
    }


def _adjusted(alone: dict[str, float]) -> dict[str, float]:
    return dict(zip(alone, holm(list(alone.values())), strict=True))


def _shift(every: list[Comparison], p: float, p_usual: float, spread: str) -> Shift:
    known = tuple(one for one in every if one.shift is not None)
    return Shift(known, "" if known else every[0].sentence, p, p_usual, spread)


def _p_usual(earlier: Sequence[Sequence[float]], now: Sequence[float]) -> float:
    """How likely one more deployment like the promoted ones is as slow as this one.

    Student's t of one new value among normal ones, on the logarithms of the medians. Fewer than
    four runs cannot say how much deployments differ, and excuse nothing: 0.
    """
    from scipy.special import stdtr

    medians = [percentile(one, 0.5) for one in earlier if len(one) >= MIN_EACH]
    if len(medians) < _MIN_RUNS or len(now) < MIN_EACH or min(*medians, percentile(now, 0.5)) <= 0:
        return 0.0
    levels, k = [math.log(one) for one in medians], len(medians)
    mean = math.fsum(levels) / k
    variance = math.fsum((one - mean) ** 2 for one in levels) / (k - 1)
    gap = math.log(percentile(now, 0.5)) - mean
    if variance <= 0:
        return 0.0 if gap > 0 else 1.0
    return float(stdtr(k - 1, -gap / math.sqrt(variance * (1 + 1 / k))))


def _spread(earlier: Sequence[Sequence[float]], now: Sequence[float]) -> str:
    told = sorted(text for one in earlier if (text := wider(one, now)))
    return told[len(told) // 2] if told and len(told) >= _MAJORITY * len(earlier) else ""


def _p_of(every: list[Comparison]) -> float:
    """The p-value that four in five of the baseline runs reach."""
    known = [_upwards(one) for one in every if one.shift is not None]
    return percentile(known, _MAJORITY) if known else 1.0


def _upwards(one: Comparison) -> float:
    return one.p if one.p is not None and (one.shift or 0.0) > 0 else 1.0


def judged(shift: Shift) -> tuple[Mark, str]:
    """Worse only when worse than most baseline runs: one slow yesterday is not a yardstick.

    Not evaluated where most of them are such that a shift of twice the limit would go unseen.
    """
    known = sorted(shift.known, key=lambda one: one.shift or 0.0)
    n_worse = sum(one.word is Word.WORSE for one in known)
    text = f"{known[len(known) // 2].sentence}, worse than {n_worse} of {len(known)} promoted runs"
    text += f"; {shift.spread}" if shift.spread else ""
    if n_worse >= _MAJORITY * len(known):
        if shift.p < ALPHA and shift.p_usual < ALPHA:
            return Mark.FAIL, text
        if shift.p < ALPHA:  # too much alike to accuse, too different to acquit
            text += f", which differ so much among each other (p = {shift.p_usual:.2g})"
            return Mark.NOT_EVALUATED, text
        text += f", among so many metrics that is chance (p = {shift.p:.2g})"
    blind = [one for one in known if one.word is not Word.BETTER and (one.power or 0) < MIN_POWER]
    if 2 * len(blind) <= len(known):
        return Mark.PASS, text
    return Mark.NOT_EVALUATED, f"too few samples for so much noise: {text}"


class Level(NamedTuple):
    """One deployment as one number: what the rule's function gives for its samples."""

    at: datetime
    run_id: str
    value: float


def drifted(
    rule: Rule, value: float, earlier: Sequence[Level], reference: tuple[str, float | None]
) -> tuple[Mark, str]:
    """Whether the level crept away from the frozen reference, if the plan names one, or the anchor.

    Only for limits that allow so much more than the baseline; less is no drift.
    """
    if rule.operator not in ("<", "<=") or rule.limit < 0:
        return Mark.PASS, ""
    name, known = reference
    if not name:
        told = drift(rule, value, earlier)
        return (Mark.FAIL if told else Mark.PASS), told
    if known is None:
        text = f"the reference {name} is no earlier run of this plan with samples enough"
        return Mark.NOT_EVALUATED, text
    newest = [*(level.value for level in sorted(earlier)[1 - RECENT :]), value]
    change = _change(rule, percentile(newest, 0.5) - known, known)
    if rule.holds(change) or rule.holds(_change(rule, value - known, known)):
        return Mark.PASS, ""
    told = f"{_told(rule, change)} against the reference {name}, {known:.4g} ms"
    return Mark.FAIL, f"slow drift: the newest {len(newest)} deployments are {told}"


def _change(rule: Rule, gap: float, middle: float) -> float:
    if rule.unit != "%":
        return round(gap, 12)
    return round(gap / middle, 12) if middle else 0.0


def _told(rule: Rule, change: float) -> str:
    return f"{change:+.1%}" if rule.unit == "%" else f"{change:+.4g} ms"


def drift(rule: Rule, value: float, earlier: Sequence[Level]) -> str:
    """A sentence where the newest deployments have drifted past the limit, each in small steps.

    The newest five, this one among them, against all older ones of the anchor: an exact rank test
    of one number a deployment (p < 0.005), and a shift that the rule would not allow. Fewer than
    five older ones say nothing.

    Args:
        value: this run's number, in ms.
        earlier: promoted deployments of the anchor's window, in any order.
    """
    ordered = [level.value for level in sorted(earlier)]
    older, newest = ordered[: 1 - RECENT], [*ordered[1 - RECENT :], value]
    if len(older) < RECENT:
        return ""
    middle = percentile(older, 0.5)
    change = _change(rule, shift_of(older, newest, ALPHA).estimate, middle)
    p = careful_tails(older, newest).greater
    if rule.holds(change) or p >= _DRIFT_ALPHA:
        return ""
    return (
        f"slow drift: the newest {RECENT} deployments are {_told(rule, change)} against the"
        f" {len(older)} promoted before them, median {middle:.4g} ms (p = {p:.2g}), though this one"
        " alone is inside the limit"
    )

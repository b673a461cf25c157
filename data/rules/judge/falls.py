"""The share of what went well beside that of promoted runs: a rise of errors inside every target.

Errors are rare, so runs are pooled: a single run of the baseline has too few to be a yardstick.
Where promoted runs differ in their shares by more than chance does, they are worth so many fewer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from data.records.evidence import BaselineRun
from data.records.plan import Plan
from data.records.words import Mark
from data.rules.compare import ALPHA, Comparison, Word, compare_shares
from data.rules.grammar import rules_in
from data.rules.statistics.multiplicity import holm
from data.rules.statistics.proportions import overdispersion

SEEN = 0.05  # a rise of so much must be seen, or of twice what is allowed

Bad = tuple[int, int]  # failed, of how many
Key = tuple[str, float]  # metric and limit


class Fall(NamedTuple):
    """One `share(metric) >= -x %` of a plan; `p` is adjusted for the metrics that it asks after."""

    found: Comparison
    n_runs: int
    n_times: float
    p: float


def falls(
    plan: Plan, baseline: Sequence[BaselineRun], now: Callable[[str], Bad]
) -> dict[Key, Fall]:
    """Every relative `share` of a plan whose metric a baseline run has."""
    rules = [r for c in plan.criteria for text in (c.rule, c.warn) for r in rules_in(text)]
    keys = dict.fromkeys(
        (r.subject, r.limit) for r in rules if r.function == "share" and r.relative
    )
    found = {}
    for metric, limit in keys:
        earlier = [run.failed[metric] for run in baseline if run.failed.get(metric, (0, 0))[1]]
        if earlier:
            found[metric, limit] = _fall(earlier, now(metric), -limit)
    alone = {metric: one.p for (metric, _), one in found.items()}
    adjusted = dict(zip(alone, holm(list(alone.values())), strict=True))
    return {key: one._replace(p=adjusted[key[0]]) for key, one in found.items()}


def _fall(earlier: Sequence[Bad], now: Bad, least: float) -> Fall:
    times = overdispersion(earlier)
    pooled = sum(bad for bad, _ in earlier), sum(n for _, n in earlier)
    thin = (_thinner(pooled, times), _thinner(now, times))
    found = compare_shares(*thin, least, max(SEEN, 2 * least))
    p = found.p if found.p is not None and (found.shift or 0.0) > 0 else 1.0
    return Fall(found, len(earlier), times, p)


def _thinner(counts: Bad, times: float) -> Bad:
    """The same share of fewer: what runs that differ are worth."""
    bad, n = counts
    return (bad, n) if times == 1 else (round(bad / times), max(1, round(n / times)))


def judged_fall(fall: Fall, now: Bad, limit: float) -> tuple[Mark, str]:
    """Worse only where the rise is larger than the rule allows and no chance."""
    bad, n = now
    found = fall.found
    text = f"{(n - bad) / n:.2%}, {n - bad} of {n} went well" if n else "nothing was begun"
    text += f"; failures: {found.sentence}, {fall.n_runs} promoted runs together"
    if fall.n_times > 1:
        text += f", which differ {fall.n_times:.1f} times as much as chance: so much fewer each"
    if found.word is Word.WORSE and fall.p < ALPHA:
        return Mark.FAIL, text
    if found.word is Word.WORSE:
        return Mark.PASS, f"{text}; among so many metrics that is chance (p = {fall.p:.2g})"
    if found.word is Word.NOT_ENOUGH_EVIDENCE:
        return Mark.NOT_EVALUATED, f"too few to see a fall of more than {-limit:.1%}: {text}"
    return Mark.PASS, text

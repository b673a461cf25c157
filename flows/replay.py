"""What-if: stored runs judged again under another plan, by the same pure judge on the same rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from data.records.plan import Plan
from data.records.record import AwareUtc, Record
from data.records.summary import RunSummary
from data.records.words import VerdictWord
from data.store.warehouse import Warehouse
from flows.at_rest import judge_at_rest

_MANY = 1_000_000


class Replayed(Record):
    """One stored run under the other plan.

    Attributes:
        was: the stored verdict.
        now: what the other plan gives on the same rows, with the history as of that day.
        rule: what decides under the other plan.
        label: how the deployment turned out, None where nobody knows.
        label_source: `person`, or what said so by itself.
    """

    run_id: str
    revision: str | None
    started_at: AwareUtc
    was: VerdictWord
    now: VerdictWord
    rule: str
    label: str | None = None
    label_source: str | None = None

    @property
    def changed(self) -> bool:
        """Whether the other plan gives another verdict."""
        return self.was is not self.now


def replay(warehouse: Warehouse, plan: Plan, since: datetime | None) -> list[Replayed]:
    """Every judged run of the plan's name and environment, oldest first.

    Nothing is written. Each run sees only runs that began before it, and only labels that people
    had given by the time of its verdict. Which of those earlier runs were promoted is taken as it
    was: the other plan does not rewrite history.
    """
    labels = _labels(warehouse)
    runs = [r for r in warehouse.runs(_MANY) if _concerned(r, plan, since)]
    return [_again(warehouse, plan, run, labels) for run in reversed(runs)]


def tally(replayed: list[Replayed]) -> dict[str, int]:
    """`HOLD → PROMOTE` -> how many changed so; runs that stay are not in it."""
    return dict(Counter(f"{r.was} → {r.now}" for r in replayed if r.changed))


def _concerned(run: RunSummary, plan: Plan, since: datetime | None) -> bool:
    same = (run.plan, run.environment) == (plan.plan, plan.environment)
    return same and run.verdict is not None and (since is None or run.started_at >= since)


def _again(
    warehouse: Warehouse, plan: Plan, run: RunSummary, labels: dict[str, tuple[str, str]]
) -> Replayed:
    view = warehouse.view(run.run_id)
    assert view.verdict is not None
    at = view.verdict.at
    history = warehouse.history(run.plan, run.environment, run.run_id, plan.baseline, at)
    verdict = judge_at_rest(plan, view.evidence, history, at)
    label, source = labels.get(run.run_id, (None, None))
    return Replayed(
        run_id=run.run_id,
        revision=run.revision,
        started_at=run.started_at,
        was=view.verdict.verdict,
        now=verdict.verdict,
        rule=verdict.rule,
        label=label,
        label_source=source,
    )


def _labels(warehouse: Warehouse) -> dict[str, tuple[str, str]]:
    _, rows = warehouse.query("SELECT run_id, label, source FROM labels")
    return {run_id: (label, source) for run_id, label, source in rows}


def lines_of(replayed: list[Replayed]) -> Iterator[str]:
    """What a person reads: the count, then each run that would change."""
    changed = [r for r in replayed if r.changed]
    yield f"{len(replayed)} runs judged again, {len(changed)} verdicts would change"
    yield from (f"  {n} × {how}" for how, n in tally(replayed).items())
    for one in changed:
        told = f"labelled {one.label} by {one.label_source}" if one.label else "not labelled"
        yield f"{one.run_id}  {one.revision or '-'}  {one.was} → {one.now}  ({told})"
        yield f"    {one.rule}"

"""Targets of metrics as the plan's criteria state them; for display, nothing is judged here."""

from __future__ import annotations

from collections.abc import Iterator

from data.records.criterion import Criterion
from data.records.plan import Plan
from data.records.record import Record
from data.report.probes import MetricRow
from data.rules.grammar import Rule, rules_in
from data.rules.quantiles import percentile, samples_needed


class Target(Record):
    """One limit on one metric, in the metric's unit (ms for times)."""

    criterion: str
    metric: str
    function: str
    operator: str
    limit: float
    quantile: float

    def value_of(self, row: MetricRow) -> float | None:
        """The measured percentile; None with fewer samples than it needs."""
        enough = row.n >= samples_needed(self.quantile)
        return percentile(row.values, self.quantile) if enough else None


def targets_of(plan: Plan | None) -> tuple[Target, ...]:
    """Percentile criteria of the plan, in its order; rules of another form are no targets."""
    return tuple(target for c in (plan.criteria if plan else ()) for target in _targets(c))


def _targets(criterion: Criterion) -> Iterator[Target]:
    for rule in rules_in(criterion.rule):
        if rule.quantile is not None and 0 < rule.quantile < 1 and not rule.relative:
            yield _target(criterion, rule)


def _target(criterion: Criterion, rule: Rule) -> Target:
    assert rule.quantile is not None
    return Target(
        criterion=criterion.id,
        metric=rule.subject,
        function=rule.function,
        operator=rule.operator,
        limit=rule.limit,
        quantile=rule.quantile,
    )

"""Targets of metrics as the plan's criteria state them; for display, nothing is judged here."""

from __future__ import annotations

from data.records.plan import Criterion, Plan
from data.records.record import Record
from data.report.probes import MetricRow
from data.rules.grammar import Rule, parse_rule
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
    found = (_target(criterion) for criterion in (plan.criteria if plan else ()))
    return tuple(target for target in found if target is not None)


def _target(criterion: Criterion) -> Target | None:
    rule = _rule(criterion.rule)
    if rule is None or rule.quantile is None or not 0 < rule.quantile < 1:
        return None
    return Target(
        criterion=criterion.id,
        metric=rule.subject,
        function=rule.function,
        operator=rule.operator,
        limit=rule.limit,
        quantile=rule.quantile,
    )


def _rule(text: str) -> Rule | None:
    try:
        return parse_rule(text)
    except ValueError:
        return None

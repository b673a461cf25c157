"""A probe under load: its samples, and what it came to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from data.records.facts import Sample
from data.records.load import LoadTerms
from data.records.load_figures import LoadFigures
from data.records.load_order import LoadEnd
from data.records.orders import ProbeOrder
from data.records.trace import Span
from data.rules.journey.summary import Conclusion
from data.rules.load.merge import conclusion, figures
from data.rules.metrics import main_metric
from tasks.probes.load.crew import Progress, carry

_PER_ATTEMPT = 1_000_000


async def run_load(
    order: ProbeOrder,
    terms: LoadTerms,
    emit: Callable[[Sample], None],
    hear: Progress | None = None,
) -> tuple[Conclusion, LoadFigures, tuple[Span, ...]]:
    """Carry the load, emit its raw samples, conclude; last the course of one execution.

    Raises:
        UsageError: the plan asks for what cannot be done.
    """
    began_at = datetime.now(UTC)
    ends = await carry(order, terms, hear)
    probe = order.probe
    told = figures(terms, ends, main_metric(probe))
    if not told.invalid:  # times of a generator that was too slow are not the target's
        for sample in _samples(order, ends, began_at):
            emit(sample)
    traces = sorted((end.trace for end in ends if end.trace), key=lambda trace: trace[-1].ok)
    return conclusion(probe.kind, terms, told, ends), told, traces[0] if traces else ()


def _samples(order: ProbeOrder, ends: Sequence[LoadEnd], began_at: datetime) -> list[Sample]:
    ordinals: Counter[str] = Counter()
    found = []
    for kept in sorted((s for end in ends for s in end.samples), key=lambda s: (s.metric, s.at_s)):
        ordinal = (order.attempt - 1) * _PER_ATTEMPT + ordinals[kept.metric]
        ordinals[kept.metric] += 1
        found.append(
            Sample(
                run_id=order.run_id,
                phase=order.phase,
                probe=order.probe.id,
                metric=kept.metric,
                ordinal=ordinal,
                value=kept.value_ms,
                ok=kept.ok,
                at=began_at + timedelta(seconds=kept.at_s),
            )
        )
    return found

"""The processes that share one suite, and what each of them still has to bring."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from data.records.evidence import SuitePace
from data.records.facts import Collected
from data.records.orders import SuiteOrder
from data.records.plan import Phase, Suite
from data.rules.schedule import Job, enough_shards, shards
from flows.session import Session

Paces = dict[str, SuitePace]


def shard_orders(
    session: Session, phase: Phase, suite: Suite, paces: Paces, workers: int
) -> tuple[SuiteOrder, ...]:
    """The first attempt of one suite; several orders where the plan splits it.

    A suite whose tests nobody knows yet is not split: its first run tells them.
    """
    order = session.wired.suite_order(phase, suite)
    pace = paces.get(f"{phase.id}/{suite.id}")
    shares = shards(pace.tests_s, _n_shards(phase, suite, paces, workers)) if pace else ()
    if len(shares) < 2:
        return (order,)
    others = tuple(test for share in shares[1:] for test in share)
    first = order.model_copy(update={"n_shards": len(shares), "others": others})
    rest = (
        order.model_copy(update={"shard": i, "n_shards": len(shares), "given": share})
        for i, share in enumerate(shares[1:], 2)
    )
    return (first, *rest)


def _n_shards(phase: Phase, suite: Suite, paces: Paces, workers: int) -> int:
    if suite.shards != "auto":
        return suite.shards
    pace = paces[f"{phase.id}/{suite.id}"]
    known = [paces[key] for s in phase.suites if (key := f"{phase.id}/{s.id}") in paces]
    total_s = sum(one.duration_s for one in known)
    return enough_shards(pace.work_s, pace.start_s, total_s, workers)


def jobs_of(phase: Phase, orders: Iterable[SuiteOrder], paces: Paces) -> Iterator[Job]:
    """How long each order is likely to take, for the order in which they start."""
    for order in orders:
        pace = paces.get(f"{phase.id}/{order.suite.id}")
        yield Job(name_of(order), _duration_s(order, pace), order.suite.resource_group)


def _duration_s(order: SuiteOrder, pace: SuitePace | None) -> float | None:
    if pace is None:
        return None
    if order.n_shards == 1:
        return pace.duration_s
    mine = [pace.tests_s[t] or 0.0 for t in share_of(order, pace.tests_s)]
    return pace.start_s + sum(mine)


def name_of(order: SuiteOrder) -> str:
    """`suite`, or `suite shard 2 of 3`."""
    tail = f" shard {order.shard} of {order.n_shards}" if order.n_shards > 1 else ""
    return f"{order.suite.id}{tail}"


def share_of(order: SuiteOrder, manifest: Iterable[str]) -> tuple[str, ...]:
    """The tests of a manifest that are this order's: what was given, or what nobody else has."""
    given, others = set(order.given), set(order.others)
    return tuple(t for t in manifest if (t in given if given else t not in others))


def united(known: Collected | None, one: Collected) -> Collected:
    """Shards of one suite each write the suite's manifest: together they hold every test."""
    if known is None:
        return one
    test_ids = tuple(dict.fromkeys((*known.test_ids, *one.test_ids)))
    apart = dict.fromkeys((*known.deselected, *one.deselected))
    deselected = tuple(test for test in apart if test not in set(test_ids))
    return one.model_copy(update={"test_ids": test_ids, "deselected": deselected})

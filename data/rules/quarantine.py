"""Which quarantines have force on a day, and which tests they cover."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from data.records.plan import Phase, Plan
from data.records.quarantine import Quarantine
from data.records.words import Priority
from data.rules.outcomes import TestKey


def is_named(name: str, test_id: str) -> bool:
    """Whether a plan's name means the test: its whole id, or its end after `::` or `/`."""
    return test_id == name or test_id.endswith((f"::{name}", f"/{name}"))


def expired(entry: Quarantine, now: datetime) -> bool:
    """Whether its last day, in UTC, lies before `now`."""
    return now.astimezone(UTC).date() > entry.until


def in_force(plan: Plan, now: datetime) -> tuple[Quarantine, ...]:
    """Quarantines that have not expired and whose suite stands in a P2 or P3 phase.

    `goldenpath check` refuses others; a plan that nobody checked gains nothing by them.
    """
    may = {s.id for phase in plan.phases if phase.priority is not Priority.P1 for s in phase.suites}
    barred = {s.id for phase in plan.phases if phase.priority is Priority.P1 for s in phase.suites}
    return tuple(q for q in plan.quarantine if q.suite in may - barred and not expired(q, now))


def covered(
    entries: Iterable[Quarantine], tests: Iterable[TestKey]
) -> Iterator[tuple[TestKey, Quarantine]]:
    """Each (phase, suite, test id) that an entry names, with the first entry that does."""
    entries = tuple(entries)
    for key in tests:
        _, suite, test_id = key
        mine = (q for q in entries if q.suite == suite and is_named(q.test, test_id))
        if (entry := next(mine, None)) is not None:
            yield key, entry


def ever_covered(entries: Iterable[Quarantine], phase: Phase, suite: str, test_id: str) -> bool:
    """Whether any quarantine, of whatever day, names the test outside of P1."""
    return phase.priority is not Priority.P1 and any(covered(entries, [(phase.id, suite, test_id)]))

"""Quarantines name a suite of the plan, never one of P1, and each test once."""

from __future__ import annotations

from collections.abc import Iterator

from data.records.plan import Plan
from data.records.words import Priority

Found = tuple[tuple[str | int, ...], str, str]


def quarantine_faults(plan: Plan) -> Iterator[Found]:
    """(place, fault, hint) of each quarantine that could never have force."""
    priorities = {s.id: phase.priority for phase in plan.phases for s in phase.suites}
    known = ", ".join(sorted(priorities)) or "none"
    seen: set[tuple[str, str]] = set()
    for index, entry in enumerate(plan.quarantine):
        place = ("quarantine", index)
        if entry.suite not in priorities:
            yield (*place, "suite"), f"unknown suite {entry.suite!r}", f"the plan has: {known}"
        elif priorities[entry.suite] is Priority.P1:
            text = f"suite {entry.suite!r} is P1, and a quarantine never covers P1"
            hint = f"repair {entry.test!r}, or move it into a suite of a P2 or P3 phase"
            yield (*place, "suite"), text, hint
        if (entry.suite, entry.test) in seen:
            text = f"{entry.test!r} of {entry.suite!r} is in quarantine already"
            yield (*place, "test"), text, "leave one of the two out"
        seen.add((entry.suite, entry.test))

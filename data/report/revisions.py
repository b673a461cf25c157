"""Which revision was expected of each service, and which answered before and after."""

from __future__ import annotations

from data.records.evidence import Evidence
from data.records.facts import RevisionReading
from data.records.plan import Plan
from data.records.record import Record

START = "start"


class RevisionRow(Record):
    """`before` is stage start, `after` the last later stage; None when nothing was read there."""

    expected: str | None
    before: str | None
    after: str | None

    @property
    def steady(self) -> bool:
        """Whether the expected revision, and it alone, answered at both ends."""
        return self.before == self.after == self.expected


def revision_rows(evidence: Evidence, plan: Plan | None) -> dict[str, RevisionRow]:
    """Service -> row, in the plan's order, then services that only the evidence knows."""
    deployed = evidence.deploy.revisions if evidence.deploy else {}
    services = (
        *(plan.services if plan else ()),
        *deployed,
        *(r.service for r in evidence.revisions),
    )
    return {name: _row(name, evidence, plan) for name in dict.fromkeys(services)}


def _row(service: str, evidence: Evidence, plan: Plan | None) -> RevisionRow:
    readings = [r for r in evidence.revisions if r.service == service]
    return RevisionRow(
        expected=_expected(service, readings, evidence, plan),
        before=_seen([r for r in readings if r.stage == START]),
        after=_seen([r for r in readings if r.stage != START]),
    )


def _expected(
    service: str, readings: list[RevisionReading], evidence: Evidence, plan: Plan | None
) -> str | None:
    read = next((r.expected for r in reversed(readings) if r.expected), None)
    deployed = evidence.deploy.revisions.get(service) if evidence.deploy else None
    fixed = plan.services[service].expect_revision if plan and service in plan.services else None
    return read or deployed or fixed


def _seen(readings: list[RevisionReading]) -> str | None:
    last = max(readings, key=lambda r: r.at, default=None)
    return (", ".join(last.seen) or None) if last else None

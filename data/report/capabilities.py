"""What users can do, and what speaks for and against it in this run."""

from __future__ import annotations

from collections.abc import Iterable

from data.records.plan import Plan
from data.records.record import Record
from data.records.verdict import Verdict
from data.records.words import Grade, Mark, Outcome
from data.report.probes import ProbeRow
from data.report.suites import SuiteRow

_CONTACT = (Grade.PROVEN, Grade.WITNESSED)
_SATISFIED = (Mark.PASS, Mark.FLAKY)


class Check(Record):
    """One thing that the plan lets prove capabilities.

    Attributes:
        mark: its criterion's mark in the verdict; NOT_EVALUATED when nobody judged it.
        proof: whether something in it touched the target and passed.
    """

    name: str
    proves: tuple[str, ...]
    mark: Mark
    proof: bool = False
    said: str = ""

    @property
    def good(self) -> bool:
        return self.mark in _SATISFIED

    def __str__(self) -> str:
        return f"{self.name}: {self.mark}{', ' if self.said else ''}{self.said}"


class CapabilityRow(Record):
    """Proven (as the judge says it): all its checks are satisfied and one of them had contact."""

    id: str
    title: str
    share: float | None
    checks: tuple[Check, ...] = ()

    @property
    def proven(self) -> bool:
        return all(c.good for c in self.checks) and any(c.proof for c in self.checks)

    @property
    def by(self) -> tuple[str, ...]:
        """What speaks for it."""
        return tuple(str(c) for c in self.checks if c.good)

    @property
    def against(self) -> tuple[str, ...]:
        """What speaks against it, also that there is nothing that could prove it."""
        bad = tuple(str(c) for c in self.checks if not c.good)
        if bad or self.proven:
            return bad
        return ("no pass with contact",) if self.checks else ("nothing in the plan proves it",)


def capability_rows(
    plan: Plan | None,
    suites: Iterable[SuiteRow],
    probes: Iterable[ProbeRow],
    verdict: Verdict | None,
) -> tuple[CapabilityRow, ...]:
    """One row a capability of the plan; nothing without a plan."""
    if plan is None:
        return ()
    checks = _checks(plan, (*suites, *probes), verdict)
    return tuple(
        CapabilityRow(
            id=name,
            title=one.title,
            share=one.share,
            checks=tuple(check for check in checks if name in check.proves),
        )
        for name, one in plan.capabilities.items()
    )


def _checks(
    plan: Plan, rows: Iterable[SuiteRow | ProbeRow], verdict: Verdict | None
) -> list[Check]:
    marks = {c.id: c.outcome for c in verdict.criteria} if verdict else {}
    by_key = {(row.phase, row.id): row for row in rows}
    checks: list[Check] = []
    for phase in plan.phases:
        for part in (*phase.suites, *phase.probes):
            name = f"{phase.priority.lower()}/{phase.id}/{part.id}"
            proof, said = _contact(by_key[phase.id, part.id])
            mark = marks.get(name, Mark.NOT_EVALUATED)
            checks.append(Check(name=name, proves=part.proves, mark=mark, proof=proof, said=said))
    declared = ((c, marks.get(c.id, Mark.NOT_EVALUATED)) for c in plan.criteria if not c.dry_run)
    return [*checks, *(Check(name=c.id, proves=c.proves, mark=mark) for c, mark in declared)]


def _contact(row: SuiteRow | ProbeRow) -> tuple[bool, str]:
    if isinstance(row, ProbeRow):
        good = row.outcome in (Outcome.PASS, Outcome.FLAKY) and row.n > 0
        return good, f"{row.n - row.n_failed} of {row.n} passed"
    touched = sum(row.grades.get(grade, 0) for grade in _CONTACT)
    total = max(row.n_final, row.expected or 0)
    return touched > 0, f"{touched} of {total} passed with contact"

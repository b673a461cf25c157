"""Everything that the renderings of one run share, computed once from its records."""

from __future__ import annotations

from functools import cached_property

from data.records.evidence import Evidence, RunView
from data.records.facts import HealthReading
from data.records.plan import Plan
from data.records.record import Record
from data.records.verdict import Coverage, CriterionResult
from data.records.words import Mark, Outcome
from data.report.capabilities import CapabilityRow, capability_rows
from data.report.probes import MetricRow, ProbeRow, metric_rows, probe_rows
from data.report.revisions import RevisionRow, revision_rows
from data.report.suites import SuiteRow, finals_of, suite_rows
from data.report.targets import Target, targets_of
from data.rules.outcomes import FinalTest, TestKey


class ServiceRow(Record):
    """One service: its revisions and each reading of its health."""

    service: str
    revision: RevisionRow
    health: tuple[HealthReading, ...]


class Sheet:
    """Rows of one run. Absent parts (plan, verdict, deploy, tests, samples) give empty rows."""

    def __init__(self, view: RunView) -> None:
        self.view = view
        self.plan = plan_of(view)

    @property
    def evidence(self) -> Evidence:
        return self.view.evidence

    @cached_property
    def finals(self) -> dict[TestKey, FinalTest]:
        return finals_of(self.evidence, self.view.history, self.plan)

    @cached_property
    def suites(self) -> tuple[SuiteRow, ...]:
        return suite_rows(self.evidence, self.plan, self.finals)

    @cached_property
    def probes(self) -> tuple[ProbeRow, ...]:
        return probe_rows(self.evidence, self.plan)

    @cached_property
    def metrics(self) -> tuple[MetricRow, ...]:
        """One row a metric, pooled over probes as criteria read them."""
        return metric_rows(self.evidence.samples)

    @cached_property
    def targets(self) -> tuple[Target, ...]:
        return targets_of(self.plan)

    @cached_property
    def revisions(self) -> dict[str, RevisionRow]:
        return revision_rows(self.evidence, self.plan)

    @cached_property
    def capabilities(self) -> tuple[CapabilityRow, ...]:
        return capability_rows(self.plan, self.suites, self.probes, self.view.verdict)

    @property
    def coverage(self) -> Coverage:
        """As judged; before that, counted over suites and probes."""
        return self.view.verdict.coverage if self.view.verdict else self._counted()

    @property
    def unmet(self) -> tuple[CriterionResult, ...]:
        criteria = self.view.verdict.criteria if self.view.verdict else ()
        return tuple(c for c in criteria if c.outcome is not Mark.PASS)

    @property
    def ranked_criteria(self) -> tuple[CriterionResult, ...]:
        """What is not satisfied first, by priority; the rest in the judge's order."""
        criteria = self.view.verdict.criteria if self.view.verdict else ()
        return tuple(sorted(criteria, key=lambda c: (c.outcome is Mark.PASS, c.priority)))

    @property
    def services(self) -> tuple[ServiceRow, ...]:
        """Every service of which a revision or a health reading is known or planned."""
        health, nothing = self.evidence.health, RevisionRow(expected=None, before=None, after=None)
        names = dict.fromkeys((*self.revisions, *(h.service for h in health)))
        return tuple(
            ServiceRow(
                service=name,
                revision=self.revisions.get(name, nothing),
                health=tuple(h for h in health if h.service == name),
            )
            for name in names
        )

    @property
    def revision(self) -> str | None:
        """The revision under judgement: what was deployed, else what was asked for."""
        deployed = self.evidence.deploy.revision if self.evidence.deploy else None
        return deployed or self.evidence.run.revision

    @property
    def duration_s(self) -> float | None:
        """From start to end; None while the run has not ended."""
        if self.evidence.ended is None:
            return None
        return (self.evidence.ended.finished_at - self.evidence.run.started_at).total_seconds()

    def baseline(self, metric: str) -> tuple[float, ...]:
        """Samples of earlier promoted runs, pooled."""
        runs = self.view.history.baseline
        return tuple(value for run in runs for value in run.samples.get(metric, ()))

    def _counted(self) -> Coverage:
        expected = sum(max(s.expected or 0, s.collected, s.n_final) for s in self.suites)
        seen = sum(s.n_final - s.not_run for s in self.suites)
        heard = sum(p.outcome is not Outcome.NOT_RUN for p in self.probes)
        return Coverage(expected=expected + len(self.probes), seen=seen + heard)


def plan_of(view: RunView) -> Plan | None:
    """The plan as judged; None when the run carries none, or one that this version cannot read."""
    if not view.evidence.run.plan_json:
        return None
    try:
        return Plan.model_validate_json(view.evidence.run.plan_json)
    except ValueError:
        return None

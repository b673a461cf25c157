"""One audit as a report shows it."""

from __future__ import annotations

from data.records.facts import DeployResult, RunEnded, RunStarted, SensitivityCell, SuiteAudit
from data.records.record import Record


class AuditView(Record):
    """Everything that a report of one audit shows."""

    run: RunStarted
    ended: RunEnded | None = None
    deploy: DeployResult | None = None
    suites: tuple[SuiteAudit, ...] = ()
    cells: tuple[SensitivityCell, ...] = ()

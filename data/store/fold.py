"""Facts → tables: one row a key, in the order in which each key was first recorded."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from data.records.approval import Decision
from data.records.audit import AuditView
from data.records.evidence import Evidence, History, RunView
from data.records.facts import (
    Collected,
    DeployResult,
    Fact,
    HealthReading,
    PhaseResult,
    ProbeResult,
    RevisionReading,
    RunEnded,
    RunStarted,
    Sample,
    SensitivityCell,
    SuiteAudit,
    SuiteResult,
    TestResult,
)
from data.records.verdict import Acted, Verdict
from data.store.facts import key_of

F = TypeVar("F", bound=Fact)


def fold(facts: Iterable[Fact]) -> tuple[Fact, ...]:
    """One fact a key: the latest, at the place of the first.

    Folding twice, or facts that came twice, changes nothing.
    """
    rows: dict[tuple[object, ...], Fact] = {}
    for fact in facts:
        rows[key_of(fact)] = fact  # a dict keeps the place of the first insertion
    return tuple(rows.values())


def evidence_of(facts: Iterable[Fact]) -> Evidence:
    """The evidence of one run.

    Args:
        facts: of one run, in the order of recording, repeated or not.

    Raises:
        ValueError: no `RunStarted` among them.
    """
    rows = fold(facts)
    return Evidence(
        run=_started(rows),
        ended=_only(rows, RunEnded),
        deploy=_only(rows, DeployResult),
        health=_every(rows, HealthReading),
        revisions=_every(rows, RevisionReading),
        phases=_every(rows, PhaseResult),
        collected=_every(rows, Collected),
        suites=_every(rows, SuiteResult),
        tests=_every(rows, TestResult),
        probes=_every(rows, ProbeResult),
        samples=_every(rows, Sample),
    )


def run_view_of(facts: Iterable[Fact], history: History | None = None) -> RunView:
    """Everything that a report shows of one run.

    Args:
        facts: of one run, in the order of recording, repeated or not.
        history: what earlier runs say; None = nothing is known of them.

    Raises:
        ValueError: no `RunStarted` among them.
    """
    rows = fold(facts)
    return RunView(
        evidence=evidence_of(rows),
        verdict=_only(rows, Verdict),
        decision=_only(rows, Decision),
        acted=_every(rows, Acted),
        history=history or History(),
    )


def audit_view_of(facts: Iterable[Fact]) -> AuditView:
    """Everything that a report of one audit shows.

    Raises:
        ValueError: no `RunStarted` among them.
    """
    rows = fold(facts)
    return AuditView(
        run=_started(rows),
        ended=_only(rows, RunEnded),
        deploy=_only(rows, DeployResult),
        suites=_every(rows, SuiteAudit),
        cells=_every(rows, SensitivityCell),
    )


def _every(rows: Iterable[Fact], kind: type[F]) -> tuple[F, ...]:
    return tuple(row for row in rows if isinstance(row, kind))


def _only(rows: Iterable[Fact], kind: type[F]) -> F | None:
    return next((row for row in rows if isinstance(row, kind)), None)


def _started(rows: Iterable[Fact]) -> RunStarted:
    started = _only(rows, RunStarted)
    if started is None:
        raise ValueError("no RunStarted among the facts: the run was killed before it began")
    return started

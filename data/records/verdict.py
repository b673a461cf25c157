"""The verdict and its parts: facts as well, written after judging."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from data.records.facts import Fact
from data.records.record import AwareUtc, Record
from data.records.words import Mark, Priority, VerdictWord


class CriterionResult(Record):
    """A criterion with the sentence of numbers that decided it."""

    id: str
    priority: Priority
    outcome: Mark
    sentence: str
    evidence: tuple[str, ...] = Field((), description="ids such as p1/checkout/test_pay")


class Incident(Record):
    """A group of failures with one signature."""

    signature: str
    priority: Priority
    symptom: str
    impact: str = ""
    likely_cause: str = ""
    action: str = ""
    n: int
    evidence: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()
    seen_on_rollback_target: bool = False
    first_seen_deployment: str | None = None


class Action(Record):
    """What to do next, most urgent first."""

    priority: Priority
    text: str


class Coverage(Record):
    """Expected and seen pieces of evidence (tests and probes)."""

    expected: int
    seen: int


class RevenueAtRisk(Record):
    """Money of the capabilities that are not proven, never more than the whole."""

    amount: float
    currency: str
    per: str


class Verdict(Fact):
    """What to do and why. `input_hash` is the same for the same rows, plan and history."""

    KIND: ClassVar[str] = "verdict"
    KEY: ClassVar[tuple[str, ...]] = ("run_id",)

    verdict: VerdictWord
    rule: str
    reasons: tuple[str, ...]
    coverage: Coverage
    not_seen: tuple[str, ...] = ()
    counterfactual: str = ""
    criteria: tuple[CriterionResult, ...] = ()
    revenue_at_risk: RevenueAtRisk | None = None
    revenue_note: str = ""
    incidents: tuple[Incident, ...] = ()
    actions: tuple[Action, ...] = ()
    notes: tuple[str, ...] = Field((), description="said in the report, decides nothing")
    rollback_refusals: tuple[str, ...] = ()
    input_hash: str = ""
    at: AwareUtc


class Acted(Fact):
    """An action that the gate carried out after the verdict, such as a rollback."""

    KIND: ClassVar[str] = "acted"
    KEY: ClassVar[tuple[str, ...]] = ("run_id", "action")

    action: str
    outcome: str
    message: str = ""
    at: AwareUtc

"""Evidence of one run and what history knows: the judge's whole input."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator

from data.records.approval import Decision
from data.records.facts import (
    Collected,
    DeployResult,
    HealthReading,
    PhaseResult,
    ProbeResult,
    RevisionReading,
    RunEnded,
    RunStarted,
    Sample,
    SensitivityCell,
    SuiteResult,
    TestResult,
)
from data.records.record import Record
from data.records.verdict import Acted, Verdict


class Evidence(Record):
    """All facts of one run, in the order in which they were recorded."""

    run: RunStarted
    ended: RunEnded | None = None
    deploy: DeployResult | None = None
    health: tuple[HealthReading, ...] = ()
    revisions: tuple[RevisionReading, ...] = ()
    phases: tuple[PhaseResult, ...] = ()
    collected: tuple[Collected, ...] = ()
    suites: tuple[SuiteResult, ...] = ()
    tests: tuple[TestResult, ...] = ()
    probes: tuple[ProbeResult, ...] = ()
    samples: tuple[Sample, ...] = ()


def _counts(value: tuple[int, int]) -> tuple[int, int]:
    failed, begun = value
    if not 0 <= failed <= begun:
        raise ValueError(f"expected [failed, begun] with 0 <= failed <= begun, got {value}")
    return value


Counts = Annotated[tuple[int, int], AfterValidator(_counts)]


class BaselineRun(Record):
    """One earlier promoted run.

    Attributes:
        at: when it began.
        samples: metric -> raw samples of what went well, in ms.
        failed: metric -> (how many failed, of how many that were begun).
    """

    run_id: str
    revision: str | None
    at: datetime | None = None
    samples: dict[str, tuple[float, ...]] = {}
    failed: dict[str, Counts] = {}


class KnownGood(Record):
    """The revision that a rollback would restore, and what failed on it when it was judged."""

    run_id: str
    revision: str
    signatures: tuple[str, ...] = ()
    healthy_now: bool | None = None  # None: nobody could look


class History(Record):
    """What earlier runs of the same plan and environment say. Empty on a first deployment.

    Attributes:
        readable: False when the warehouse could not be read; then nothing is known, not "nothing
            was there".
        anchor: promoted runs older than the baseline, against slow drift.
        reference: the run that the plan names as frozen reference, if there is such an earlier one.
        first_seen, last_seen: signature -> the first and the newest earlier deployment with it.
        tests: "phase/suite" -> test ids of the last promoted run.
        sensitivity: cells of the latest audit of this plan.
    """

    readable: bool = True
    baseline: tuple[BaselineRun, ...] = ()
    anchor: tuple[BaselineRun, ...] = ()
    reference: BaselineRun | None = None
    known_good: KnownGood | None = None
    first_seen: dict[str, str] = {}
    last_seen: dict[str, str] = {}
    tests: dict[str, tuple[str, ...]] = {}
    sensitivity: tuple[SensitivityCell, ...] = ()


class SuitePace(Record):
    """How long one suite took in earlier runs: medians, in seconds.

    Attributes:
        work_s: all its tests together; start_s: what each process of it cost beside them.
        tests_s: test id -> seconds, of the tests that its last run collected, in that order; None
            where a test never ended.
    """

    work_s: float
    start_s: float = 0.0
    tests_s: dict[str, float | None] = {}

    @property
    def duration_s(self) -> float:
        """One process that runs them all."""
        return self.start_s + self.work_s


class RunView(Record):
    """Everything that a report of one run shows."""

    evidence: Evidence
    verdict: Verdict | None = None
    decision: Decision | None = None
    acted: tuple[Acted, ...] = ()
    history: History = History()

"""Facts: what a run saw. Each is one line of the spool and one row of the warehouse.

Producers (tasks) yield them, the recorder writes them, the judge reads them. Every fact names its
run; `KEY` names the fields that make it one row: a later fact with the same key replaces the
earlier one, so writing a fact twice changes nothing.
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from data.records.load_figures import LoadFigures
from data.records.record import AwareUtc, Record
from data.records.trace import Span
from data.records.words import HealthState, Outcome


class Fact(Record):
    """One thing that a run saw. `KIND` is its word in the spool and its table."""

    KIND: ClassVar[str]
    KEY: ClassVar[tuple[str, ...]]

    run_id: str


class RunStarted(Fact):
    """A validation began. One a run."""

    KIND: ClassVar[str] = "run"
    KEY: ClassVar[tuple[str, ...]] = ("run_id",)

    plan: str
    plan_path: str = ""
    plan_hash: str = ""
    plan_json: str = Field("", description="the plan as judged, JSON, without secrets")
    environment: str
    deployment_id: str
    revision: str | None = Field(None, description="the revision asked for, if one was")
    is_rollback: bool = Field(
        False,
        description="the deployment goes back to what served earlier; known when it is judged",
    )
    irreversible_migration: bool = False
    gate_version: str = ""
    purpose: str = Field("validation", description="validation, audit or import")
    started_at: AwareUtc


class RunEnded(Fact):
    """Evidence is complete as far as it goes: no producer will add to this run."""

    KIND: ClassVar[str] = "run_end"
    KEY: ClassVar[tuple[str, ...]] = ("run_id",)

    finished_at: AwareUtc
    reason: str = Field("", description="why it ended early, empty when everything was tried")
    superseded_by: str | None = Field(None, description="newer deployment that ended it")


class DeployResult(Fact):
    """What the deployer did. `revisions` maps service to the revision that ought to serve now."""

    KIND: ClassVar[str] = "deploy"
    KEY: ClassVar[tuple[str, ...]] = ("run_id",)

    deployer: str
    outcome: Outcome
    revision: str | None = None
    revisions: dict[str, str] = Field(default_factory=dict)
    previous: str | None = Field(None, description="revision that was live before")
    attempts: int = 1
    duration_s: float = 0.0
    message: str = ""
    log_tail: str = ""
    at: AwareUtc


class Dependency(Record):
    """One dependency as a service's health body names it."""

    name: str
    state: HealthState
    latency_ms: float | None = None
    error: str = ""
    owned: bool = Field(True, description="whether the plan says that this service owns it")


class HealthReading(Fact):
    """One service's health at one stage: `before` the deploy, `gate` after it, `end` of the run."""

    KIND: ClassVar[str] = "health"
    KEY: ClassVar[tuple[str, ...]] = ("run_id", "stage", "service")

    stage: str
    service: str
    state: HealthState
    status_code: int | None = None
    latency_ms: float | None = None
    n_reads: int = 0
    ready_after_s: float | None = None
    message: str = ""
    dependencies: tuple[Dependency, ...] = ()
    at: AwareUtc


class RevisionReading(Fact):
    """Which revisions answered for one service at one stage (`start`, `after:<phase>`, `end`)."""

    KIND: ClassVar[str] = "revision"
    KEY: ClassVar[tuple[str, ...]] = ("run_id", "stage", "service")

    stage: str
    service: str
    expected: str | None = None
    seen: tuple[str, ...] = ()
    n_reads: int = 0
    error: str = ""
    at: AwareUtc


class PhaseResult(Fact):
    """A phase ended, or was not started (`started_at` is then None and `reason` says why)."""

    KIND: ClassVar[str] = "phase"
    KEY: ClassVar[tuple[str, ...]] = ("run_id", "phase")

    phase: str
    ordinal: int
    priority: str
    started_at: AwareUtc | None = None
    finished_at: AwareUtc | None = None
    reason: str = ""


class Collected(Fact):
    """The manifest of one suite, written before its first test runs."""

    KIND: ClassVar[str] = "collected"
    KEY: ClassVar[tuple[str, ...]] = ("run_id", "phase", "suite")

    phase: str
    suite: str
    test_ids: tuple[str, ...]
    deselected: tuple[str, ...] = ()
    at: AwareUtc


class TestResult(Fact):
    """One attempt of one test. A test that did not end has outcome NOT_RUN.

    `witnessed` is None where nothing could look (no plugin in the runner), else whether the test
    itself touched a target: a new connection, or bytes moved on a connection already open.
    """

    __test__: ClassVar[bool] = False  # not a pytest class
    KIND: ClassVar[str] = "test"
    KEY: ClassVar[tuple[str, ...]] = ("run_id", "phase", "suite", "test_id", "attempt")

    phase: str
    suite: str
    test_id: str
    attempt: int = 1
    outcome: Outcome
    duration_ms: float | None = None
    witnessed: bool | None = None
    n_connections: int = 0
    sent_bytes: int = 0
    received_bytes: int = 0
    findings: tuple[str, ...] = ()
    message: str = Field("", description="one line: exception type and text, or the skip reason")
    detail: str = ""
    signature: str = ""
    stage: str = Field("call", description="collect, setup, call or teardown: where it ended")
    at: AwareUtc


class SuiteResult(Fact):
    """One attempt of one suite's command as a process. Counts are computed from its tests.

    A suite that was split has one such result a shard and attempt: shards are no retries.
    """

    KIND: ClassVar[str] = "suite"
    KEY: ClassVar[tuple[str, ...]] = ("run_id", "phase", "suite", "attempt", "shard")

    phase: str
    suite: str
    attempt: int = 1
    shard: int = Field(1, description="which of the processes that shared the attempt, from 1")
    n_shards: int = Field(1, description="how many processes shared the attempt")
    command: tuple[str, ...]
    exit_code: int | None = Field(None, description="None when the suite had to be killed")
    timed_out: bool = False
    broken: str = Field(
        "", description="why the suite itself is broken: import error, no such file"
    )
    stdout_path: str = ""
    stderr_path: str = ""
    output_tail: str = ""
    duration_s: float
    started_at: AwareUtc


class Failure(Record):
    """Why one journey or check inside a probe failed."""

    ordinal: int
    step: str
    signature: str
    message: str


class ProbeResult(Fact):
    """One attempt of one probe: `n` checks or journeys, of which `n_failed` failed.

    FLAKY: some failed and the retry of just those, under the same concurrency, passed.
    """

    KIND: ClassVar[str] = "probe"
    KEY: ClassVar[tuple[str, ...]] = ("run_id", "phase", "probe", "attempt")

    phase: str
    probe: str
    kind: str
    attempt: int = 1
    outcome: Outcome
    n: int
    n_failed: int = 0
    message: str = ""
    failures: tuple[Failure, ...] = Field((), description="at most 20 of them")
    load: LoadFigures | None = Field(None, description="what a probe under load came to")
    trace: tuple[Span, ...] = Field(
        (), description="the course of one execution: the first that failed, else the first"
    )
    duration_s: float
    started_at: AwareUtc


class Sample(Fact):
    """One measurement. Latencies are in ms; `ok` is False for one that ended in failure."""

    KIND: ClassVar[str] = "sample"
    KEY: ClassVar[tuple[str, ...]] = ("run_id", "probe", "metric", "ordinal")

    phase: str
    probe: str
    metric: str
    ordinal: int
    value: float
    unit: str = "ms"
    ok: bool = True
    at: AwareUtc


class SensitivityCell(Fact):
    """Whether one test, or one probe (`test_id` ""), turned red against one negative control."""

    KIND: ClassVar[str] = "sensitivity"
    KEY: ClassVar[tuple[str, ...]] = ("run_id", "suite", "test_id", "fault")

    phase: str = ""
    suite: str
    test_id: str
    fault: str = Field(description="id of the control")
    turned_red: bool
    outage: bool = Field(False, description="nothing works under it: green is a weakness")
    outcome: str = Field("", description="of the test under the control; empty: it never ended")
    at: AwareUtc


class SuiteAudit(Fact):
    """What an audit could do with one suite or probe."""

    KIND: ClassVar[str] = "suite_audit"
    KEY: ClassVar[tuple[str, ...]] = ("run_id", "phase", "suite")

    phase: str
    suite: str
    audited: bool
    reason: str = Field("", description="why it could not be audited: then it is unknown")
    n_tests: int = 0
    controls: tuple[str, ...] = Field((), description="ids of those that it was tried against")
    red_before: tuple[str, ...] = Field((), description="red on the sound target: not audited")
    unmoved: tuple[str, ...] = Field((), description="touched no control: unknown")
    duration_s: float = 0.0
    at: AwareUtc

"""The plan: what we promise, as frozen records.

A plan is read by `data.rules.planning` from YAML; everything here is closed (unknown keys are
faults) and says nothing about any particular product.
"""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from data.records.approval import Approval
from data.records.cause import Cause
from data.records.cloud_run import DeployCloudRun
from data.records.control import Control
from data.records.criterion import Criterion
from data.records.field_rule import Identifier
from data.records.issues import Issues
from data.records.load import LoadLimits
from data.records.money import Revenue
from data.records.notify import Notify
from data.records.probe_plan import ProbePlan
from data.records.quarantine import Quarantine
from data.records.record import Record
from data.records.results import ResultFormat
from data.records.retries import Retries
from data.records.units import Seconds, Share, seconds
from data.records.watch import Watch
from data.records.words import Priority

Shards = Annotated[int, Field(ge=1, le=64)] | Literal["auto"]


class Capability(Record):
    """What users can do, and the share of revenue that rests on it.

    `within` names a capability that contains this one, so that the two are never summed.
    """

    title: str = ""
    share: Share | None = None
    within: str | None = None
    sensitive_to: tuple[str, ...] = Field(
        (), description="negative controls that a pass proving this must turn red under"
    )


class DependencyRules(Record):
    """Where a health body lists its dependencies, and which of them the service owns."""

    path: str = Field(description="dotted path of the map name -> state in the body")
    status: str = Field("status", description="key of the state inside one entry")
    latency: str = Field("response_time_ms", description="key of the latency in ms")
    owned: tuple[str, ...] | None = Field(None, description="None: all that are listed")


class HealthCheck(Record):
    """One endpoint whose *body* says how the service is; an HTTP 200 alone says nothing."""

    path: str = "/health"
    status: str | None = Field("status", description="dotted path of the state; null: HTTP only")
    healthy: tuple[str, ...] = ("healthy", "ok", "up", "pass", "true", "connected")
    degraded: tuple[str, ...] = ("degraded", "warn", "warning", "partial")
    dependencies: DependencyRules | None = None
    timeout: Seconds = seconds("10s")


class RevisionSource(Record):
    """Where a service says which revision serves: a JSON path in a body, or a header."""

    path: str = "/version"
    json_path: str | None = Field(None, alias="json", description="dotted path in the body")
    header: str | None = None

    @model_validator(mode="after")
    def _one_source(self) -> RevisionSource:
        if (self.json_path is None) == (self.header is None):
            raise ValueError("expected exactly one of json and header")
        return self


def _has_host(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets of no IPv6 address, or a port that is none
        return False


def _http(value: str) -> str:
    if not value.startswith(("http://", "https://")):
        raise ValueError(f"expected an http:// or https:// address, got {value!r}")
    if not _has_host(value):
        raise ValueError(f"expected an address with a host and a port to 65535, got {value!r}")
    return value.rstrip("/")


class Service(Record):
    """One service of the system under test."""

    url: str
    health: tuple[HealthCheck, ...] = (HealthCheck(),)
    revision: RevisionSource | None = None
    expect_revision: str | None = Field(None, description="a fixed revision to expect here")

    @field_validator("health", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return value if isinstance(value, list | tuple) else [value]

    @field_validator("url")
    @classmethod
    def _reachable(cls, url: str) -> str:
        return _http(url)


class HealthGate(Record):
    """When the environment counts as up: `consecutive` good answers of every service."""

    deadline: Seconds = seconds("60s")
    interval: Seconds = seconds("250ms")
    consecutive: int = Field(2, ge=1, le=100)


class DeployNone(Record):
    """Validate what is there."""

    deployer: Literal["none"] = "none"


class DeployCommand(Record):
    """Any argv, without a shell. Its last JSON line on stdout may name the revisions.

    Understood: `{"revision": "x"}`, `{"revisions": {"service": "x"}}`, `{"previous": "y"}`.
    Exit codes in `transient` are tried again; any other non-zero exit is definite.
    """

    deployer: Literal["command"]
    command: tuple[str, ...] = Field(min_length=1)
    rollback: tuple[str, ...] | None = None
    promote: tuple[str, ...] | None = None
    cwd: str = "."
    env: dict[str, str] = {}
    timeout: Seconds = seconds("10m")
    transient: tuple[int, ...] = (75,)  # EX_TEMPFAIL of sysexits.h
    retries: Retries = Retries()


class LocalProcess(Record):
    """One service as a process on this machine, behind a router on its public port."""

    command: tuple[str, ...] = Field(min_length=1)
    cwd: str = "."
    env: dict[str, str] = {}


class DeployLocal(Record):
    """Processes on this machine behind routers, with the previous revision kept for rollback.

    Each process gets `PORT`, `REVISION`, `PREVIOUS_REVISION` and `DATA_DIR`, and one generated
    value for each name in `generate` (kept between deployments, never stored in the warehouse).
    """

    deployer: Literal["local"]
    state: str = Field("var/local", description="folder of logs, sockets and data")
    processes: dict[str, LocalProcess] = Field(min_length=1)
    env: dict[str, str] = {}
    generate: tuple[str, ...] = ()
    start_timeout: Seconds = seconds("20s")
    ttl: Seconds = Field(seconds("30m"), description="idle time after which everything stops")
    revision: str | None = Field(None, description="deployed when the caller names none")
    retries: Retries = Retries()


Deploy = Annotated[
    DeployNone | DeployCommand | DeployLocal | DeployCloudRun, Field(discriminator="deployer")
]


class Expect(Record):
    """Which tests must be there: a minimum count, or the ids themselves."""

    at_least: int = Field(1, ge=1)
    ids: tuple[str, ...] = ()


class Results(Record):
    """Files of results that a runner other than pytest writes. Files from before are ignored."""

    format: ResultFormat = Field(description="what the runner writes")
    path: str = Field(description="a path, or a pattern such as `reports/*.xml`, below the `cwd`")

    @field_validator("path")
    @classmethod
    def _below_the_cwd(cls, path: str) -> str:
        parts = path.replace("\\", "/").split("/")
        if not path.strip() or parts[0] in ("", "~") or ".." in parts:
            raise ValueError(f"expected a path below the suite's cwd, got {path!r}")
        return path


class Suite(Record):
    """An external test command: pytest, one that ends in pytest, or one that writes `results`.

    `resource_group`: suites and probes of one group never run at the same time.
    """

    id: Identifier
    command: tuple[str, ...] = Field(min_length=1)
    cwd: str = "."
    env: dict[str, str] = {}
    expect: Expect = Expect()
    timeout: Seconds = seconds("5m")
    test_timeout: Seconds | None = None
    retries: int = Field(1, ge=0, le=3, description="fresh processes for tests that failed")
    allow_vacuous: int = Field(0, ge=0, description="passes without contact that are tolerated")
    proves: tuple[str, ...] = ()
    targets: tuple[str, ...] = Field((), description="services that count as contact; () = all")
    resource_group: str | None = None
    witness: Literal["auto", "none"] = Field(
        "auto", description="how contact is seen; `none`: nobody looks at a `results` suite"
    )
    results: Results | None = Field(
        None, description="where a runner other than pytest writes its results; absent: pytest"
    )
    shards: Shards = Field(
        1, description="processes that share the suite's tests once their durations are known"
    )

    @field_validator("expect", mode="before")
    @classmethod
    def _count_or_ids(cls, value: object) -> object:
        if isinstance(value, bool):
            return value
        if isinstance(value, int):
            return {"at_least": value}
        return {"at_least": len(value) or 1, "ids": value} if isinstance(value, list) else value


class Phase(Record):
    """Ordered step of a validation; its priority is what a failure in it means."""

    id: Identifier
    title: str = ""
    priority: Priority
    tolerance: int = Field(0, ge=0, description="failed tests tolerated in the phase")
    workers: int | None = Field(None, ge=1, le=64, description="suites at once; None: cores")
    fail_fast: bool = Field(
        False, description="stop the phase's rest once more has definitely failed than tolerated"
    )
    suites: tuple[Suite, ...] = ()
    probes: tuple[ProbePlan, ...] = ()


class Rollback(Record):
    """Whether ROLL_BACK may be said at all, and whether the gate then acts on it."""

    armed: bool = False
    execute: bool = False
    durable: bool = Field(True, description="nothing will re-deploy the bad revision by itself")


class Promotion(Record):
    """What the gate does with a deployment that it approves. Dry run unless `execute`."""

    execute: bool = False
    with_watch: bool = Field(False, description="PROMOTE_WITH_WATCH is promoted, too")
    live: dict[str, str] = Field(
        {}, description="service -> address that users are served at; absent: its `url`"
    )

    @field_validator("live")
    @classmethod
    def _reachable(cls, live: dict[str, str]) -> dict[str, str]:
        return {name: _http(url) for name, url in live.items()}


class Baseline(Record):
    """How many promoted runs this deployment is compared with, and its anchor against drift."""

    runs: int = Field(20, ge=1, le=500)
    anchor: Seconds = Field(
        seconds("90d"), description="promoted runs of so long show a drift in small steps"
    )
    reference: str | None = Field(
        None, description="id of a run to measure drift from, instead of those"
    )


class Audit(Record):
    """What `goldenpath audit` breaks on purpose, and how long its answer holds.

    `controls` empty: every built-in one. `mutations` are the plan's own, beside them.
    """

    controls: tuple[str, ...] = ()
    mutations: tuple[Control, ...] = ()
    max_age: Seconds = Field(seconds("30d"), description="older answers grade nothing any more")
    timeout: Seconds = Field(seconds("60s"), description="one suite under one control")
    test_timeout: Seconds = Field(seconds("5s"), description="the most that one test gets")
    budget: Seconds = Field(seconds("15m"), description="the whole audit; the rest is unknown")
    workers: int | None = Field(None, ge=1, le=64, description="suites at once; None: 2 a core")


class Plan(Record):
    """What we promise about one product in one environment."""

    plan: Identifier
    description: str = ""
    environment: Identifier
    services: dict[str, Service] = Field(min_length=1)
    deploy: Deploy = DeployNone()
    health: HealthGate = HealthGate()
    fence_reads: int = Field(6, ge=1, le=50, description="revision reads a service and stage")
    phases: tuple[Phase, ...] = Field(min_length=1)
    criteria: tuple[Criterion, ...] = ()
    capabilities: dict[str, Capability] = {}
    revenue: Revenue | None = None
    rollback: Rollback = Rollback()
    promotion: Promotion | None = Field(None, description="absent: the gate promotes nothing")
    approval: Approval | None = Field(None, description="absent: no verdict waits for a person")
    watch: Watch | None = Field(None, description="absent: nobody looks again")
    baseline: Baseline = Baseline()
    audit: Audit = Audit()
    load: LoadLimits | None = Field(
        None, description="what probes may ask under load; absent: no load"
    )
    quarantine: tuple[Quarantine, ...] = Field(
        (), description="tests of P2 and P3 whose failures do not hold until a day"
    )
    causes: tuple[Cause, ...] = Field(
        (), description="likely causes of failures that this team knows"
    )
    notify: tuple[Notify, ...] = Field((), description="whom the gate tells of its verdicts")
    issues: Issues | None = Field(None, description="issues about incidents; absent: none")
    irreversible_migration: bool = False
    budget: Seconds = Field(seconds("60m"), description="the whole run; the rest is NOT_RUN")

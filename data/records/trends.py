"""Trends: what the warehouse knows of the deployments of one plan in one environment."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from data.records.record import AwareUtc, Record

# One letter a test and deployment, so that a thousand deployments of a test are a short string.
CODES = {
    "PASS": "P",
    "VACUOUS": "V",
    "FLAKY": "L",
    "FAIL": "F",
    "ERROR": "E",
    "NOT_RUN": "N",
    "SKIPPED": "S",
}
ABSENT = "."


class TrendPoint(Record):
    """One deployment with its last run."""

    deployment_id: str
    revision: str = ""
    run_id: str
    started_at: AwareUtc
    verdict: str = Field("", description="empty: not judged")
    rule: str = ""
    label: str = Field("", description="what people found out later: good, bad or nothing")
    services: dict[str, str] = Field({}, description="service -> the revision that was promised")

    @property
    def approved(self) -> bool:
        """Whether the gate let it through, and nobody found out later that it was bad."""
        return self.verdict in ("PROMOTE", "PROMOTE_WITH_WATCH") and self.label != "bad"


class Step(Record):
    """A place in a series from which on its level is another one."""

    index: int = Field(description="0-based; the first value of the new level")
    before: float
    after: float
    p: float


class Series(Record):
    """One number over the deployments, oldest first; None where there was nothing to measure."""

    metric: str = Field(description="what --metric calls it")
    name: str
    unit: str = Field(description="share (0 to 1), ms, s, tests, or money")
    worse: Literal["up", "down"]
    suite: str = Field("", description="the suite it is about; empty: of all")
    values: tuple[float | None, ...]
    low: tuple[float | None, ...] = Field((), description="baseline band: from here")
    middle: tuple[float | None, ...] = Field((), description="baseline: the usual")
    high: tuple[float | None, ...] = Field((), description="baseline band: to here")
    steps: tuple[Step, ...] = ()


class TestTrack(Record):
    """One test over the deployments: a letter of `CODES` each, `ABSENT` where it was not seen."""

    __test__ = False  # not a pytest class

    suite: str
    test_id: str
    outcomes: str


class SignatureTrend(Record):
    """One way to fail, over the deployments that are shown."""

    signature: str
    symptom: str
    first_deployment_id: str
    last_deployment_id: str
    n_deployments: int
    n_failures: int


class Listing(Record):
    """A small table beside the series: the rows of a documented view."""

    title: str
    view: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | float | int | None, ...], ...]


class Trends(Record):
    """Everything that is shown of one plan in one environment."""

    environment: str
    plan: str
    points: tuple[TrendPoint, ...] = Field(description="oldest first")
    series: tuple[Series, ...]
    tests: tuple[TestTrack, ...] = ()
    signatures: tuple[SignatureTrend, ...] = ()
    listings: tuple[Listing, ...] = ()

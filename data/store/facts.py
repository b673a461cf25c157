"""The kinds of facts, and one fact as one line of JSON."""

from __future__ import annotations

import json
import math

from pydantic_core import PydanticSerializationError, from_json

from data.records.approval import Decision
from data.records.compacted import Histograms
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
from data.records.totals import Totals
from data.records.verdict import Acted, Verdict

VERSION = 1
UNKNOWN = "of a newer gate: "  # begins why a fact is not understood though it is whole

KINDS: dict[str, type[Fact]] = {
    cls.KIND: cls
    for cls in (
        RunStarted,
        RunEnded,
        DeployResult,
        HealthReading,
        RevisionReading,
        PhaseResult,
        Collected,
        TestResult,
        SuiteResult,
        Totals,
        ProbeResult,
        Sample,
        Histograms,
        SensitivityCell,
        SuiteAudit,
        Verdict,
        Acted,
        Decision,
    )
}


def encode(fact: Fact) -> str:
    """One JSON line, without its newline: ``{"v":1,"kind":…,"body":…}``.

    Lone surrogates (undecodable bytes in a test's output) become ``?``: the line must be UTF-8.

    Raises:
        ValueError: a number that is not finite, which JSON cannot carry.
    """
    return f'{{"v":{VERSION},"kind":"{fact.KIND}","body":{body_of(fact)}}}'


def body_of(fact: Fact) -> str:
    """The fact's fields as one JSON object.

    Raises:
        ValueError: a number that is not finite.
    """
    _require_finite(fact)
    try:
        return fact.model_dump_json()
    except PydanticSerializationError:
        text = json.dumps(fact.model_dump(mode="json"), ensure_ascii=False)
        return text.encode("utf-8", "replace").decode("utf-8")


def decode(line: str | bytes) -> Fact:
    """The fact of one line.

    Raises:
        ValueError: not JSON, another version, an unknown kind, or fields that do not fit.
    """
    envelope = from_json(line)
    if not isinstance(envelope, dict) or not isinstance(envelope.get("v"), int):
        raise ValueError(f"expected a version {VERSION} fact")
    kind = envelope.get("kind")
    if envelope["v"] > VERSION or (isinstance(kind, str) and kind not in KINDS):
        raise ValueError(f"{UNKNOWN}version {envelope['v']}, kind {kind!r}")
    if envelope["v"] != VERSION or not isinstance(kind, str):
        raise ValueError(f"unknown kind of fact {kind!r}")
    return KINDS[kind].model_validate(envelope.get("body"))


def key_of(fact: Fact) -> tuple[object, ...]:
    """What makes the fact one row: its kind and the values of its key fields."""
    return (fact.KIND, *(getattr(fact, name) for name in fact.KEY))


def _require_finite(fact: Fact) -> None:
    # pydantic would write NaN as null, and the value would come back as another one, or not at all
    for name, value in fact.__dict__.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{fact.KIND}.{name} is {value}, expected a finite number")

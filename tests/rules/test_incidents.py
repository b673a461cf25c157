"""One cause is one incident, two causes are two: also where the deploy failed."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.records.cause import Cause
from data.records.verdict import Incident
from data.records.words import Outcome
from data.rules.catalogue import explain
from data.rules.journey.explanations import EXPLANATIONS
from data.rules.signature import signature
from tests.rules.making import CORE, Change, both, deployed, green, outcome

law = settings(max_examples=30, deadline=None)
CAUSES = (
    "AssertionError: expected 5 events, got {n}",
    "ConnectionRefusedError: nothing at 127.0.0.1:{port}",
    "ConnectionClosedOK: received 1000 (OK) main cleanup; run {uuid} at {time}",
    "ConnectionClosedError: received 1011 (internal error) run {uuid}",
    "TimeoutError: no answer within {n} s from request {hex}",
)
varying = st.fixed_dictionaries(
    {
        "n": st.integers(0, 99),  # `got 404` may be an HTTP status, and then it is the cause
        "port": st.integers(10_000, 65_535),
        "uuid": st.uuids().map(str),
        "hex": st.integers(2**64, 2**128 - 1).map(lambda n: f"0x{n:x}"),
        "time": st.datetimes(datetime(2000, 1, 1)).map(lambda t: t.strftime("%Y-%m-%dT%H:%M:%SZ")),
    }
)


def found(change: Change) -> tuple[Incident, ...]:
    return change(green()).judged().incidents


def failed(name: str, message: str) -> Change:
    return outcome(CORE, name, "FAIL", message=message, signature=signature(message))


@law
@given(st.sampled_from(CAUSES), st.lists(varying, min_size=30, max_size=30))
def test_one_cause_in_thirty_tests_is_one_incident(
    cause: str, values: list[dict[str, str]]
) -> None:
    case = both(*(failed(f"x{n}", cause.format(**v)) for n, v in enumerate(values)))
    assert [incident.n for incident in found(case)] == [30]


@law
@given(st.lists(st.sampled_from(CAUSES), min_size=2, max_size=2, unique=True), varying, varying)
def test_two_causes_with_equal_counts_stay_two(
    causes: list[str], one: dict[str, str], other: dict[str, str]
) -> None:
    case = both(failed("t1", causes[0].format(**one)), failed("t2", causes[1].format(**other)))
    assert [incident.n for incident in found(case)] == [1, 1]


def deploy_signature(revision: str, message: str) -> str:
    (incident,) = found(deployed(outcome=Outcome.FAIL, revision=revision, message=message))
    return incident.signature


def test_a_failed_deploy_has_one_signature_a_cause_and_the_same_for_each_revision() -> None:
    crash = "{0} exited with 1: AttributeError: Factory has no attribute 'configure'"
    late = "{0} did not listen: timed out after 20 s"
    signatures = {
        (cause, name): deploy_signature(name, cause.format(name))
        for cause in (crash, late)
        for name in ("v1.2.3", "v1.2.4", "main-abc")
    }
    assert len({signatures[crash, n] for n in ("v1.2.3", "v1.2.4", "main-abc")}) == 1
    assert len(set(signatures.values())) == 2
    assert all(s.startswith("deploy/FAIL/") for s in signatures.values())


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("ws/closed-early/1000 main cleanup", EXPLANATIONS["ws/closed-early/1000"].sentence),
        ("tcp/refused", EXPLANATIONS["tcp/refused"].sentence),
        ("deploy/FAIL/timed out after <n>", "the new revision does not come up in time"),
        ("deploy/FAIL/exit code <n>", "the new revision does not start"),
        ("ModuleNotFoundError: No module named 'x'", "the test suite itself is broken"),
        ("gate is closed", ""),
    ],
)
def test_a_cause_is_explained_by_one_table(name: str, cause: str) -> None:
    assert explain(name).cause == cause


OWN = (
    Cause(match="main cleanup", cause="the task queue was drained", action="look at the drain job"),
    Cause(match="clean", cause="never reached"),
)


def test_a_plans_own_cause_comes_before_the_catalogue_and_the_first_that_matches_explains() -> None:
    known = "ws/closed-early/1000 main cleanup"
    assert explain(known, causes=OWN).cause == "the task queue was drained"
    assert explain("gate", "main cleanup", OWN).action == "look at the drain job"
    assert explain("tcp/refused", causes=OWN) == explain("tcp/refused")


@pytest.mark.parametrize("pattern", ["(", "", ".*", "a|", "x*"])
def test_a_pattern_that_is_none_or_matches_everything_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"regular expression|matches everything"):
        Cause(match=pattern, cause="c")

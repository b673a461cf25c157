"""Laws of probes as a plan writes them: short forms, impossible journeys, names and outcomes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from data.records.facts import Failure
from data.records.probe_plan import HttpProbe, JourneyProbe, ProbePlan
from data.records.words import Outcome
from data.rules.journey.names import keys_of, template_names, undefined_names
from data.rules.journey.summary import Round, conclude, retry_size
from data.rules.metrics import metrics_of

READ: TypeAdapter[HttpProbe | JourneyProbe] = TypeAdapter(ProbePlan)
OPEN = {
    "open": {"url": "{{services.x.ws}}/a", "first": {"capture": {"me": "id"}}, "metric": "open"}
}


def journey(*steps: dict[str, Any], **terms: Any) -> HttpProbe | JourneyProbe:
    return READ.validate_python({"id": "j", "kind": "journey", "steps": list(steps), **terms})


IMPOSSIBLE: list[tuple[list[dict[str, Any]], str]] = [
    ([], "at least 1"),
    ([{}], "exactly one of"),
    ([{"think": "1s", "close": {}}], "got close, think"),
    ([{"think": 1}], "with a unit"),
    ([{"send": {"text": "x"}}], "step 1: send needs an open socket"),
    ([OPEN, OPEN], "step 2: a socket is already open"),
    ([OPEN, {"close": {}}, {"close": {}}], "step 3: close needs"),
    ([{"open": {"url": "x", "refused": {}}}, {"send": {"text": "x"}}], "step 2: send needs"),
    ([{"open": {"url": "x", "refused": {}, "first": {}}}], "at most one of first and refused"),
    ([OPEN, {"send": {}}], "exactly one of json and text"),
    ([OPEN, {"expect": {"events": []}}], "at least 1"),
    ([OPEN, {"expect": {"events": [{"name": "a", "times": "any"}]}}], "that is required"),
    ([OPEN, {"expect": {"events": ["a"], "errors": ["a"]}}], "both an event and an error"),
    ([OPEN, {"expect": {"events": ["a"], "answer": {"event": "b", "path": "c"}}}], "none of the"),
    ([OPEN, {"expect": {"events": ["a"], "every": {"x": None}}}], "FieldRule"),
    ([OPEN, {"expect": {"events": ["a"], "every": {"x": {}}}}], "at least one rule"),
    ([OPEN, {"expect": {"events": ["a"], "every": {"x": {"matches": "("}}}}], "regular expression"),
    ([OPEN, {"close": {"code": 1006}}], "3000 to 4999"),
    ([{"token": {"key": {"value": "in clear"}}}], "Extra inputs"),
    ([{"token": {"key": {}}}], "exactly one of env and block"),
    ([{"http": {"request": {"url": "x", "json": 1, "body": "x"}}}], "at most one of json and body"),
]


@pytest.mark.parametrize(("steps", "said"), IMPOSSIBLE)
def test_an_impossible_journey_is_refused_with_a_reason(steps: list[Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        journey(*steps)


def test_short_forms_mean_the_long_ones() -> None:
    short = {"events": ["a"], "every": {"x": "y"}}
    long = {"events": [{"name": "a", "times": "once"}], "every": {"x": {"equals": "y"}}}
    assert journey(OPEN, {"expect": short}) == journey(OPEN, {"expect": long})
    request = {"id": "h", "kind": "http", "request": {"url": "x"}}
    one = READ.validate_python({**request, "expect": {"status": 201}})
    assert one == READ.validate_python({**request, "expect": {"status": [201]}})


def test_a_probe_survives_its_own_json() -> None:
    step = {"http": {"request": {"url": "x", "json": {"a": 1}}, "expect": {"json": {"b": True}}}}
    key = {"token": {"key": {"env": "K"}, "break": "expired"}}
    probe = journey(step, key, OPEN, {"think": "1s"}, timeout="5s")
    assert READ.validate_json(READ.dump_json(probe, by_alias=True)) == probe


def test_the_schema_offers_both_forms() -> None:
    schema = json.dumps(READ.json_schema())
    assert '"json"' in schema and "json_body" not in schema
    assert '{"anyOf": [{"type": "string"}, {"$ref": "#/$defs/EventRule"}]}' in schema


TALK = journey(
    {"http": {"request": {"url": "{{services.a.url}}", "headers": {"X": "{{ uuid }}"}},
              "capture": {"token": "t"}, "metric": "in"}},
    OPEN,
    {"send": {"json": {"{{me}}": ["{{nonce}}", "{{thread}}"]}}},
    {"expect": {"events": [{"name": "a", "capture": {"run": "r"}}], "every": {"u": "{{me}}"},
                "answer": {"event": "a", "path": "p", "uses": ["{{run}}"]},
                "metrics": {"first": "first", "last": "open"}}},
    {"token": {"name": "forged", "claims": {"sub": "{{me}}"}, "key": {"block": "secret/k"}}},
    total_metric="whole",
)  # fmt: skip


def test_metrics_are_named_in_order_and_once() -> None:
    assert metrics_of(TALK) == ("in", "open", "first", "whole")
    one = READ.validate_python({"id": "h", "kind": "http", "request": {"url": "x"}, "metric": "m"})
    assert metrics_of(one) == ("m",)


def test_names_used_and_defined_are_listed() -> None:
    names = template_names(TALK)
    assert names.uses == ("services.a.url", "uuid", "services.x.ws", "me", "nonce", "thread", "run")
    assert names.defines[4:] == ("token", "me", "run", "forged")
    assert [key.variable for key in keys_of(TALK)] == ["secret:block:secret/k"]


def test_only_names_that_nothing_defines_before_are_unknown() -> None:
    known = {"services.a.url", "services.x.ws"}
    assert undefined_names(TALK, known) == (("steps[2].send", "thread"),)
    early = journey({"open": {"url": "{{me}}"}}, {"close": {}}, OPEN)
    assert undefined_names(early, known) == (("steps[0].open", "me"),)


def failures(*signatures: str) -> tuple[Failure, ...]:
    return tuple(
        Failure(ordinal=at, step="1 expect", signature=one, message="why")
        for at, one in enumerate(signatures)
    )


GOOD, BAD = Round(2, ()), Round(2, failures("x", "y", "x"))
OUTCOMES = [
    (GOOD, [], Outcome.PASS),
    (BAD, [], Outcome.FAIL),
    (BAD, [GOOD], Outcome.FLAKY),
    (BAD, [BAD], Outcome.FAIL),
    (BAD, [BAD, GOOD], Outcome.FLAKY),
]


@pytest.mark.parametrize(("first", "retries", "outcome"), OUTCOMES)
def test_only_a_retry_that_passes_whole_makes_a_failure_flaky(
    first: Round, retries: list[Round], outcome: Outcome
) -> None:
    assert conclude("journey", first, retries, 2).outcome is outcome


def test_the_sentence_counts() -> None:
    ended = conclude("journey", Round(24, failures("b", "a/1", "a/1")), [Round(5, ())], 5)
    assert ended.message == (
        "3 of 24 journeys failed: a/1 (2), b (1), such as at step 1 expect: why; "
        "tried again 5 at concurrency 5: all passed"
    )
    assert (ended.n, ended.n_failed) == (24, 3)


def test_at_most_twenty_failures_are_kept_and_all_are_counted() -> None:
    ended = conclude("http", Round(100, failures(*["x"] * 50)), [], 1)
    assert (len(ended.failures), ended.n_failed) == (20, 50)


@pytest.mark.parametrize(("failed", "at_once", "again"), [(1, 1, 1), (1, 5, 5), (6, 5, 10)])
def test_failed_executions_are_tried_in_whole_waves(failed: int, at_once: int, again: int) -> None:
    assert retry_size(failed, at_once) == again

"""Laws of the journey's machine: which decision follows which event, and what is measured."""

from __future__ import annotations

import json
from typing import Any

import pytest

from data.errors import UsageError
from data.records.step_plan import Step
from data.rules.journey.machine import Machine
from data.rules.journey.moves import (
    Broke,
    Call,
    Closed,
    Connect,
    Done,
    Event,
    Failed,
    HangUp,
    Message,
    Mint,
    Minted,
    Opened,
    Refused,
    Responded,
    Sent,
    Sleep,
    Timer,
    Transmit,
    Wait,
)

NAMES = {"base": "http://x", "nonce": "K7Q2-9XTM", "password": "very-secret-1"}


def machine(*steps: dict[str, Any], total: str | None = None) -> Machine:
    return Machine([Step.model_validate(step) for step in steps], NAMES, 0.0, total)


def run(steps: list[dict[str, Any]], *events: Event) -> str:
    """The signature that events lead to, `pass`, or the name of the open decision."""
    one = machine(*steps)
    for event in events:
        one.feed(event)
    if isinstance(one.decision, Failed):
        return one.decision.cause.signature
    return "pass" if isinstance(one.decision, Done) else type(one.decision).__name__


def answer(status: int = 200, body: Any = None, t_s: float = 0.1, **headers: str) -> Responded:
    return Responded(status, headers, body if isinstance(body, str) else json.dumps(body), 0.0, t_s)


def http(**expect: Any) -> list[dict[str, Any]]:
    return [{"http": {"request": {"url": "{{base}}/a"}, "expect": expect}}]


HTTP: list[tuple[dict[str, Any], Event, str]] = [
    ({}, answer(), "pass"),
    ({}, answer(503, "no healthy upstream"), "http/status/503"),
    ({"status": [201, 204]}, answer(204), "pass"),
    ({"status": 201}, answer(200), "http/status/200"),
    ({"json": {"a.0.b": 1}}, answer(body={"a": [{"b": 1}]}), "pass"),
    ({"json": {"a.1.b": 1}}, answer(body={"a": [{"b": 1}]}), "http/field-absent/a.1.b"),
    ({"json": {"ok": True}}, answer(body={"ok": 1}), "http/field/ok"),
    ({"json": {"ok": 1}}, answer(body={"ok": 1.0}), "pass"),
    ({"json": {"id": {"not_empty": True}}}, answer(body={"id": None}), "http/field-empty/id"),
    ({"json": {"id": {"present": False}}}, answer(body={}), "pass"),
    ({"json": {"id": {"present": False}}}, answer(body={"id": 1}), "http/field/id"),
    ({"json": {"id": {"present": True}}}, answer(body={"id": None}), "pass"),
    ({"json": {"n": {"one_of": [1, 2]}}}, answer(body={"n": 3}), "http/field/n"),
    ({"json": {"n": {"one_of": [None]}}}, answer(body={"n": None}), "pass"),
    ({"json": {"n": {"matches": "^K.{3}-"}}}, answer(body={"n": "K7Q2-9XTM"}), "pass"),
    ({"json": {"n": {"matches": "^{{nonce}}$"}}}, answer(body={"n": "K7Q2-9XT"}), "http/field/n"),
    ({"json": {"n": {"contains": "b"}}}, answer(body={"n": ["a", "b"]}), "pass"),
    ({"json": {"n": {"not_contains": "b"}}}, answer(body={"n": "abc"}), "http/field/n"),
    ({"json": {"n": "{{nonce}}"}}, answer(body={"n": "K7Q2-9XTM"}), "pass"),
    ({"json": {"n": 1}}, answer(body="<html>"), "http/not-json"),
    ({"headers": {"X-A": "1"}}, answer(**{"x-a": "1"}), "pass"),
    ({"headers": {"X-A": "1"}}, answer(**{"x-a": "2"}), "http/header/x-a"),
    ({"headers": {"X-A": "1"}}, answer(), "http/header-absent/x-a"),
    ({"contains": ["fine"]}, answer(body="all fine"), "pass"),
    ({"contains": ["fine"]}, answer(body="broken"), "http/text/lacks"),
    ({"not_contains": ["rror"]}, answer(body="an error"), "http/text/has"),
    ({"within": "50ms"}, answer(t_s=0.06), "http/slow"),
    ({}, Broke("tcp/refused", "", 0.1), "tcp/refused"),
    ({}, Timer(0.1), "gate/unexpected-event"),
]


@pytest.mark.parametrize(("expect", "event", "signature"), HTTP)
def test_each_wrong_answer_has_its_own_signature(
    expect: dict[str, Any], event: Event, signature: str
) -> None:
    assert run(http(**expect), event) == signature


OPEN = {"open": {"url": "ws://x"}}
CHOSEN = {"open": {"url": "ws://x", "subprotocols": ["a"], "subprotocol": "a"}}
FIRST = {"open": {"url": "ws://x", "first": {"fields": {"type": "hi"}, "capture": {"me": "id"}}}}
REFUSED = {"open": {"url": "ws://x", "refused": {"within": "1s"}}}
SEND = {"send": {"text": "hello {{nonce}}"}}
CLOSE = {"close": {}}
OPENED = Opened(None, 0.0, 0.1)


def closed(code: int, reason: str = "", by: Any = "server") -> Closed:
    return Closed(code, reason, by, 1.0)


HI = Message('{"type": "hi", "id": 7}', 0.2)
SOCKETS: list[tuple[list[dict[str, Any]], list[Event], str]] = [
    ([OPEN], [OPENED], "pass"),
    ([OPEN], [Refused(503, "starting", 1.0)], "ws/refused/503"),
    ([CHOSEN], [Opened("a", 0.0, 0.1)], "pass"),
    ([CHOSEN], [OPENED], "ws/subprotocol/not-chosen"),
    ([FIRST], [OPENED, HI], "pass"),
    ([FIRST], [OPENED, Message('{"type": "hi"}', 0.2)], "first-message/field-absent/id"),
    ([FIRST], [OPENED, Message('{"type": "no", "id": 7}', 0.2)], "first-message/field/type"),
    ([FIRST], [OPENED, Message("hi", 0.2)], "first-message/not-json"),
    ([FIRST], [OPENED, Timer(11.0)], "timeout/first-message"),
    ([FIRST], [OPENED, closed(1000, "bye")], "ws/closed-early/1000 bye"),
    ([REFUSED], [Refused(403, "", 1.0)], "pass"),
    ([REFUSED], [Refused(503, "", 1.0)], "ws/refused/503"),
    ([REFUSED], [OPENED, closed(1008, "no")], "pass"),
    ([REFUSED], [OPENED, HI, HI, closed(1008, "no")], "pass"),
    ([REFUSED], [OPENED, closed(1000, "main")], "ws/closed-early/1000 main"),
    ([REFUSED], [OPENED, HI, Timer(2.0)], "ws/auth/accepted-without-credentials"),
    ([REFUSED], [Broke("tcp/refused", "", 1.0)], "tcp/refused"),
    ([OPEN, SEND], [OPENED, Sent(0.2)], "pass"),
    ([OPEN, SEND], [OPENED, closed(1001)], "ws/closed-early/1001"),
    ([OPEN, CLOSE], [OPENED, closed(1000, by="answer")], "pass"),
    ([OPEN, CLOSE], [OPENED, closed(1001)], "pass"),
    ([OPEN, CLOSE], [OPENED, closed(1011, "boom")], "ws/unclean-close/1011 boom"),
    ([OPEN, CLOSE], [OPENED, closed(1006, by="network")], "ws/unclean-close/1006"),
    ([OPEN, {"close": {"code": 3001}}], [OPENED, closed(3001, by="answer")], "pass"),
]


@pytest.mark.parametrize(("steps", "events", "signature"), SOCKETS)
def test_each_end_of_a_socket_has_its_own_signature(
    steps: list[dict[str, Any]], events: list[Event], signature: str
) -> None:
    assert run(steps, *events) == signature


def test_a_journey_is_told_step_by_step() -> None:
    expect = {"events": ["a", "b"], "within": "5s", "metrics": {"first": "first", "last": "last"}}
    one = machine(
        {"http": {"request": {"method": "POST", "url": "{{base}}/in", "json": {"p": "{{password}}"}},
                  "capture": {"me": "user.id"}, "metric": "sign_in"}},
        {"token": {"claims": {"sub": "{{me}}"}, "key": {"env": "KEY"}}},
        {"open": {"url": "ws://x?u={{me}}", "headers": {"Authorization": "Bearer {{token}}"}, "first": {}, "metric": "connect"}},
        {"think": "500ms"},
        {"send": {"json": {"text": "hello {{nonce}}"}}},
        {"expect": expect},
        {"close": {}},
        total="whole",
    )  # fmt: skip
    assert isinstance(one.decision, Call) and one.decision.request.json_body == {
        "p": NAMES["password"]
    }
    mint = one.feed(answer(body={"user": {"id": 42}}))
    assert isinstance(mint, Mint) and mint.spec.claims == {"sub": "42"}
    connect = one.feed(Minted("abc.def.ghi", 0.2))
    assert connect == Connect("ws://x?u=42", {"Authorization": "Bearer abc.def.ghi"}, (), 10.2)
    assert one.feed(Opened(None, 0.2, 0.3)) == Wait(10.3)
    assert one.feed(Message("{}", 0.35)) == Sleep(0.85)
    assert one.feed(Timer(0.85)) == Transmit('{"text": "hello K7Q2-9XTM"}')
    assert one.feed(Sent(0.9)) == Wait(5.9)
    assert one.feed(Message('{"type": "a"}', 1.0)) == Wait(5.9)
    assert one.feed(Message('{"type": "b"}', 1.2)) == HangUp(1000, 5.0)
    assert one.feed(closed(1000, by="answer")) == Done()
    measured = {name: round(value) for name, value in one.measurements}
    assert measured == {"sign_in": 100, "connect": 150, "first": 100, "last": 300, "whole": 1000}


def test_after_its_end_a_journey_hears_nothing() -> None:
    one = machine(*http())
    end = one.feed(answer(500))
    assert one.feed(answer(200)) == end


def test_a_cause_names_its_step_without_filling_it_in() -> None:
    one = machine(OPEN, {"http": {"request": {"url": "{{base}}/{{password}}"}}})
    one.feed(OPENED)
    end = one.feed(answer(500))
    assert isinstance(end, Failed) and end.cause.step == "2 http GET {{base}}/{{password}}"


def test_no_secret_reaches_a_message() -> None:
    one = machine(*http())
    end = one.feed(answer(500, "wrong: very-secret-1"))
    assert isinstance(end, Failed)
    assert end.cause.message == "HTTP 500, expected 200: wrong: ***"


def test_latencies_of_wrong_answers_are_measured_too() -> None:
    one = machine({"http": {"request": {"url": "http://x"}, "metric": "m"}})
    one.feed(answer(500))
    assert [name for name, _ in one.measurements] == ["m"]


def test_a_template_that_nothing_defines_is_the_plans_fault() -> None:
    with pytest.raises(UsageError, match="nobody"):
        machine({"http": {"request": {"url": "{{nobody}}"}}})

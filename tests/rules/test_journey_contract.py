"""Laws of the contract of events: what breaks it, by which name, and what never matters."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.records.step_plan import ExpectStep
from data.rules.journey.contract import SETTLE_S, Contract
from data.rules.journey.explanations import EXPLANATIONS, explain
from data.rules.journey.moves import Closed, Message
from data.rules.journey.sequence import advance, is_whole, shape, start

FIVE = ("began", "thought", "tool_on", "tool_off", "ended")
SPEC: dict[str, Any] = {
    "events": list(FIVE),
    "every": {"user": "{{user}}", "run": {"not_empty": True}},
    "same": ["run"],
    "within": "10s",
    "first_within": "2s",
    "max_gap": "3s",
    "errors": ["failure"],
    "distinct_gaps": True,
    "answer": {
        "event": "ended", "path": "data.result", "uses": ["{{nonce}}"],
        "not_echo": "please add {{nonce}}", "forbid": ["Agent response for:", "mock"],
    },
}  # fmt: skip
NAMES = {"user": "u-1", "nonce": "K7Q2-9XTM"}
GAPS_S = (0.11, 0.05, 0.23, 0.31, 0.07, 0.19, 0.13, 0.29, 0.17)


def event(name: str, **fields: Any) -> dict[str, Any]:
    answer = {"data": {"result": "the sum for k7q2-9xtm is 12"}} if name == "ended" else {}
    return {"type": name, "user": "u-1", "run": "r-1", **answer, **fields}


def messages(*documents: Any, gaps_s: tuple[float, ...] = GAPS_S) -> list[Message]:
    now_s, found = 0.0, []
    for number, document in enumerate(documents):
        now_s += gaps_s[number % len(gaps_s)]
        found.append(
            Message(document if isinstance(document, str) else json.dumps(document), now_s)
        )
    return found


def judge(events: list[Any], spec: dict[str, Any] | None = None) -> str:
    """The signature that a row of events ends in; `pass`, or `open` when nothing is decided."""
    contract = Contract(ExpectStep.model_validate(spec or SPEC), NAMES, sent_s=0.0)
    for one in events:
        if isinstance(one, float):
            problem = contract.timer(one)
        else:
            problem = contract.message(one) if isinstance(one, Message) else contract.closed(one)
        if problem or contract.is_done:
            return problem.signature if problem else "pass"
    problem = contract.timer(contract.deadline_s) if contract._settle_s else None
    return problem.signature if problem else "pass" if contract.is_done else "open"


def row(*names: str, **fields: Any) -> list[Message]:
    return messages(*(event(name, **fields) for name in names))


def closed(code: int, reason: str = "", by: Any = "server") -> Closed:
    return Closed(code, reason, by, 1.0)


def changed(number: int, **fields: Any) -> list[Message]:
    """The five events with other fields in one of them."""
    return messages(*(event(n, **(fields if at == number else {})) for at, n in enumerate(FIVE)))


TABLE: dict[str, tuple[list[Any], str]] = {
    "all five": (row(*FIVE), "pass"),
    "foreign events between": (row("began", "hello", *FIVE[1:3], "ack", *FIVE[3:]), "pass"),
    "no JSON between": ([Message("%", 0.01), *row(*FIVE)], "pass"),
    "nothing at all": ([2.0], "timeout/first-event"),
    "first too late": (messages(event("began"), gaps_s=(2.5,)), "timeout/first-event"),
    "silence in the middle": ([*row("began", "thought"), 3.2], "timeout/gap/tool_on"),
    "late after a silence": (messages(event("began"), event("thought"), gaps_s=(1.0, 3.1)), "timeout/gap/thought"),
    "never ends": ([*messages(*map(event, FIVE[:4]), gaps_s=(2.0, 2.4, 2.5, 2.6)), 10.0], "timeout/last-event/ended"),
    "one missing": (row("began", "thought", "tool_on", "ended"), "contract/missing/tool_off"),
    "two missing name the first": (row("began", "thought", "ended"), "contract/missing/tool_on"),
    "swapped": (row("began", "thought", "tool_off", "tool_on", "ended"), "contract/order/tool_off before tool_on"),
    "last before its time": (row("began", "thought", "tool_on", "ended", "tool_off"), "contract/order/ended before tool_off"),
    "twice": (row("began", "began"), "contract/repeated/began"),
    "missing, then late after the settling": (
        [*row(*FIVE[:3], "ended"), Message(json.dumps(event("tool_off")), 9.0)], "contract/missing/tool_off"),
    "another user": (changed(2, user="u-2"), "contract/field/user"),
    "no user": (messages({"type": "began", "run": "r-1"}), "contract/field-absent/user"),
    "empty user": (changed(2, user=""), "contract/field-empty/user"),
    "empty run": (changed(0, run=""), "contract/field-empty/run"),
    "another run": (changed(3, run="r-2"), "contract/same/run"),
    "empty answer": (changed(4, data={"result": " "}), "answer/empty"),
    "absent answer": (changed(4, data={}), "answer/empty"),
    "canned phrase": (changed(4, data={"result": "AGENT response  for: K7Q2-9XTM"}), "answer/canned-phrase Agent response for:"),
    "another phrase": (changed(4, data={"result": "a Mock answer"}), "answer/canned-phrase mock"),
    "echo": (changed(4, data={"result": "You said: Please add K7Q2-9XTM"}), "answer/echo"),
    "nonce not used": (changed(4, data={"result": "the sum is 12"}), "answer/ignores-nonce"),
    "equal gaps": (messages(*map(event, FIVE), gaps_s=(0.1, 0.101, 0.1, 0.099, 0.1)), "answer/canned-gaps"),
    "equal gaps of a batch": (messages(*map(event, FIVE), gaps_s=(0.01,)), "pass"),
    "an error event": (row("began", "failure", message="model 42 is gone"), "contract/error-event/failure model # is gone"),
    "another error": (row("began", "failure", detail="no credit"), "contract/error-event/failure no credit"),
    "closed 1000": ([*row("began"), closed(1000, "main cleanup")], "ws/closed-early/1000 main cleanup"),
    "closed 1011": ([closed(1011)], "ws/closed-early/1011"),
    "broken off": ([*row("began"), closed(1006, by="network")], "ws/closed-early/1006"),
    "client had to close": ([closed(1002, "bad opcode", "client")], "ws/protocol-error/1002 bad opcode"),
    "ids in reasons": ([closed(1008, "user u-77 at 10.0.0.1:443/x, K7Q2-9XTM")], "ws/closed-early/1008 user # at # x, #"),
    "closed after the end without an event": ([*row("began", "thought", "tool_on", "ended"), closed(1000)], "contract/missing/tool_off"),
}  # fmt: skip


@pytest.mark.parametrize(("events", "signature"), TABLE.values(), ids=TABLE.keys())
def test_each_fault_has_its_own_signature(events: list[Any], signature: str) -> None:
    assert judge(events) == signature


def test_two_causes_never_share_a_signature_by_accident() -> None:
    red = {name: s for name, (_, s) in TABLE.items() if s != "pass"}
    doubles = {s for s in red.values() if list(red.values()).count(s) > 1}
    assert doubles == {"timeout/first-event", "contract/missing/tool_off", "answer/empty"}


@pytest.mark.parametrize("signature", sorted({s for _, s in TABLE.values()} - {"pass"}))
def test_each_signature_is_explained(signature: str) -> None:
    assert explain(signature) in EXPLANATIONS.values()


def test_the_explanation_is_that_of_the_longest_family() -> None:
    assert explain("ws/closed-early/1000 main cleanup") is EXPLANATIONS["ws/closed-early/1000"]
    assert explain("ws/closed-early/10000") is EXPLANATIONS["ws/closed-early"]
    assert explain("no/such/family").hint


@given(st.permutations(FIVE))
def test_every_order_but_the_promised_one_fails(names: list[str]) -> None:
    is_right = tuple(names) == FIVE
    quick = messages(*map(event, names), gaps_s=(0.03, 0.05, 0.04))
    assert judge(list(quick)).startswith("pass" if is_right else "contract/order/")


@given(st.sampled_from(FIVE))
def test_no_required_event_may_be_dropped(dropped: str) -> None:
    found = judge(row(*(name for name in FIVE if name != dropped)))
    assert found == (f"contract/missing/{dropped}" if dropped != "ended" else "open")


@given(st.sampled_from(FIVE[:4]), st.integers(0, 4))
def test_no_event_may_come_twice(doubled: str, at: int) -> None:
    names = [*FIVE[:at], doubled, *FIVE[at:]]
    assert judge(row(*names)).startswith("contract/repeated/")


@given(st.lists(st.tuples(st.integers(0, 4), st.sampled_from(["ack", "ping", "", "hey", "[1]"]))))
def test_foreign_messages_in_between_never_matter(foreign: list[tuple[int, str]]) -> None:
    spec = {**SPEC, "distinct_gaps": False}
    kept = messages(*map(event, FIVE))
    noise = [Message(text, kept[at].t_s - 0.001) for at, text in foreign]
    mixed = sorted([*kept, *noise], key=lambda one: one.t_s)
    assert judge(list(mixed), spec) == judge(list(kept), spec) == "pass"


def test_foreign_messages_fail_where_none_may_interleave() -> None:
    spec = {**SPEC, "interleaved": False}
    assert judge(row("began", "hello-7"), spec) == "contract/foreign/#"
    assert judge(row("began", "hello"), spec) == "contract/foreign/hello"
    assert judge([Message("%", 0.1)], spec) == "contract/foreign/nameless"


def test_other_names_and_places_can_be_mapped() -> None:
    spec = {"events": ["began", "ended"], "type": "data.event", "rename": {"start": "began"}}
    events = messages({"data": {"event": "start"}}, {"data": {"event": "ended"}})
    assert judge(events, spec) == "pass"


TIMES = [
    (["a", "b", "c"], "pass"),
    (["a", "c"], "pass"),
    (["a", "b", "b", "b", "c"], "pass"),
    (["a", "c", "b"], "pass"),  # the contract ended with c
    (["b", "a", "c"], "contract/order/b before a"),
    (["a", "a", "b", "c"], "pass"),
    (["c"], "contract/missing/a"),
]


@pytest.mark.parametrize(("names", "signature"), TIMES)
def test_times_say_how_often(names: list[str], signature: str) -> None:
    events = [{"name": "a", "times": "at_least_once"}, {"name": "b", "times": "any"}, "c"]
    assert judge(row(*names), {"events": events}) == signature


def test_an_optional_event_comes_once_at_most_and_in_its_place() -> None:
    spec = {"events": ["a", {"name": "b", "times": "optional"}, "c", "d"]}
    assert judge(row("a", "c", "d"), spec) == "pass"
    assert judge(row("a", "b", "b"), spec) == "contract/repeated/b"
    assert judge(row("a", "c", "b", "d"), spec) == "contract/order/c before b"


def test_a_name_may_stand_at_several_places() -> None:
    spec = {"events": ["a", {"name": "t", "times": "any"}, "b", {"name": "t", "times": "any"}, "c"]}
    assert judge(row("a", "t", "t", "b", "t", "c"), spec) == "pass"
    assert judge(row("a", "b", "a"), {"events": ["a", "b", "a"]}) == "pass"
    assert judge(row("t", "a"), spec) == "open"  # nothing is missing yet for certain


def test_settling_sees_what_comes_after_the_last_event() -> None:
    spec = {"events": ["a", "b"], "settle": "500ms"}
    again = Message(json.dumps(event("b")), 0.4)
    assert judge([*row("a", "b"), again], spec) == "contract/repeated/b"
    assert judge([*row("a", "b"), 0.7], spec) == "pass"


def test_a_late_event_within_the_settling_is_out_of_order_and_not_missing() -> None:
    late = Message(json.dumps(event("tool_off")), 0.7 + SETTLE_S / 2)
    assert judge([*row(*FIVE[:3], "ended"), late]) == "contract/order/ended before tool_off"


SLOT = st.builds(
    lambda name, times: {"name": name, "times": times},
    st.sampled_from("abc"),
    st.sampled_from(["once", "at_least_once", "optional", "any"]),
)


@given(st.lists(SLOT, min_size=1, max_size=4), st.text("abc", max_size=6))
def test_the_contract_reads_like_a_regular_expression(slots: list[Any], names: str) -> None:
    quantifier = {"once": "", "at_least_once": "+", "optional": "?", "any": "*"}
    pattern = "".join(slot["name"] + quantifier[slot["times"]] for slot in slots)
    rules = shape(ExpectStep.model_validate({"events": [*slots, "z"]}).events[:-1])
    states = start(rules)
    for name in names:
        states = advance(rules, states, name)
    assert is_whole(rules, states) == bool(re.fullmatch(pattern, names))


def test_events_capture_variables() -> None:
    spec = {"events": [{"name": "began", "capture": {"run": "run"}}, "ended"]}
    contract = Contract(ExpectStep.model_validate(spec), {}, 0.0)
    for message in row("began", "ended"):
        assert contract.message(message) is None
    assert contract.captured == {"run": "r-1"}
    assert contract.is_done

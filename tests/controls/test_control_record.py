"""What a plan may say about its own mutations, and what is said about each control."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from data.records.control import STANDARD, Control
from tasks.controls.serve import serve_control

IDS = ["refused", "forbidden", "broken", "empty", "silent", "closed", "no-auth", "canned",
       "emptied", "delayed", "swapped"]  # fmt: skip


def test_the_built_in_controls_are_these_in_this_order() -> None:
    assert [control.id for control in STANDARD] == IDS
    assert [control.stands_alone for control in STANDARD] == [True] * 6 + [False] * 5
    assert [control.id for control in STANDARD if control.learns] == ["no-auth", "canned"]


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"kind": "refused"}, "nobody listens"),
        ({"kind": "broken", "path": "/x", "service": "api"}, "500 to everything under /x of api"),
        ({"kind": "delayed", "delay": "500ms"}, "answers and messages come 0.5 s later"),
        ({"kind": "swapped", "fields": ["owner"]}, "owner carry somebody else's value"),
        ({"kind": "drop_event", "event": "done"}, "messages that name done are dropped"),
        (
            {"kind": "close", "code": 1011, "after": 3},
            "each socket is closed with 1011 after 3 messages",
        ),
        ({"kind": "emptied"}, "the real status with an empty body; messages become {}"),
    ],
)
def test_a_control_says_what_is_broken(keys: dict[str, Any], sentence: str) -> None:
    assert Control(id="x", **keys).sentence == sentence


@pytest.mark.parametrize(
    ("keys", "faults"),
    [
        ({"kind": "drop_event"}, ["drop_event needs event"]),
        ({"kind": "status", "path": "/x"}, ["status needs status"]),
        ({"kind": "refused", "path": "/x"}, ["refused reads no path"]),
        (
            {"kind": "delayed", "path": "x", "event": "e", "code": 1006},
            ["delayed reads no event", "delayed reads no code", "got 'x'", "1006 is no close code"],
        ),
        ({"kind": "close", "code": 2000}, ["2000 is no close code"]),
        ({"kind": "delayed", "delay": "2"}, ["duration with a unit"]),
        ({"kind": "gone"}, ["Input should be 'refused', 'forbidden'"]),
        ({"kind": "status", "status": 100}, ["greater than or equal to 200"]),
    ],
)
def test_every_fault_of_a_mutation_is_told_at_once(keys: dict[str, Any], faults: list[str]) -> None:
    with pytest.raises(ValidationError) as told:
        Control(id="x", **keys)
    assert [fault for fault in faults if fault not in str(told.value)] == []


def test_a_control_survives_json() -> None:
    for control in (*STANDARD, Control(id="x", kind="delayed", delay="500ms", path="/x")):
        assert {control: 1}[control] == 1  # may be a key
        assert Control.model_validate_json(control.model_dump_json()) == control


@pytest.mark.parametrize("control", STANDARD, ids=lambda control: control.id)
async def test_each_control_can_be_served(control: Control) -> None:
    async with serve_control(control, {"api": "http://127.0.0.1:9/base"}) as urls:
        assert urls["api"].startswith("http://127.0.0.1:")
        assert urls["api"].endswith("/base")

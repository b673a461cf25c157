"""Messages in and answers out of one socket: who may connect, and what each message gets."""

from __future__ import annotations

import base64
import json

import pytest
from journey import (
    Stage,
    events_of_run,
    greeted,
    names,
    new_reference,
    opened,
    question,
    receive,
    say,
)
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect


def _refused_status(stage: Stage, headers: dict[str, str]) -> int:
    """Return the HTTP status of a handshake that must not succeed."""
    try:
        ws = connect(stage.targets.ws, additional_headers=headers, proxy=None, open_timeout=5)
    except InvalidStatus as refused:
        return refused.response.status_code
    ws.close()
    pytest.fail("the socket opened without a valid token")


def test_socket_is_refused_without_a_token(stage: Stage) -> None:
    assert _refused_status(stage, {}) == 403


def test_socket_is_refused_with_a_forged_token(stage: Stage) -> None:
    forged = stage.user().access_token[:-6] + "AAAAAA"
    assert _refused_status(stage, {"Authorization": f"Bearer {forged}"}) == 403


def test_browser_signs_in_with_a_subprotocol(stage: Stage) -> None:
    user = stage.user()
    token = base64.urlsafe_b64encode(user.access_token.encode()).decode().rstrip("=")
    with opened(stage.targets.ws, subprotocols=["jwt-auth", f"jwt.{token}"]) as ws:
        assert ws.subprotocol == "jwt-auth"
        greeted(ws, user)


def test_ping_is_answered_with_pong(stage: Stage) -> None:
    user = stage.user()
    with stage.socket(user) as ws:
        ws.send('{"type": "ping"}')
        pong = receive(ws)
    assert pong["type"] == "pong" and pong["data"]["user_id"] == user.id, pong


def test_unknown_type_is_acknowledged(stage: Stage) -> None:
    with stage.socket(stage.user()) as ws:
        ws.send(json.dumps({"type": "typing_indicator"}))
        ack = receive(ws)
    assert (ack["type"], ack["received_type"]) == ("ack", "typing_indicator"), ack
    assert ack["status"] == "acknowledged"


def test_bad_json_is_explained_and_survived(stage: Stage) -> None:
    with stage.socket(stage.user()) as ws:
        ws.send("{not json")
        complaint = receive(ws)
        assert complaint["type"] == "error_message" and complaint["error_code"], complaint
        ws.send('{"type": "ping"}')
        assert receive(ws)["type"] == "pong"


def test_oversized_message_gets_no_agent(stage: Stage) -> None:
    with stage.socket(stage.user()) as ws:
        say(ws, "cost " * 2000)
        complaint = receive(ws)
    assert complaint["type"] == "error_message", f"8,192 bytes are the limit: {complaint['type']}"


def test_two_messages_on_one_socket_are_two_runs(stage: Stage) -> None:
    with stage.socket(stage.user()) as ws:
        runs = []
        for kind in ("user_message", "start_agent"):
            say(ws, question(new_reference()), kind)
            runs.append(events_of_run(ws))
    first, second = ({event["run_id"] for event in run} for run in runs)
    assert len(first) == len(second) == 1 and first != second, [names(run) for run in runs]

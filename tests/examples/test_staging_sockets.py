"""The stand-in's socket: the contract, and how each revision breaks it."""

from __future__ import annotations

import time
from itertools import pairwise
from statistics import median

import pytest
from staging_processes import Staging, token
from staging_sockets import ASKED, CUT, FIVE, one_run, opened, receive, run_events, say, transcript
from websockets.exceptions import ConnectionClosed, InvalidStatus, NegotiationError
from websockets.sync.client import connect

# -- the socket --------------------------------------------------------------------


def test_events_have_the_payload_of_the_contract(staging: Staging) -> None:
    events = one_run(staging("backend"))
    payloads = {event["type"]: set(event["payload"]) for event in events}
    assert payloads == {
        "agent_started": {"status", "context", "message"},
        "agent_thinking": {"reasoning", "step_number", "progress_percentage", "status"},
        "tool_executing": {"tool_name", "parameters", "status", "message"},
        "tool_completed": {"tool_name", "result", "execution_time_ms", "status", "message"},
        "agent_completed": {"status", "result", "execution_time_ms", "message"},
    }
    assert {event["user_id"] for event in events} == {"alice"}
    assert len({event["run_id"] for event in events}) == 1


def test_answer_uses_the_reference_and_does_not_echo(staging: Staging) -> None:
    result = one_run(staging("backend"))[-1]["payload"]["result"]
    assert "K7Q2-91XB" in result and ASKED not in result


@pytest.mark.parametrize(
    "bad", [None, "nonsense", token(iss="someone"), token(exp=1), token(token_type="refresh")]
)
def test_socket_is_refused_with_403_without_a_valid_token(
    staging: Staging, bad: str | None
) -> None:
    headers = {"Authorization": f"Bearer {bad}"} if bad else {}
    with pytest.raises(InvalidStatus) as refused:
        connect(staging("backend").ws_url, additional_headers=headers, proxy=None)
    assert refused.value.response.status_code == 403
    assert refused.value.response.headers["x-revision"] == "healthy"


def test_fourth_connection_of_a_user_is_closed_1008(staging: Staging) -> None:
    backend = staging("backend")
    with opened(backend, "busy"), opened(backend, "busy"), opened(backend, "busy"):
        with opened(backend, "busy") as fourth, pytest.raises(ConnectionClosed) as closed:
            receive(fourth)
        assert closed.value.rcvd is not None and closed.value.rcvd.code == 1008
    with opened(backend, "busy") as again:
        assert receive(again)["type"] == "system_message"


def test_thirty_first_message_of_a_minute_is_refused(staging: Staging) -> None:
    with opened(staging("backend"), "chatty") as ws:
        receive(ws)
        for _ in range(31):
            ws.send('{"type": "note"}')
        answers = [receive(ws)["type"] for _ in range(31)]
    assert answers == ["ack"] * 30 + ["error_message"]


# -- revisions on the socket -------------------------------------------------------


@pytest.mark.parametrize(
    ("revision", "lived_through"),
    [
        ("healthy", FIVE),
        ("any-name-at-all", FIVE),
        ("websocket-race", FIVE),
        ("websocket-always-1000", ["agent_started", CUT]),
        ("subprotocol-mismatch", ["NegotiationError"]),
        ("missing-event", [*FIVE[:3], FIVE[4]]),
        ("wrong-order", [*FIVE[:2], FIVE[3], FIVE[2], FIVE[4]]),
    ],
)
def test_lone_socket_lives_through(
    staging: Staging, revision: str, lived_through: list[str]
) -> None:
    assert transcript(staging("backend", revision)) == lived_through


def test_race_cuts_every_run_while_two_sockets_are_open(staging: Staging) -> None:
    backend = staging("backend", "websocket-race")
    with opened(backend, "ann"):
        assert transcript(backend) == ["agent_started", CUT]
    assert transcript(backend) == FIVE


def test_idle_socket_is_closed_too_by_websocket_always_1000(staging: Staging) -> None:
    with opened(staging("backend", "websocket-always-1000")) as ws:
        receive(ws)
        with pytest.raises(ConnectionClosed, match="main cleanup"):
            receive(ws)


def test_mismatch_names_a_subprotocol_nobody_offered(staging: Staging) -> None:
    with pytest.raises(NegotiationError, match="unsupported subprotocol"):
        opened(staging("backend", "subprotocol-mismatch"), subprotocols=["jwt-auth"])


def test_cross_user_events_name_someone_else(staging: Staging) -> None:
    seen = {event["user_id"] for event in one_run(staging("backend", "cross-user"))}
    assert seen and "alice" not in seen


def test_auth_off_opens_sockets_and_threads_without_a_token(staging: Staging) -> None:
    backend = staging("backend", "auth-off")
    with opened(backend, user_id=None) as ws:
        assert receive(ws)["type"] == "system_message"
    assert backend.get("/api/threads").status_code == 200


def test_canned_answer_echoes_at_equal_gaps(staging: Staging) -> None:
    with opened(staging("backend", "canned-answer")) as ws:
        receive(ws)
        say(ws)
        events, at_s = [], []
        while len(events) < 5:
            events.append(receive(ws))
            at_s.append(time.monotonic())
    gaps_s = [later - earlier for earlier, later in pairwise(at_s)]
    assert events[-1]["payload"]["result"] == f"Agent response for: {ASKED}"
    assert median(gaps_s) == pytest.approx(0.1, abs=0.05), gaps_s


def test_empty_answer_completes_with_nothing(staging: Staging) -> None:
    assert one_run(staging("backend", "empty-answer"))[-1]["payload"]["result"] == ""


def test_slow_agent_takes_more_than_two_seconds_every_fourth_run(staging: Staging) -> None:
    with opened(staging("backend", "slow-agent")) as ws:
        for _ in range(4):
            say(ws)
        took_ms = [
            event["payload"]["execution_time_ms"]
            for _ in range(4)
            for event in run_events(ws)
            if event["type"] == "agent_completed"
        ]
    assert [took > 2000 for took in took_ms] == [False, False, False, True], took_ms


def test_flaky_agent_fails_its_tenth_run_with_an_error_and_1011(staging: Staging) -> None:
    backend = staging("backend", "flaky-agent")
    with opened(backend) as ws, pytest.raises(ConnectionClosed) as closed:
        seen = [receive(ws)]
        for _ in range(10):
            say(ws)
        while True:
            seen.append(receive(ws))
    codes = [message["error_code"] for message in seen if message["type"] == "error_message"]
    assert codes == ["AGENT_EXECUTION_FAILED"]
    assert closed.value.rcvd is not None and closed.value.rcvd.code == 1011
    assert transcript(backend) == FIVE  # a retry passes


# -- the pure parts ----------------------------------------------------------------


def test_flaky_failures_are_ten_runs_and_eight_seconds_apart() -> None:
    from stack.agent import Shift
    from stack.revisions import behaviour_of

    shift = Shift(behaviour_of("flaky-agent"))
    fates = [shift.next_fate(now_s=0.5 * n) for n in range(40)]
    assert [n for n, fate in enumerate(fates) if fate == "fails"] == [9, 25]


def test_total_time_of_a_run_is_within_four_percent() -> None:
    from stack.agent import gaps_s
    from stack.revisions import behaviour_of

    for revision, nominal_s in (("healthy", 0.140), ("slower-20", 0.168)):
        totals = [sum(gaps_s(behaviour_of(revision), f"question {n}")) for n in range(300)]
        assert nominal_s * 0.9599 < min(totals) < max(totals) < nominal_s * 1.0401

"""Agents over HTTP, and two people who ask at the same moment."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from journey import (
    FIVE_EVENTS,
    Stage,
    User,
    assert_useful,
    events_of_run,
    names,
    new_reference,
    ok,
    question,
    say,
    the_event,
)


def _execute(stage: Stage, agent: str, asked: str) -> dict[str, Any]:
    path, headers = f"/api/agents/{agent}", stage.user().headers
    return ok(stage.backend("POST", path, headers=headers, json={"message": asked}))


def test_execute_answers_with_the_reference(stage: Stage) -> None:
    asked = question(reference := new_reference())
    body = _execute(stage, "execute", asked)
    assert (body["status"], body["error"]) == ("success", None), body
    assert body["circuit_breaker_state"] == "CLOSED" and body["execution_time"] > 0
    assert_useful(body["response"], reference, asked)


def test_agents_are_closed_without_a_token(stage: Stage) -> None:
    answer = stage.backend("POST", "/api/agents/triage", json={"message": "Costs?"})
    assert answer.status_code == 403 and "response" not in answer.json(), answer.text


def test_two_users_at_once_each_get_their_own_answer(stage: Stage) -> None:
    users = [stage.new_user(), stage.new_user()]
    both_connected = Barrier(2, timeout=10)

    def journey(user: User) -> None:
        asked = question(reference := new_reference())
        with stage.socket(user) as ws:
            both_connected.wait()
            say(ws, asked)
            events = events_of_run(ws)
        assert names(events) == FIVE_EVENTS
        assert {event["user_id"] for event in events} == {user.id}
        assert_useful(the_event(events, "agent_completed")["payload"]["result"], reference, asked)

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(journey, user) for user in users]:
            done.result()

"""The five events, one test each: it arrives, is for this user, and says what it must."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from journey import Stage, new_reference, question, the_event


def _event(stage: Stage, name: str) -> dict[str, Any]:
    """Ask for something and return one event of the run, checked for what all must have."""
    user = stage.user()
    event = the_event(stage.ask(user, question(new_reference())), name)
    assert event["run_id"] and event["agent_name"]
    assert event["user_id"] == user.id, f"event for {event['user_id']}, signed in as {user.id}"
    assert datetime.fromisoformat(event["timestamp"])
    return event["payload"]


def test_agent_started(stage: Stage) -> None:
    payload = _event(stage, "agent_started")
    assert payload["status"] == "started" and payload["message"]
    assert isinstance(payload["context"], dict)


def test_agent_thinking(stage: Stage) -> None:
    payload = _event(stage, "agent_thinking")
    assert payload["reasoning"] and payload["step_number"] >= 1
    assert 0 <= payload["progress_percentage"] <= 100


def test_tool_executing(stage: Stage) -> None:
    payload = _event(stage, "tool_executing")
    assert payload["tool_name"] and payload["status"] == "executing"
    assert isinstance(payload["parameters"], dict)


def test_tool_completed(stage: Stage) -> None:
    payload = _event(stage, "tool_completed")
    assert payload["tool_name"] and payload["result"], "the tool found nothing"
    assert payload["execution_time_ms"] > 0


def test_agent_completed(stage: Stage) -> None:
    payload = _event(stage, "agent_completed")
    assert payload["status"] == "completed" and payload["execution_time_ms"] > 0
    assert payload["result"], "agent_completed with an empty result"

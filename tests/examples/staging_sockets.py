"""A client of the stand-in's socket that writes down what it lives through."""

from __future__ import annotations

import json
from typing import Any

from staging_processes import Running, token
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.sync.client import ClientConnection, connect

FIVE = ["agent_started", "agent_thinking", "tool_executing", "tool_completed", "agent_completed"]
ASKED = "Which of our cloud accounts costs most? Reference code K7Q2-91XB."
CUT = "closed 1000 main cleanup"


def opened(running: Running, user_id: str | None = "alice", **options: Any) -> ClientConnection:
    headers = {"Authorization": f"Bearer {token(user_id)}"} if user_id else {}
    return connect(running.ws_url, additional_headers=headers, proxy=None, **options)


def say(ws: ClientConnection, text: str = ASKED, **more: Any) -> None:
    ws.send(json.dumps({"type": "user_message", "content": text, **more}))


def receive(ws: ClientConnection) -> dict[str, Any]:
    return json.loads(ws.recv(timeout=5))


def run_events(ws: ClientConnection) -> list[dict[str, Any]]:
    """Return the events of the next run, up to agent_completed."""
    events = []
    while not events or events[-1]["type"] != "agent_completed":
        message = receive(ws)
        events += [message] if message["type"] != "system_message" else []
    return events


def one_run(running: Running, user_id: str = "alice") -> list[dict[str, Any]]:
    with opened(running, user_id) as ws:
        say(ws)
        return run_events(ws)


def transcript(running: Running) -> list[str]:
    """Return what a client lives through: event types, then how the socket ended, if it did."""
    seen: list[str] = []
    try:
        with opened(running) as ws:
            assert receive(ws)["type"] == "system_message"
            say(ws)
            while "agent_completed" not in seen:
                seen.append(receive(ws)["type"])
    except ConnectionClosed as closed:
        seen.append(f"closed {closed.rcvd.code} {closed.rcvd.reason}")  # type: ignore[union-attr]
    except InvalidHandshake as refused:
        seen.append(type(refused).__name__)
    return seen

"""The smaller promises of the socket: its other paths, its facts, and two runs at once."""

from __future__ import annotations

from journey import FIVE_EVENTS, Stage, new_reference, ok, question, receive, say


def test_other_paths_greet_too(stage: Stage) -> None:
    for path in ("/websocket", "/ws/test"):
        with stage.socket(stage.user(), path=path) as ws:
            ws.send('{"type": "ping"}')
            assert receive(ws)["type"] == "pong", path


def test_limits_are_published(stage: Stage) -> None:
    config = ok(stage.backend("GET", "/ws/config"))["websocket_config"]
    assert config["limits"]["max_connections_per_user"] == 3
    assert config["limits"]["max_message_size_bytes"] == 8192
    assert ok(stage.backend("GET", "/ws/stats"))["active_connections"] >= 0


def test_two_questions_at_once_on_one_socket_do_not_mix(stage: Stage) -> None:
    asked = {new_reference(), new_reference()}
    with stage.socket(stage.user()) as ws:
        for reference in asked:
            say(ws, question(reference))
        runs: dict[str, list[str]] = {}
        while sum("agent_completed" in seen for seen in runs.values()) < 2:
            event = receive(ws, [f"{run}: {seen}" for run, seen in runs.items()])
            runs.setdefault(event["run_id"], []).append(event["type"])
    assert list(runs.values()) == [FIVE_EVENTS, FIVE_EVENTS], runs

"""Whole visits: sign in, talk for a while, come back, leave."""

from __future__ import annotations

from journey import Stage, assert_useful, events_of_run, new_reference, ok, question, say, the_event


def test_talk_of_three_questions_keeps_its_order(stage: Stage) -> None:
    user = stage.user()
    thread_id = stage.new_thread(user, "Three questions")["id"]
    asked = [question(new_reference()) for _ in range(3)]
    with stage.socket(user) as ws:
        for text in asked:
            say(ws, text, thread_id=thread_id)
            events_of_run(ws)
    body = ok(stage.backend("GET", f"/api/threads/{thread_id}/messages", headers=user.headers))
    assert [m["content"] for m in body["messages"] if m["role"] == "user"] == asked
    assert body["total"] == 6


def test_talk_goes_on_after_a_reconnect(stage: Stage) -> None:
    user = stage.user()
    thread_id = stage.new_thread(user, "Reconnected")["id"]
    for n_messages in (2, 4):
        asked = question(reference := new_reference())
        events = stage.ask(user, asked, thread_id=thread_id)
        assert_useful(the_event(events, "agent_completed")["payload"]["result"], reference, asked)
        thread = ok(stage.backend("GET", f"/api/threads/{thread_id}", headers=user.headers))
        assert thread["message_count"] == n_messages, thread


def test_visit_from_sign_up_to_log_out(stage: Stage) -> None:
    user = stage.new_user()
    said = {"content": "Remind me of the budget review."}
    message = ok(stage.backend("POST", "/api/chat/messages", headers=user.headers, json=said))
    assert (message["role"], message["content"]) == ("user", said["content"])
    assert ok(stage.auth("POST", "/auth/logout", headers=user.headers))["status"] == "success"
    assert stage.auth("GET", "/auth/me", headers=user.headers).status_code == 401

"""The first ten minutes of someone who has never been here."""

from __future__ import annotations

from journey import Stage, assert_useful, new_reference, ok, question, the_event


def test_pages_lead_to_the_chat(stage: Stage) -> None:
    for path, heading in (("/", "Netra Apex"), ("/login", "Sign in"), ("/chat", "Chat")):
        answer = stage.frontend("GET", path)
        assert answer.status_code == 200 and f"<h1>{heading}</h1>" in answer.text, path


def test_account_begins_empty(stage: Stage) -> None:
    user = stage.new_user()
    assert ok(stage.backend("GET", "/api/threads", headers=user.headers)) == []
    me = ok(stage.auth("GET", "/auth/me", headers=user.headers))
    assert (me["name"], me["permissions"]) == (user.name, ["read", "write"])


def test_first_question_is_answered_and_listed(stage: Stage) -> None:
    user = stage.new_user()
    thread_id = stage.new_thread(user, "My first question")["id"]
    asked = question(reference := new_reference())
    events = stage.ask(user, asked, thread_id=thread_id)
    assert_useful(the_event(events, "agent_completed")["payload"]["result"], reference, asked)
    (thread,) = ok(stage.backend("GET", "/api/threads", headers=user.headers))
    assert (thread["id"], thread["message_count"]) == (thread_id, 2), thread

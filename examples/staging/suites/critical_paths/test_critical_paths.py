"""The paths that earn the money, end to end, and the ones that must stay shut."""

from __future__ import annotations

from journey import Stage, assert_useful, new_reference, ok, question, the_event


def test_new_user_gets_an_answer(stage: Stage) -> None:
    asked = question(reference := new_reference())
    events = stage.ask(stage.new_user(), asked)
    assert_useful(the_event(events, "agent_completed")["payload"]["result"], reference, asked)


def test_returning_user_gets_an_answer(stage: Stage) -> None:
    user = stage.user()
    signing = {"email": user.email, "password": user.password}
    body = ok(stage.auth("POST", "/auth/login", json=signing))
    assert body["access_token"] and body["user"]["id"] == user.id
    asked = question(reference := new_reference())
    events = stage.ask(user, asked)
    assert_useful(the_event(events, "agent_completed")["payload"]["result"], reference, asked)


def test_conversation_is_kept_in_its_thread(stage: Stage) -> None:
    user = stage.user()
    thread_id = stage.new_thread(user, "Cloud costs")["id"]
    asked = question(reference := new_reference())
    stage.ask(user, asked, thread_id=thread_id)
    body = ok(stage.backend("GET", f"/api/threads/{thread_id}/messages", headers=user.headers))
    assert [message["role"] for message in body["messages"]] == ["user", "assistant"], body
    assert body["messages"][0]["content"] == asked
    assert_useful(body["messages"][1]["content"], reference, asked)


def test_different_questions_get_different_answers(stage: Stage) -> None:
    answers = set()
    for _ in range(2):
        asked = question(reference := new_reference())
        done = the_event(stage.ask(stage.user(), asked), "agent_completed")
        answers.add(str(done["payload"]["result"]).replace(reference, ""))
    assert len(answers) == 2, f"the same answer twice: {answers}"


def test_user_stays_signed_in_by_refresh(stage: Stage) -> None:
    spending = {"refresh_token": stage.new_user().refresh_token}
    token = ok(stage.auth("POST", "/auth/refresh", json=spending))["access_token"]
    answer = stage.backend("GET", "/api/threads", headers={"Authorization": f"Bearer {token}"})
    assert ok(answer) == []


def test_logout_ends_the_session(stage: Stage) -> None:
    user = stage.new_user()
    assert ok(stage.auth("POST", "/auth/logout", headers=user.headers))["status"] == "success"
    verified = ok(stage.auth("GET", "/auth/verify", headers=user.headers))
    assert verified["valid"] is False, verified
    again = stage.auth("POST", "/auth/refresh", json={"refresh_token": user.refresh_token})
    assert again.status_code == 401, again.text


def test_thread_of_another_user_is_not_there(stage: Stage) -> None:
    thread_id = stage.new_thread(stage.user(), "Mine")["id"]
    stranger = stage.new_user()
    answer = stage.backend("GET", f"/api/threads/{thread_id}", headers=stranger.headers)
    assert answer.status_code == 404 and "Mine" not in answer.text, answer.text


def test_backend_refuses_a_token_that_auth_did_not_sign(stage: Stage) -> None:
    forged = stage.user().access_token[:-6] + "AAAAAA"
    answer = stage.backend("GET", "/api/threads", headers={"Authorization": f"Bearer {forged}"})
    assert answer.status_code == 401, f"a forged token answered {answer.status_code}"

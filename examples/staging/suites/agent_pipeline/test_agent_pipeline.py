"""What an agent run is: five events in order, a tool that finds, an answer that uses it."""

from __future__ import annotations

from journey import (
    FIVE_EVENTS,
    Stage,
    assert_useful,
    names,
    new_reference,
    question,
    the_event,
)


def test_five_events_come_once_each_and_in_order(stage: Stage) -> None:
    seen = names(stage.ask(stage.user(), question(new_reference())))
    assert seen == FIVE_EVENTS, f"not the five events in order: {seen}"


def test_every_event_belongs_to_the_run_and_its_user(stage: Stage) -> None:
    user = stage.user()
    events = stage.ask(user, question(new_reference()))
    assert len({event["run_id"] for event in events}) == 1
    assert {event["user_id"] for event in events} == {user.id}, "events for someone else"


def test_tool_completes_what_it_began(stage: Stage) -> None:
    seen = names(events := stage.ask(stage.user(), question(new_reference())))
    began, ended = the_event(events, "tool_executing"), the_event(events, "tool_completed")
    in_order = seen.index("tool_executing") < seen.index("tool_completed")
    assert in_order, f"tool_completed before tool_executing in {seen}"
    assert began["payload"]["tool_name"] == ended["payload"]["tool_name"]


def test_tool_is_given_the_reference(stage: Stage) -> None:
    reference = new_reference()
    events = stage.ask(stage.user(), question(reference))
    parameters = the_event(events, "tool_executing")["payload"]["parameters"]
    assert reference in parameters.values(), parameters


def test_answer_uses_the_reference(stage: Stage) -> None:
    asked = question(reference := new_reference())
    events = stage.ask(stage.user(), asked)
    assert_useful(the_event(events, "agent_completed")["payload"]["result"], reference, asked)


def test_answer_uses_what_the_tool_found(stage: Stage) -> None:
    events = stage.ask(stage.user(), question(new_reference()))
    found = the_event(events, "tool_completed")["payload"]["result"]
    answer = str(the_event(events, "agent_completed")["payload"]["result"])
    for figure in ("account", "monthly_cost_usd"):
        assert str(found[figure]) in answer, f"{figure} {found[figure]} not in {answer!r}"

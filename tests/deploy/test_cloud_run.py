"""Through Google's own client against a server that behaves like the API: users move by name or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cloud_run_server import CloudRun, cloud_run, image

from data.errors import UsageError
from data.records.plan import Plan
from data.records.words import Outcome
from tasks.deploy.cloud_run import CloudRunDeployer
from tasks.deploy.deployer import DeployOrder, deployer_for


@pytest.fixture
def run() -> Iterator[CloudRun]:
    with cloud_run("chat") as made:
        yield made


def deployer(
    run: CloudRun, revision: str | None = "v2", services: tuple[str, ...] = ("chat",), **more: Any
) -> CloudRunDeployer:
    new = more.pop("image", image(2))
    deploy = {
        "deployer": "cloud-run", "project": "shop-1", "region": "europe-west1",
        "services": {name: {"service": name, "image": new, **more.pop("service", {})} for name in services},
        "endpoint": run.url, "interval": "1ms", "timeout": "1500ms",
        "retries": {"attempts": 4, "first_wait": "1ms"}, **more,
    }  # fmt: skip
    plan = Plan.model_validate(
        {
            "plan": "shop",
            "environment": "test",
            "services": {name: {"url": run.url} for name in services},
            "deploy": deploy,
            "phases": [{"id": "p", "priority": "P1"}],
        }
    )
    made = deployer_for(
        DeployOrder(run_id="r", plan=plan, revision=revision, root=Path(), env={}, variables={})
    )
    assert isinstance(made, CloudRunDeployer)
    return made


async def test_a_deploy_moves_nobody_and_is_reached_at_its_tag(run: CloudRun) -> None:
    result = await deployer(run).deploy()
    assert (result.outcome, result.revisions) == (Outcome.PASS, {"chat": "chat-v2"})
    assert (run.users("chat"), run.tag("chat")) == ({"chat-v1": 100}, "chat-v2")
    assert result.message == (
        f"chat: chat-v2 is ready at {run.url}/at/chat/candidate; users get chat-v1 100 %"
    )
    assert run.revisions["chat-v2"]["containers"][0]["image"] == image(2)


async def test_a_deploy_changes_the_image_and_nothing_else(run: CloudRun) -> None:
    run.services["chat"]["somethingNew"] = {"that": "the client does not know"}
    await deployer(run).deploy()
    service = run.services["chat"]
    assert service["template"]["serviceAccount"] == "shop@test"
    assert (service["labels"], service["somethingNew"]) == (
        {"team": "shop"}, {"that": "the client does not know"},
    )  # fmt: skip


async def test_promoting_and_going_back_move_all_users_to_the_named_revision(run: CloudRun) -> None:
    made = deployer(run)
    await made.deploy()
    moved = await made.promote("v2")
    assert (moved.done, moved.message) == (True, "chat: all users get chat-v2, read back")
    assert (moved.revisions, moved.urls) == (
        {"chat": "chat-v2"}, {"chat": f"{run.url}/at/chat/live"},
    )  # fmt: skip
    assert run.users("chat") == {"chat-v2": 100}
    assert (await made.roll_back("v1")).done
    assert (run.users("chat"), run.tag("chat")) == ({"chat-v1": 100}, "chat-v2")


async def test_going_back_to_what_users_get_already_writes_nothing(run: CloudRun) -> None:
    run.send("chat", v1=100)
    assert (await deployer(run).roll_back("v1")).done
    assert run.writes() == []


async def test_a_revision_that_does_not_start_fails_in_the_platforms_words(run: CloudRun) -> None:
    run.broken[image(2)] = "the container did not listen on port 8080"
    result = await deployer(run).deploy()
    assert result.outcome is Outcome.FAIL
    assert result.message == "chat: chat-v2 is not ready: the container did not listen on port 8080"
    assert (run.users("chat"), run.tag("chat")) == ({"chat-v1": 100}, None)
    assert not (await deployer(run).roll_back("v2")).done
    assert run.users("chat") == {"chat-v1": 100}


async def test_a_revision_that_is_never_ready_is_not_waited_for_for_ever(run: CloudRun) -> None:
    run.n_looks = 10**9
    result = await deployer(run, timeout="20ms", retries={"attempts": 1}).deploy()
    assert (result.outcome, run.tag("chat")) == (Outcome.ERROR, None)
    assert "not over after 0.02 s" in result.message


# what a call is answered first → (outcome of the deploy, tries, what is said)
ANSWERS: dict[str, tuple[list[tuple[str, int, dict[str, str]]], Outcome, int, str]] = {
    "quota, twice": ([("PATCH", 429, {"Retry-After": "0"})] * 2, Outcome.PASS, 3, "chat-v2 is ready"),
    "quota of reading": ([("GET", 429, {})], Outcome.PASS, 2, "chat-v2 is ready"),
    "quota for ever": ([("PATCH", 429, {})] * 9, Outcome.ERROR, 4, "planned 429"),
    "away for a while": ([("GET", 503, {}), ("PATCH", 500, {})], Outcome.PASS, 3, "chat-v2 is ready"),
    "a precondition": ([("PATCH", 412, {})], Outcome.PASS, 2, "chat-v2 is ready"),
    "conflicts for ever": ([("PATCH", 409, {})] * 9, Outcome.ERROR, 4, "planned 409"),
    "forbidden": ([("PATCH", 403, {})], Outcome.ERROR, 1, "planned 403"),
    "nobody": ([("GET", 401, {})] * 2, Outcome.ERROR, 1, "cannot be refreshed"),
    "wrong": ([("PATCH", 400, {})], Outcome.ERROR, 1, "planned 400"),
}  # fmt: skip


@pytest.mark.parametrize("case", ANSWERS)
async def test_only_what_may_pass_is_tried_again(case: str, run: CloudRun) -> None:
    first, outcome, attempts, said = ANSWERS[case]
    run.first = list(first)
    result = await deployer(run).deploy()
    assert (result.outcome, result.attempts) == (outcome, attempts), result.message
    assert said in result.message
    assert run.users("chat") == {"chat-v1": 100}


async def test_the_waits_for_a_quota_grow(run: CloudRun) -> None:
    run.first = [("PATCH", 429, {})] * 2
    result = await deployer(run, retries={"attempts": 3, "first_wait": "20ms"}).deploy()
    assert (result.outcome, result.duration_s >= 0.06) == (Outcome.PASS, True), result.message


@pytest.mark.parametrize("n_lost", [1, 2])
async def test_a_write_whose_answer_was_lost_is_not_done_twice(n_lost: int, run: CloudRun) -> None:
    made, run.n_lost = deployer(run), n_lost
    assert (await made.deploy()).outcome is Outcome.PASS
    run.n_lost = 1
    assert (await made.promote("v2")).done
    assert sorted(run.revisions) == ["chat-v1", "chat-v2"]
    assert len(run.writes()) == 3  # revision, tag, users


async def test_a_deploy_keeps_what_somebody_else_changed_in_between(run: CloudRun) -> None:
    def change() -> None:
        run.services["chat"]["template"]["serviceAccount"] = "other@test"
        run.send("chat", v1=60, v0=40)

    run.revise("chat", "v0")
    run.before_write = change
    assert (await deployer(run).deploy()).outcome is Outcome.PASS
    assert run.services["chat"]["template"]["serviceAccount"] == "other@test"
    assert run.users("chat") == {"chat-v1": 60, "chat-v0": 40}


async def test_a_revision_that_was_overtaken_is_not_called_deployed(run: CloudRun) -> None:
    run.after_write = lambda: run.revise("chat", "v3") and None
    result = await deployer(run).deploy()
    assert result.outcome is Outcome.ERROR
    assert "chat-v3 was made after chat-v2: somebody else deploys" in result.message


# what somebody does before the promotion, or while it is written → (what is said, who gets what)
OTHERS: dict[str, tuple[str, Callable[[CloudRun], Any], str, dict[str, int]]] = {
    "touched while written": ("during", lambda run: run.touch("chat"), "", {"chat-v2": 100}),
    "moved while written": ("during", lambda run: run.send("chat", v0=100),
        "somebody else moves traffic: users get chat-v0 100 %", {"chat-v0": 100}),
    "moved before": ("before", lambda run: (run.send("chat", v0=100), run.services["chat"]["traffic"].append(
        {"type": "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION", "revision": "chat-v2", "tag": "candidate"}),
        run.send_again("chat")), "users get chat-v0 100 % by now, and got chat-v1 100 % after the deploy",
        {"chat-v0": 100}),
    "tag gone": ("before", lambda run: run.send("chat", v1=100),
        "the tag candidate is on no revision by now and not on chat-v2", {"chat-v1": 100}),
    "quota": ("before", lambda run: run.first.append(("PATCH", 429, {})), "", {"chat-v2": 100}),
    "taken, and not done": ("before", lambda run: setattr(run, "deaf", True),
        "asked for chat-v2 100 %, users get chat-v1 100 %", {"chat-v1": 100}),
}  # fmt: skip


@pytest.mark.parametrize("case", OTHERS)
async def test_a_promotion_is_not_fought_for(case: str, run: CloudRun) -> None:
    when, act, said, users = OTHERS[case]
    run.revise("chat", "v0")
    run.send("chat", v1=100)
    made = deployer(run)
    await made.deploy()
    if when == "before":
        act(run)
    else:
        run.before_write = lambda: act(run)
    moved = await made.promote("v2")
    assert (moved.done, run.users("chat")) == (not said, users), moved.message
    assert said in moved.message


async def test_a_promotion_in_a_resumed_run_knows_by_the_tag_what_was_deployed(
    run: CloudRun,
) -> None:
    await deployer(run).deploy()
    assert (await deployer(run).promote("v2")).done
    await deployer(run, "v3", image=image(3)).deploy()
    moved = await deployer(run).promote("v2")
    assert (moved.done, run.users("chat")) == (False, {"chat-v2": 100})
    assert "the tag candidate is on chat-v3 by now" in moved.message


@pytest.mark.parametrize(
    "name", ["latest", "LATEST", "previous", "", "chat-", "V1", "v 1", "x" * 60]
)
async def test_nobody_is_sent_to_a_revision_without_a_name(name: str, run: CloudRun) -> None:
    moved = await deployer(run).roll_back(name)
    assert (moved.done, run.calls) == (False, [])
    assert "expected" in moved.message


async def test_there_is_no_going_back_to_what_is_not_there_or_not_ready(run: CloudRun) -> None:
    run.revisions["chat-v9"] = {**run.revisions["chat-v1"], "conditions": [
        {"type": "Ready", "state": "CONDITION_FAILED", "message": "its image is gone"}]}  # fmt: skip
    told = [(await deployer(run).roll_back(name)).message for name in ("v7", "v9")]
    assert told == [
        "chat: there is no revision chat-v7",
        "chat: chat-v9 is not ready: its image is gone",
    ]
    assert run.writes() == []


async def test_of_two_services_none_is_moved_where_one_cannot_be() -> None:
    with cloud_run("chat", "auth") as run:
        made = deployer(run, services=("chat", "auth"))
        assert (await made.deploy()).outcome is Outcome.PASS
        run.send("auth", v1=100)
        moved = await made.promote("v2")
        assert moved.message.startswith("auth: the tag candidate is on no revision")
        run.revise("chat", "v0")
        back = await made.roll_back("v0")
        assert back.message == "auth: there is no revision auth-v0"
        assert (run.users("chat"), run.users("auth")) == ({"chat-v1": 100}, {"auth-v1": 100})


async def test_where_the_second_service_fails_half_way_it_is_said_who_moved() -> None:
    with cloud_run("chat", "auth") as run:
        made = deployer(run, services=("chat", "auth"))
        await made.deploy()
        run.after_write = lambda: run.first.append(("PATCH", 403, {}))
        moved = await made.promote("v2")
        assert not moved.done
        assert moved.message.startswith("chat: all users get chat-v2, read back; auth: ")
        assert (run.users("chat"), run.users("auth")) == ({"chat-v2": 100}, {"auth-v1": 100})


async def test_a_split_gives_some_users_the_new_revision_until_it_is_promoted(
    run: CloudRun,
) -> None:
    made = deployer(run, split="10 %")
    assert (await made.deploy()).outcome is Outcome.PASS
    assert run.users("chat") == {"chat-v1": 90, "chat-v2": 10}
    assert (await made.promote("v2")).done
    assert run.users("chat") == {"chat-v2": 100}


async def test_traffic_that_is_split_already_is_not_split_by_guess(run: CloudRun) -> None:
    run.revise("chat", "v0")
    run.send("chat", v1=60, v0=40)
    result = await deployer(run, split="10 %").deploy()
    assert result.outcome is Outcome.ERROR
    assert "split among several already: chat-v1 60 %, chat-v0 40 %" in result.message
    assert run.users("chat") == {"chat-v1": 60, "chat-v0": 40}


async def test_a_revision_that_is_there_is_tested_again_and_never_replaced(run: CloudRun) -> None:
    await deployer(run).deploy()
    again = await deployer(run).deploy()
    assert (again.outcome, again.previous) == (Outcome.PASS, "v2")
    assert "chat-v2 was there already and is ready" in again.message
    other = await deployer(run, image=image(3)).deploy()
    assert other.outcome is Outcome.ERROR
    assert f"chat-v2 is there already, with the image {image(2)}" in other.message
    assert run.tag("chat") == "chat-v2"


async def test_an_earlier_revision_is_looked_at_where_it_answers_alone(run: CloudRun) -> None:
    made = deployer(run)
    await made.deploy()
    assert await made.retained("v1") == {"chat": f"{run.url}/at/chat/live"}
    assert await made.retained("v2") == {"chat": f"{run.url}/at/chat/candidate"}
    assert await made.retained("v0") == {}
    assert await made.retained("latest") == {}


async def test_with_several_containers_the_image_goes_where_the_plan_says() -> None:
    app, side = (
        {"name": "app", "image": image(1), "ports": [{"containerPort": 1}]},
        {"name": "side", "image": image(7)},
    )
    with cloud_run() as run:
        run.add("chat", side, app)
        await deployer(run).deploy()
        await deployer(run, "v3", image=image(3), service={"container": "side"}).deploy()
        unknown = await deployer(run, "v4", service={"container": "web"}).deploy()
    images = {name: [c["image"] for c in r["containers"]] for name, r in run.revisions.items()}
    assert images["chat-v2"] == [image(7), image(2)]
    assert images["chat-v3"] == [image(3), image(2)]
    assert "which container gets the image? There are: side, app" in unknown.message


async def test_what_is_no_answer_of_the_api_is_an_error_and_no_traceback(run: CloudRun) -> None:
    gone = await deployer(run, endpoint="http://127.0.0.1:1").deploy()
    missing = await deployer(run, services=("shop",)).deploy()
    run.services["chat"]["generation"] = {"not": "a number"}
    garbage = await deployer(run).deploy()
    assert [one.outcome for one in (gone, missing, garbage)] == [Outcome.ERROR] * 3
    assert "service shop not found" in missing.message


async def test_nobody_signs_in_on_this_machine(run: CloudRun) -> None:
    await deployer(run).deploy()
    assert run.headers
    assert not any("authorization" in one for one in run.headers)


@pytest.mark.parametrize(
    ("revision", "endpoint", "said"),
    [
        (None, "http://127.0.0.1:1", "no revision to deploy"),
        ("Not A Name", "http://127.0.0.1:1", "lower-case letters"),
        ("v2", "https://run.googleapis.com", "signing in: .*missing.json"),
    ],
)
async def test_what_can_be_known_before_the_run_is_said_before_it(
    revision: str | None, endpoint: str, said: str, run: CloudRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "missing.json")
    with pytest.raises(UsageError, match=said):
        await deployer(run, revision, endpoint=endpoint).prepare()
    assert run.calls == []

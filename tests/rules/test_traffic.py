"""Traffic as numbers: nobody is moved who was not meant to be, and every difference is said."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from data.records.cloud_run import CloudRunService, DeployCloudRun
from data.records.plan import Plan
from data.records.traffic import Route
from data.rules.planning.cloud_run import cloud_run_faults
from data.rules.planning.promotion import promotion_faults
from data.rules.traffic import (
    all_to,
    allocation,
    drift,
    pinned,
    revision_name,
    shared,
    tagged,
    with_tag,
)

NAMES = st.sampled_from(["a-1", "a-2", "a-3"])
TAGS = st.sampled_from(["", "", "candidate", "green"])


@st.composite
def traffic(draw: st.DrawFn) -> tuple[Route, ...]:
    """Percents that make 100, and each tag once."""
    cut = draw(st.integers(0, 100))
    routes = [Route(revision=draw(NAMES), percent=p) for p in (cut, 100 - cut) if p]
    tags = draw(st.lists(TAGS, max_size=3, unique=True))
    routes += [Route(revision=draw(NAMES), tag=tag) for tag in tags if tag]
    return tuple(draw(st.permutations(routes)))


@settings(max_examples=40, deadline=None)
@given(traffic(), NAMES)
def test_a_tag_moves_nobody_and_is_on_one_revision(routes: tuple[Route, ...], name: str) -> None:
    after = with_tag(routes, name, "candidate")
    assert allocation(after) == allocation(routes)
    assert [r.revision for r in after if r.tag == "candidate"] == [name]
    assert tagged(after, "green") == tagged(routes, "green")
    assert with_tag(after, name, "candidate") == after


@settings(max_examples=40, deadline=None)
@given(traffic(), NAMES)
def test_all_means_all_and_tags_stay(routes: tuple[Route, ...], name: str) -> None:
    after = all_to(routes, name)
    assert allocation(after) == {name: 100}
    for tag in ("candidate", "green"):
        before = tagged(routes, tag)
        assert tagged(after, tag) == before


@settings(max_examples=40, deadline=None)
@given(traffic(), NAMES, st.integers(1, 99))
def test_a_split_takes_from_one_revision_alone(
    routes: tuple[Route, ...], name: str, percent: int
) -> None:
    others = set(allocation(routes)) - {name}
    if len(others) != 1:
        with pytest.raises(ValueError, match=r"split among several|: a-"):
            shared(routes, name, percent)
        return
    assert allocation(shared(routes, name, percent)) == {
        name: percent, others.pop(): 100 - percent,
    }  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(traffic(), traffic())
def test_drift_is_said_exactly_where_users_or_tags_differ(
    wanted: tuple[Route, ...], found: tuple[Route, ...]
) -> None:
    tags = {r.tag: r.revision for r in wanted if r.tag}
    held = {r.tag: r.revision for r in found if r.tag}
    same = allocation(wanted) == allocation(found) and all(
        held.get(t) == r for t, r in tags.items()
    )
    assert (drift(wanted, found) == "") == same


def test_the_latest_is_named_so_that_a_new_one_gets_nobody() -> None:
    routes = (Route(percent=90), Route(revision="a-1", percent=10), Route(tag="green"))
    assert [r.revision for r in pinned(routes, "a-7")] == ["a-7", "a-1", "a-7"]


@pytest.mark.parametrize(
    ("given_name", "name"),
    [("v1", "chat-v1"), ("chat-v1", "chat-v1"), ("1a2b3c", "chat-1a2b3c"), ("chat", "chat-chat")],
)
def test_a_revision_is_named_after_its_service(given_name: str, name: str) -> None:
    assert revision_name("chat", given_name) == name


@pytest.mark.parametrize("name", ["", "latest", "Previous", "V1", "v_1", "v1-", "ü", "x" * 70])
def test_what_is_no_name_of_a_revision_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        revision_name("chat", name)


@pytest.mark.parametrize(
    "image", ["app", "app:1.2", "app:latest", "app@sha256:12", "@sha256:" + "0" * 64,
              "app@sha256:" + "G" * 64, "app@sha256:" + "0" * 64 + "\n"],
)  # fmt: skip
def test_an_image_without_a_digest_is_refused(image: str) -> None:
    with pytest.raises(ValidationError, match="by digest"):
        CloudRunService(service="chat", image=image)


WHOLE: dict[str, Any] = {
    "deployer": "cloud-run", "project": "shop-1", "region": "europe-west1",
    "services": {"api": {"service": "chat", "image": "app@sha256:" + "0" * 64}},
}  # fmt: skip
WRONG = {
    "http to a stranger": {"endpoint": "http://run.example.com"},
    "a path": {"endpoint": "https://run.example.com/v2"},
    "no address": {"endpoint": "run.googleapis.com"},
    "like this machine": {"endpoint": "http://127.0.0.1.example.com"},
    "half a percent": {"split": "0.5 %"},
    "everybody": {"split": "100 %"},
    "a tag that cannot be": {"tag": "Candidate"},
    "nothing to deploy": {"services": {}},
    "a revision in capitals": {"revision": "V1"},
}


@pytest.mark.parametrize("case", WRONG)
def test_what_the_platform_or_a_thief_would_like_is_a_fault_of_the_plan(case: str) -> None:
    DeployCloudRun.model_validate(WHOLE)
    with pytest.raises(ValidationError):
        DeployCloudRun.model_validate({**WHOLE, **WRONG[case]})


@pytest.mark.parametrize(
    "endpoint", ["http://127.0.0.1:8080", "http://[::1]:8080/", "http://localhost:1"]
)
def test_plain_http_is_for_this_machine(endpoint: str) -> None:
    made = DeployCloudRun.model_validate({**WHOLE, "endpoint": endpoint})
    assert made.endpoint == endpoint.rstrip("/")


def plan(url: str = "http://a.test", **changes: Any) -> Plan:
    return Plan.model_validate(
        {
            "plan": "site", "environment": "test", "deploy": {**WHOLE, **changes}, "promotion": {},
            "services": {"api": {"url": url, "revision": {"json": "revision"}}},
            "phases": [{"id": "p", "priority": "P1"}],
        }
    )  # fmt: skip


def test_a_plan_with_it_may_promote() -> None:
    assert list(promotion_faults(plan())) == []


def app(service: str) -> dict[str, str]:
    return {"service": service, "image": "app@sha256:" + "0" * 64}


FAULTS: dict[str, tuple[Plan, list[str]]] = {
    "sound": (plan(), []),
    "its tag": (plan("https://candidate---chat-abc-ew.a.run.app"), []),
    "behind a name of one's own": (plan("https://candidate.example.com"), []),
    "where users are": (plan("https://chat-abc-ew.a.run.app"),
        ["chat-abc-ew.a.run.app is where users are served: a new revision answers at its tag 'candidate'"]),
    "another tag": (plan("https://green---chat-abc-ew.a.run.app"),
        ["green---chat-abc-ew.a.run.app is the address of the tag 'green': a new revision answers at its tag 'candidate'"]),
    "nobody's": (plan(services={"api": app("chat"), "web": app("web")}), ["unknown service 'web'"]),
    "twice": (plan(services={"api": app("chat"), "web": app("chat")}),
        ["'chat' is deployed 2 times", "unknown service 'web'", "'chat' is deployed 2 times"]),
    "too long": (plan(revision="x" * 60), [f"expected at most 63 characters, 'chat-{'x' * 60}' has 65"]),
    "latest": (plan(revision="latest"), ["expected the name of a revision, got 'latest'"]),
}  # fmt: skip


@pytest.mark.parametrize("case", FAULTS)
def test_a_plan_for_it_says_all_its_faults_at_once(case: str) -> None:
    found, said = FAULTS[case]
    assert [text for _, text, _ in cloud_run_faults(found)] == said

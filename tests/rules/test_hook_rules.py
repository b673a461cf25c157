"""One deployment, one run; what is late, repeated, malformed or too much starts nothing."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import PlanError, UsageError
from data.records.hooks import HookDelivery, Ignored, Move, Placed, Source, Target, Told
from data.rules.hooks.bucket import Bucket, retry_after_s, take
from data.rules.hooks.config import read_hooks
from data.rules.hooks.meaning import meaning_of
from data.rules.hooks.placing import key_of, parameters_of, place, standing_after
from data.rules.hooks.reading import moment, parsed, revision

T0 = datetime(2026, 1, 1, tzinfo=UTC)
ENV = {"HOOK_SECRET": "s" * 32, "SIGNING": "whsec_" + base64.b64encode(b"k" * 32).decode()}
CONFIG = """
sources:
  ci: {kind: standard, secrets: [SIGNING], environments: {prod: production}}
environments:
  production: {deployment: validate/production}
"""


def told(name: str, at_s: float) -> Told:
    return Told(places=("prod",), revisions={"": name}, deployed_at=T0 + timedelta(seconds=at_s))


def walk(words: list[Told], same_within_s: float = 900) -> tuple[list[Move], list[Placed]]:
    moves, stands, standing = [], [], None
    for word in words:
        move, standing = place("e", standing, word, same_within_s)
        moves.append(move)
        stands.append(standing)
    return moves, stands


WORDS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 800)), min_size=1, max_size=40).map(
    lambda pairs: [told(f"r{name}", name * 1000 + late) for name, late in pairs]
)


@given(WORDS)
def test_each_deployment_starts_at_most_one_run_in_any_order(words: list[Told]) -> None:
    moves, stands = walk(words)
    started = [s.key for m, s in zip(moves, stands, strict=True) if m is Move.START]
    assert len(started) == len(set(started))
    assert len(started) <= len({w.revisions[""] for w in words})


@given(WORDS)
def test_the_newest_deployment_stands_at_the_end_in_any_order(words: list[Told]) -> None:
    newest = max(words, key=lambda word: word.deployed_at)
    assert walk(words)[1][-1].revisions == newest.revisions


@given(WORDS)
def test_repeating_every_word_changes_nothing(words: list[Told]) -> None:
    twice = [word for word in words for _ in range(2)]
    assert walk(twice)[1][1::2] == walk(words)[1]


@given(WORDS)
def test_a_restart_knows_what_stood(words: list[Told]) -> None:
    moves, stands = walk(words)
    rows = [
        HookDelivery(
            row_id=str(n), at=T0, source="ci", status=202, outcome="STARTED", environment="e",
            revisions=s.revisions, deployed_at=s.told_at, key=s.key,
        )
        for n, (m, s) in enumerate(zip(moves, stands, strict=True))
        if m is Move.START
    ]  # fmt: skip
    assert standing_after(rows) == {"e": stands[-1]}


def test_a_thousand_deliveries_over_fifty_deployments_are_fifty_runs() -> None:
    import random

    words = [(f"env-{n % 50}", told(f"r{n % 50}", n % 50 + n / 100)) for n in range(900)]
    words += words[:100]
    random.Random(7).shuffle(words)
    stands: dict[str, Placed] = {}
    keys = []
    for environment, word in words:
        move, stands[environment] = place(environment, stands.get(environment), word, 900)
        keys += [stands[environment].key] if move is Move.START else []
    assert len(keys) == len(set(keys)) == 50


TURNS: dict[str, tuple[list[Told], list[str]]] = {
    "redelivered": ([told("a", 0), told("a", 0)], ["START", "SAME"]),
    "by a second source, later": ([told("a", 0), told("a", 60)], ["START", "SAME"]),
    "by a second source, earlier": ([told("a", 60), told("a", 0)], ["START", "SAME"]),
    "newer": ([told("a", 0), told("b", 1)], ["START", "START"]),
    "older": ([told("b", 1), told("a", 0)], ["START", "OLDER"]),
    "a late repeat of the one before": (
        [told("a", 0), told("b", 5), told("a", 0)],
        ["START", "START", "OLDER"],
    ),
    "a repeat of what another one overtook at the same moment": (
        [told("a", 1), told("b", 1), told("a", 1)],
        ["START", "START", "OLDER"],
    ),
    "back again": ([told("a", 0), told("b", 5), told("a", 9)], ["START", "START", "START"]),
    "deployed again after a while": ([told("a", 0), told("a", 1000)], ["START", "START"]),
}


@pytest.mark.parametrize("words,moves", TURNS.values(), ids=TURNS)
def test_what_a_word_leads_to(words: list[Told], moves: list[str]) -> None:
    assert [str(m) for m in walk(words)[0]] == moves


def test_what_comes_back_has_a_key_of_its_own() -> None:
    _, stands = walk([told("a", 0), told("b", 5), told("a", 9)])
    assert len({s.key for s in stands}) == 3


def test_the_key_is_of_environment_and_revision_set_in_any_order() -> None:
    assert key_of("e", {"a": "1", "b": "2"}) == key_of("e", {"b": "2", "a": "1"})
    others = [("e", {"a": "1"}), ("e", {"a": "2", "b": "1"}), ("f", {"a": "1", "b": "2"})]
    assert len({key_of("e", {"a": "1", "b": "2"}), *(key_of(*one) for one in others)}) == 4


def test_parameters_are_filled_in_wherever_they_stand() -> None:
    given_ = {
        "overrides": {"x": "{{revisions.api}}"},
        "list": ["{{revision}}"],
        "skip_deploy": True,
    }
    placed = Placed(key="e-1", revisions={"api": "a1", "web": "w1"}, told_at=T0)
    assert parameters_of(Target(deployment="a/b", parameters=given_), placed) == {
        "revision": "api=a1,web=w1", "run_id": "hook-e-1", "skip_deploy": True,
        "overrides": {"x": "a1"}, "list": ["api=a1,web=w1"],
    }  # fmt: skip


@given(st.lists(st.floats(0, 100), max_size=60), st.floats(0.1, 10), st.integers(1, 20))
def test_no_span_of_time_passes_more_than_burst_and_rate(
    times: list[float], rate: float, burst: int
) -> None:
    bucket: Bucket | None = None
    passed = []
    for at_s in sorted(times):
        passes, bucket = take(bucket, at_s, rate, burst)
        passed += [at_s] if passes else []
    for i, first in enumerate(passed):
        for j in range(i, len(passed)):
            assert j - i + 1 <= burst + rate * (passed[j] - first) + 1e-6


def test_a_bucket_says_when_to_come_again() -> None:
    _, bucket = take(None, 0, 0.5, 1)
    passes, bucket = take(bucket, 0, 0.5, 1)
    assert not passes and retry_after_s(bucket, 0.5) == 2
    assert take(bucket, 2, 0.5, 1)[0]


# --- meaning

AT = "2026-01-01T00:00:00Z"


def source(kind: str) -> Source:
    extra: dict[str, Any] = (
        {"oidc": {"audience": "a", "email": "a@b"}} if kind == "google" else {"secrets": ("S",)}
    )
    places = dict.fromkeys(("prod", "protect:prod", "p/api", "pipe/prod"), "production")
    return Source(kind=kind, environments=places, **extra)  # type: ignore[arg-type]


def github(state: str = "success", **more: Any) -> dict[str, Any]:
    return {
        "deployment": {"environment": "prod", "sha": "abc"},
        "deployment_status": {"state": state, "created_at": AT},
        **more,
    }


def gitlab(status: str = "success") -> dict[str, Any]:
    return {"object_kind": "deployment", "status": status, "environment": "prod",
            "commit_url": "https://gitlab/x/-/commit/abc", "status_changed_at": "2026-01-01 01:00:00 +0100"}  # fmt: skip


def pushed(data: dict[str, Any], **attributes: str) -> dict[str, Any]:
    text = base64.b64encode(json.dumps(data).encode()).decode()
    return {"message": {"data": text, "attributes": attributes, "publishTime": AT}}


def cloud_run(ready: str, created: str) -> dict[str, Any]:
    return pushed({
        "timestamp": AT, "resource": {"labels": {"project_id": "p", "service_name": "api"}},
        "protoPayload": {"serviceName": "run.googleapis.com", "methodName": "google.cloud.run.v2.Services.UpdateService",
                         "response": {"status": {"latestReadyRevisionName": ready, "latestCreatedRevisionName": created}}},
    })  # fmt: skip


def plain(**data: Any) -> dict[str, Any]:
    return {
        "type": "deployment.succeeded",
        "timestamp": AT,
        "data": {"environment": "prod", **data},
    }


ROLLOUT = {
    "ResourceType": "Rollout",
    "TargetId": "prod",
    "ReleaseId": "abc",
    "DeliveryPipelineId": "pipe",
}
STATUS = {"x-github-event": "deployment_status"}
RULE = {"x-github-event": "deployment_protection_rule"}
HOOK = {"x-gitlab-event": "Deployment Hook"}
WAITS = {
    "action": "requested",
    "environment": "prod",
    "deployment": {"sha": "abc", "created_at": AT},
    "deployment_callback_url": "https://x",
}
MEANT: dict[str, tuple[str, dict[str, str], dict[str, Any], dict[str, str]]] = {
    "GitHub": ("github", STATUS, github(), {"": "abc"}),
    "GitHub, protection rule": ("github", RULE, WAITS, {"": "abc"}),
    "GitLab": ("gitlab", HOOK, gitlab(), {"": "abc"}),
    "Cloud Deploy": ("google", {}, pushed({}, Action="Succeed", **ROLLOUT), {"": "abc"}),
    "Cloud Run": ("google", {}, cloud_run("api-2", "api-2"), {"api": "api-2"}),
    "Argo CD": ("argocd", {}, plain(revision="abc"), {"": "abc"}),
    "any CI": ("standard", {}, plain(revision="abc"), {"": "abc"}),
    "any CI, several services": (
        "standard",
        {},
        plain(revisions={"a": "1", "b": "2"}),
        {"a": "1", "b": "2"},
    ),
}


@pytest.mark.parametrize("kind,headers,body,revisions", MEANT.values(), ids=MEANT)
def test_each_sender_is_understood(
    kind: str, headers: dict[str, str], body: dict[str, Any], revisions: dict[str, str]
) -> None:
    meant = meaning_of(source(kind), headers, body)
    assert not isinstance(meant, Ignored)
    assert (meant[0], meant[1].revisions, meant[1].deployed_at) == ("production", revisions, T0)


IGNORED: dict[str, tuple[str, dict[str, str], dict[str, Any]]] = {
    "GitHub, another event": ("github", {"x-github-event": "push"}, {}),
    "GitHub, in progress": ("github", STATUS, github("in_progress")),
    "GitHub, failed": ("github", STATUS, github("failure")),
    "GitHub, another place": ("github", STATUS, github(deployment={"environment": "Prod", "sha": "abc"})),
    "GitHub, a place that only looks the same": ("github", STATUS, github(deployment={"environment": "prоd", "sha": "abc"})),
    "GitLab, another event": ("gitlab", {"x-gitlab-event": "Push Hook"}, {}),
    "GitLab, running": ("gitlab", HOOK, gitlab("running")),
    "Cloud Deploy, began": ("google", {}, pushed({}, Action="Start", **ROLLOUT)),
    "Cloud Deploy, a release": ("google", {}, pushed({}, **{**ROLLOUT, "ResourceType": "Release", "Action": "Succeed"})),
    "Cloud Run, not ready": ("google", {}, cloud_run("api-1", "api-2")),
    "Google, something else": ("google", {}, pushed({"a": 1})),
    "any CI, another event": ("standard", {}, {"type": "build.finished"}),
}  # fmt: skip


@pytest.mark.parametrize("kind,headers,body", IGNORED.values(), ids=IGNORED)
def test_what_deploys_nothing_is_ignored_with_a_reason(
    kind: str, headers: dict[str, str], body: dict[str, Any]
) -> None:
    meant = meaning_of(source(kind), headers, body)
    assert isinstance(meant, Ignored) and meant.reason.isascii()


WRONG: dict[str, tuple[str, dict[str, str], dict[str, Any]]] = {
    "no state": ("github", STATUS, {"deployment_status": {}}),
    "sha is a number": ("github", STATUS, github(deployment={"environment": "prod", "sha": 7})),
    "sha with a look-alike": ("github", STATUS, github(deployment={"environment": "prod", "sha": "аbc"})),
    "sha with a newline": ("github", STATUS, github(deployment={"environment": "prod", "sha": "abc\n"})),
    "time without a zone": ("github", STATUS, github(deployment_status={"state": "success", "created_at": "2026-01-01T00:00:00"})),
    "GitLab, another kind": ("gitlab", HOOK, {"object_kind": "push"}),
    "data is no base64": ("google", {}, {"message": {"data": "!"}}),
    "data is missing": ("google", {}, {"message": {}}),
    "no revision": ("standard", {}, plain()),
    "revisions is a list": ("standard", {}, plain(revisions=["a"])),
    "revisions is empty": ("standard", {}, plain(revisions={})),
    "a revision is null": ("standard", {}, plain(revisions={"a": None})),
}  # fmt: skip


@pytest.mark.parametrize("kind,headers,body", WRONG.values(), ids=WRONG)
def test_a_known_event_without_its_fields_is_refused(
    kind: str, headers: dict[str, str], body: dict[str, Any]
) -> None:
    with pytest.raises(UsageError, match="expected"):
        meaning_of(source(kind), headers, body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b"nul",
        b"\xff{}",
        b'{"a":1,"a":2}',
        b'{"a":NaN}',
        b'{"a":{"b":1,"b":1}}',
        b"[" * 100_000,
        b'"x"',
        b"payload=%7B%7D",
        b"\xef\xbb\xbf{}",
        b"9" * 5000,
        "{}".encode("utf-16"),
    ],
)
def test_what_is_no_plain_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(UsageError, match="expected"):
        parsed(body)


@given(st.text())
def test_a_revision_is_plain_ascii_or_refused(text: str) -> None:
    try:
        assert revision(text).isascii() and not set(text) & set(" \n\t\"'{}<>$`;|&")
    except UsageError as error:
        assert str(error).isascii()


@given(st.binary(max_size=200))
def test_no_bytes_crash_the_reading(body: bytes) -> None:
    with suppress(UsageError):
        assert isinstance(parsed(body), dict)


def test_times_of_all_senders_are_one() -> None:
    told_ = (
        "2026-01-01T01:00:00+01:00",
        "2026-01-01 00:00:00 UTC",
        "2026-01-01 01:00:00 +0100",
        AT,
    )
    assert {moment(one) for one in told_} == {T0}


@pytest.mark.parametrize(
    "text",
    ["", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-01-01", "٢٠٢٦-٠١-٠١T00:00:00Z"],
)  # fmt: skip
def test_a_time_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="expected a time with a zone"):
        moment(text)


# --- hooks.yaml


def test_a_good_file_is_read() -> None:
    hooks = read_hooks(CONFIG, "hooks.yaml", ENV)
    assert hooks.environments["production"].parameters == {"skip_deploy": True}


FAULTS: dict[str, tuple[str, str, str]] = {
    "unknown key": ("kind: standard,", "kind: standard, secrts: [A],", "did you mean 'secrets'?"),
    "unknown key of an environment": (
        "deployment: validate",
        "deploymnt: 1, deployment: validate",
        "did you mean 'deployment'?",
    ),
    "unknown kind": ("kind: standard", "kind: jenkins", "'github', 'gitlab'"),
    "no secret": ("secrets: [SIGNING], ", "", "needs `secrets`"),
    "secret that is not set": ("[SIGNING]", "[OTHER_NAME]", "the variable OTHER_NAME is not set"),
    "secret that cannot sign": ("[SIGNING]", "[HOOK_SECRET]", "expected whsec_"),
    "secret in clear": ("[SIGNING]", "[whsec_abc/def]", "sources.ci.secrets[0]"),
    "environment that is not there": (
        "prod: production",
        "prod: prodution",
        "no environment 'prodution'",
    ),
    "no deployment of Prefect": ("validate/production", "validate", "of the form"),
    "google without oidc": ("kind: standard", "kind: google", "needs `oidc`"),
}


@pytest.mark.parametrize("old,new,said", FAULTS.values(), ids=FAULTS)
def test_a_fault_says_where_and_what_to_do(old: str, new: str, said: str) -> None:
    with pytest.raises(PlanError) as caught:
        read_hooks(CONFIG.replace(old, new), "hooks.yaml", ENV)
    assert said in str(caught.value) and "hooks.yaml:" in str(caught.value)
    assert "abc/def" not in str(caught.value)


def test_all_faults_come_at_once() -> None:
    with pytest.raises(PlanError) as caught:
        read_hooks(
            CONFIG.replace("kind:", "knd: 1, kind:").replace("deployment:", "x: 1, deployment:"),
            "h",
            ENV,
        )
    assert len(caught.value.faults) == 2


@pytest.mark.parametrize("torn", ["\n", " ", "\udcff"])
def test_a_secret_that_no_sender_can_have_is_refused_and_not_shown(torn: str) -> None:
    with pytest.raises(PlanError) as caught:
        read_hooks(CONFIG, "h", {"SIGNING": ENV["SIGNING"] + torn})
    assert "white space" in str(caught.value) and ENV["SIGNING"] not in str(caught.value)


def test_a_short_secret_is_refused_and_not_shown() -> None:
    with pytest.raises(PlanError) as caught:
        read_hooks(CONFIG, "h", {"SIGNING": "hunter2"})
    assert "shorter than 16" in str(caught.value) and "hunter2" not in str(caught.value)

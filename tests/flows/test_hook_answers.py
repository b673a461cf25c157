"""A forge that told of a deployment hears how its run ended: at its own address, once, in the end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from forge_server import TOKEN, Forge, forge_server
from test_hooks import AT, ENV, Gate, hub, serving

import flows.hooks.answering as answering
from data.rules.hooks.answers import callback_path, review_of

SHA = "a1b2c3d4e5f6"
CONFIG = """
sources:
  hub:
    kind: github
    secrets: [HUB]
    environments: {{prod: production, "protect:prod": production}}
    answers: {{token_in: FORGE, api: "{api}"{more}}}
environments:
  production: {{deployment: validate/production}}
link: https://gate.test/runs/{{{{run_id}}}}
"""
Serve = Callable[..., AbstractAsyncContextManager[Gate]]


@pytest.fixture
def forge(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Forge, str]]:
    monkeypatch.setattr(answering, "POLL_S", 0.02)
    monkeypatch.setattr(answering, "_AGAIN_S", (0.02,))
    with forge_server() as made:
        yield made


@pytest.fixture
def serve(forge: tuple[Forge, str], tmp_path: Path) -> Serve:
    def make(more: str = "", token: str = TOKEN) -> AbstractAsyncContextManager[Gate]:
        config = CONFIG.format(api=forge[1], more=more)
        return serving(tmp_path, config, {**ENV, "FORGE": token})

    return make


@pytest.fixture
async def gate(serve: Serve) -> AsyncIterator[Gate]:
    async with serve() as found:
        yield found


def origin() -> dict[str, Any]:
    return {"repository": {"full_name": "o/r"}, "installation": {"id": 5}}


async def deployed(gate: Gate, sha: str = SHA, late_s: float = 0) -> httpx.Response:
    at = (AT + timedelta(seconds=late_s)).isoformat()
    told = {"deployment": {"environment": "prod", "sha": sha}}
    told |= {"deployment_status": {"state": "success", "created_at": at}}
    body = json.dumps(told | origin()).encode()
    return await gate.post("hub", body, hub(body, id=sha))


async def waits(gate: Gate, callback: str, late_s: float = 0, sha: str = SHA) -> httpx.Response:
    at = (AT + timedelta(seconds=late_s)).isoformat()
    told = {"action": "requested", "environment": "prod", "deployment_callback_url": callback}
    told |= {"deployment": {"sha": sha, "created_at": at}}
    body = json.dumps(told | origin()).encode()
    return await gate.post("hub", body, hub(body, "deployment_protection_rule"))


def review_url(api: str, run: int = 1) -> str:
    return f"{api}/repos/o/r/actions/runs/{run}/deployment_protection_rule"


async def ends(gate: Gate, state: str, why: str = "because") -> None:
    await gate.receiver.settle()
    gate.ledger.over[f"flow-{gate.ledger.keys[-1]}"] = (state, why)
    await quiet(gate)


async def quiet(gate: Gate) -> None:
    await until(lambda: all(a for (a,) in gate.rows("answered")))


async def until(what: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not what():  # noqa: ASYNC110  what is waited for happens on another server
            await asyncio.sleep(0.01)


async def test_a_commit_shows_the_run_and_then_its_verdict_with_a_link(
    forge: tuple[Forge, str], gate: Gate
) -> None:
    run_id = (await deployed(gate)).json()["run_id"]
    await ends(gate, "HOLD", "chat: 3 failed > 0 tolerated")
    link = {"target_url": f"https://gate.test/runs/{run_id}", "context": "golden-path/production"}
    assert forge[0].got == [
        ("POST", f"/repos/o/r/statuses/{SHA}", {"state": "pending", "description": "running", **link}),
        ("POST", f"/repos/o/r/statuses/{SHA}", {"state": "failure", "description": "HOLD: chat: 3 failed > 0 tolerated", **link}),
    ]  # fmt: skip


REVIEWS: dict[str, tuple[str, str, str | None]] = {
    "promote": ("PROMOTE", "rejected", "approved"),
    "watch": ("PROMOTE_WITH_WATCH", "rejected", "approved"),
    "hold": ("HOLD", "rejected", "rejected"),
    "hold, for a person": ("HOLD", "pending", None),
    "roll back": ("ROLL_BACK", "pending", "rejected"),
    "superseded": ("SUPERSEDED", "pending", "rejected"),
    "crashed": ("Crashed", "rejected", "rejected"),
    "crashed, for a person": ("Crashed", "pending", None),
    "completed, which is no verdict": ("Completed", "rejected", "rejected"),
}


@pytest.mark.parametrize("state,hold,review", REVIEWS.values(), ids=REVIEWS)
def test_an_approval_alone_lets_a_deployment_through(
    state: str, hold: str, review: str | None
) -> None:
    body = review_of(state, "because", "prod", hold, "https://gate.test/1")
    comment = f"{state}: because\nhttps://gate.test/1"
    wanted = {"environment_name": "prod", "state": review, "comment": comment}
    assert body == (wanted if review else None)


async def test_a_deployment_that_waits_is_left_to_a_person_where_that_is_wanted(
    forge: tuple[Forge, str], serve: Serve
) -> None:
    async with serve(", hold: pending") as gate:
        await waits(gate, review_url(forge[1]))
        await ends(gate, "HOLD")
        assert gate.rows("answered") == [("HOLD: left to a person",)]
    assert forge[0].bodies("deployment_protection_rule") == []


ELSEWHERE: dict[str, str] = {
    "another host": "http://127.0.0.1:1/repos/o/r/actions/runs/1/deployment_protection_rule",
    "another name of the host": "{local}/repos/o/r/actions/runs/1/deployment_protection_rule",
    "the metadata service": "http://169.254.169.254/repos/o/r/actions/runs/1/deployment_protection_rule",
    "a user before the host": "http://{host}@evil.test/repos/o/r/actions/runs/1/deployment_protection_rule",
    "the host as user": "http://u:p@{host}/repos/o/r/actions/runs/1/deployment_protection_rule",
    "the host as prefix": "{api}.evil.test/repos/o/r/actions/runs/1/deployment_protection_rule",
    "another scheme": "https://{host}/repos/o/r/actions/runs/1/deployment_protection_rule",
    "a file": "file:///etc/passwd",
    "another call": "{api}/repos/o/r/issues",
    "another project": "{api}/repos/o/other/actions/runs/1/deployment_protection_rule",
    "up and away": "{api}/repos/../r/actions/runs/1/deployment_protection_rule",
    "encoded": "{api}/repos/o%2f..%2fx/r/actions/runs/1/deployment_protection_rule",
    "a query": "{api}/repos/o/r/actions/runs/1/deployment_protection_rule?x=1",
    "a line": "{api}/repos/o/r/actions/runs/1/deployment_protection_rule\n",
    "a backslash": "{api}\\@evil.test/repos/o/r/actions/runs/1/deployment_protection_rule",
    "no address": "x",
}


@pytest.mark.parametrize("callback", ELSEWHERE.values(), ids=ELSEWHERE)
def test_no_other_address_is_a_callback(callback: str) -> None:
    host, place = "127.0.0.1:8000", f"github:o/r@{SHA}"
    api, local = f"http://{host}", "http://localhost:8000"
    given = callback.format(api=api, host=host, local=local)
    assert callback_path(api, given, place) is None
    assert callback_path(f"{api}/api/v3", review_url(api), place) is None
    assert callback_path(api, review_url(api), place) == review_url("")[1:]
    assert callback_path(f"{api}/v3/", review_url(f"{api}/v3"), place) == review_url("")[1:]


async def test_a_callback_to_elsewhere_is_refused_and_starts_nothing(
    forge: tuple[Forge, str], gate: Gate
) -> None:
    answer = await waits(gate, review_url("http://169.254.169.254"))
    assert (answer.status_code, answer.json()["outcome"]) == (400, "REFUSED")
    await gate.receiver.settle()
    assert gate.ledger.keys == [] and forge[0].got == []


async def test_each_that_waits_is_answered_once(forge: tuple[Forge, str], gate: Gate) -> None:
    await deployed(gate)
    await waits(gate, review_url(forge[1], 1))
    await waits(gate, review_url(forge[1], 1))
    await waits(gate, review_url(forge[1], 2), late_s=-30)
    await waits(gate, review_url(forge[1], 3), late_s=-60, sha="0ld0ld0")
    await gate.receiver.settle()
    gate.ledger.over[f"flow-{gate.ledger.keys[-1]}"] = ("PROMOTE", "all good")
    await until(lambda: len(forge[0].bodies("protection_rule")) >= 3)
    await asyncio.sleep(0.1)
    reviews = {p.split("/")[6]: b["state"] for _, p, b in forge[0].got if "runs" in p}
    assert reviews == {"1": "approved", "2": "approved", "3": "rejected"}
    assert len(forge[0].bodies("protection_rule")) == 3


async def test_the_next_process_answers_what_this_one_could_not(
    forge: tuple[Forge, str], serve: Serve
) -> None:
    async with serve() as gate:
        await waits(gate, review_url(forge[1]))
        await gate.receiver.settle()
        key = gate.ledger.keys[0]
    for _ in range(2):
        async with serve() as gate:
            gate.ledger.over[f"flow-{key}"] = ("PROMOTE", "all good")
            await until(lambda: forge[0].bodies("protection_rule"))
            await asyncio.sleep(0.2)
    assert [b["state"] for b in forge[0].bodies("protection_rule")] == ["approved"]


async def test_a_forge_that_is_away_is_told_later(forge: tuple[Forge, str], gate: Gate) -> None:
    await waits(gate, review_url(forge[1]))
    await gate.receiver.settle()
    await until(lambda: forge[0].got)
    forge[0].first = [(503, {"retry-after": "0"}, "")] * 9
    await ends(gate, "PROMOTE")
    assert forge[0].bodies("protection_rule")[-1]["state"] == "approved"
    assert [a for (a,) in gate.rows("answered")] == ["PROMOTE: approved"]


async def test_a_token_that_may_not_is_said_and_kept_nowhere(
    forge: tuple[Forge, str], serve: Serve
) -> None:
    async with serve(token="a-wrong-token-of-length") as gate:
        await deployed(gate)
        await ends(gate, "PROMOTE")
        [(said,)] = gate.rows("answered")
        kept = gate.receiver.book.path.read_bytes()
    assert said == f"not answered: github answered 401 to /repos/o/r/statuses/{SHA}"
    assert b"a-wrong-token" not in kept


async def test_an_app_answers_with_a_token_of_its_installation(
    forge: tuple[Forge, str], serve: Serve
) -> None:
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    forge[0].apps["77"] = key.public_key()
    async with serve(', app: "77"', token=pem) as gate:
        await waits(gate, review_url(forge[1]))
        await ends(gate, "PROMOTE")
    assert forge[0].bodies("protection_rule")[0]["state"] == "approved"
    assert forge[0].paths().count("/app/installations/5/access_tokens") == 1

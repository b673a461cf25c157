"""Requests against the receiver behind a real server: what starts a run, and what never does."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from data.errors import GoldenPathError, UsageError
from data.report.document import run_document
from data.report.html import run_html
from data.rules.hooks.config import read_hooks
from data.store.connect import writing
from data.store.lock import Deadline
from data.store.warehouse import Warehouse
from flows.hooks.app import make_app
from flows.hooks.receiver import Receiver
from tasks.hooks.signatures import sign_standard
from tasks.record import Recorder
from tests.store.runs import run

SIGNING = "whsec_" + base64.b64encode(b"k" * 32).decode()
ROTATED = "whsec_" + base64.b64encode(b"r" * 32).decode()
HUB = "a-long-secret-of-github"
READ = "a-long-token-to-read"
ENV = {
    "SIGNING": SIGNING,
    "ROTATED": ROTATED,
    "HUB": HUB,
    "ARGO": "a-long-token-of-argo",
    "READ": READ,
}
CONFIG = """
sources:
  ci: {kind: standard, secrets: [SIGNING, ROTATED], environments: {prod: production, test: staging}}
  hub: {kind: github, secrets: [HUB], environments: {prod: production}}
  argo: {kind: argocd, secrets: [ARGO], environments: {prod: production}}
environments:
  production: {deployment: validate/production}
  staging: {deployment: validate/staging}
read_tokens: [READ]
limits: {body_bytes: 100000, body_timeout_s: 0.4, rate_per_s: 1, burst: 200}
"""
AT = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)


class Ledger:
    """Runs by key, as Prefect keeps them; a place where tests read what was started."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.parameters: list[dict[str, Any]] = []
        self.ended: list[str] = []
        self.over: dict[str, tuple[str, str]] = {}
        self.down = False
        self.hold = asyncio.Event()
        self.hold.set()

    async def start(
        self, deployment: str, parameters: dict[str, Any], key: str, name: str
    ) -> tuple[str, str]:
        await self.hold.wait()
        if self.down:
            raise GoldenPathError("down")
        if key not in self.keys:
            self.keys.append(key)
            self.parameters.append(parameters)
        return f"flow-{key}", "Scheduled"

    async def end(self, flow_run_id: str, by: str, wait_s: float) -> bool:
        self.ended.append(flow_run_id)
        return True

    async def finals(self, flow_run_ids: Sequence[str]) -> dict[str, tuple[str, str]]:
        return {id: self.over[id] for id in flow_run_ids if id in self.over}

    async def answers(self) -> bool:
        return not self.down


@cache
def _empty_warehouse() -> Path:
    made = Path(tempfile.mkdtemp()) / "w.duckdb"
    with writing(made, Deadline(5)):
        return made


class Gate:
    """The receiver behind uvicorn on a port of its own."""

    def __init__(self, folder: Path, config: str = CONFIG, env: Mapping[str, str] = ENV) -> None:
        if not (folder / "w.duckdb").exists():  # making one takes half a second
            shutil.copy(_empty_warehouse(), folder / "w.duckdb")
        self.ledger, self.warehouse = Ledger(), folder / "w.duckdb"
        hooks = read_hooks(config, "hooks.yaml", env)
        self.receiver = Receiver(hooks, env, self.warehouse, self.ledger)
        app = make_app(self.receiver, (READ,))
        self.server = uvicorn.Server(
            uvicorn.Config(app, port=0, log_level="error", timeout_graceful_shutdown=1)
        )

    @property
    def port(self) -> int:
        return int(self.server.servers[0].sockets[0].getsockname()[1])

    async def post(
        self, name: str, body: bytes, headers: dict[str, str], **more: Any
    ) -> httpx.Response:
        return await self.client.post(f"/hooks/{name}", content=body, headers=headers, **more)

    async def standard(
        self,
        revision: str = "r1",
        late_s: float = 0,
        place: str = "prod",
        id: str = "m1",
        secret: str = SIGNING,
    ) -> httpx.Response:
        body = plain(revision, late_s, place)
        return await self.post("ci", body, signed(body, id, secret))

    def rows(self, *names: str) -> list[Any]:
        """These fields of each request, as the journal has them."""
        lines = map(json.loads, self.receiver.book.path.read_text().splitlines())
        latest = {row["row_id"]: row for row in lines}.values()
        return [tuple(row[name] for name in names) for row in latest]


@asynccontextmanager
async def serving(
    folder: Path, config: str = CONFIG, env: Mapping[str, str] = ENV
) -> AsyncIterator[Gate]:
    gate = Gate(folder, config, env)
    job = asyncio.create_task(gate.server.serve())
    try:
        while not (gate.server.started or job.done()):  # noqa: ASYNC110  uvicorn has no event for it
            await asyncio.sleep(0.005)
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{gate.port}", trust_env=False, timeout=60
        ) as gate.client:
            yield gate
    finally:
        gate.server.should_exit = True  # else its end is a traceback beside the test's own
        await job


@pytest.fixture
async def gate(tmp_path: Path) -> AsyncIterator[Gate]:
    async with serving(tmp_path) as found:
        yield found


def plain(revision: str, late_s: float = 0, place: str = "prod") -> bytes:
    told = {"environment": place, "revision": revision}
    at = (AT + timedelta(seconds=late_s)).isoformat()
    return json.dumps({"type": "deployment.succeeded", "timestamp": at, "data": told}).encode()


def signed(body: bytes, id: str = "m1", secret: str = SIGNING) -> dict[str, str]:
    now = int(time.time())
    return {
        "webhook-id": id,
        "webhook-timestamp": str(now),
        "webhook-signature": sign_standard(secret, id, now, body),
    }


def hub(body: bytes, event: str = "deployment_status", id: str = "g1") -> dict[str, str]:
    code = hmac.new(HUB.encode(), body, hashlib.sha256).hexdigest()
    return {
        "x-github-event": event,
        "x-github-delivery": id,
        "x-hub-signature-256": f"sha256={code}",
    }


def hub_body(revision: str, late_s: float = 0) -> bytes:
    at = (AT + timedelta(seconds=late_s)).isoformat()
    return json.dumps(
        {
            "deployment": {"environment": "prod", "sha": revision},
            "deployment_status": {"state": "success", "created_at": at},
        }
    ).encode()


async def test_a_deployment_starts_one_run_with_its_revision(gate: Gate) -> None:
    answer = await gate.standard("r1")
    assert (answer.status_code, answer.json()["outcome"]) == (202, "ACCEPTED")
    await gate.receiver.settle()
    [parameters] = gate.ledger.parameters
    assert parameters == {"skip_deploy": True, "revision": "r1", "run_id": answer.json()["run_id"]}
    gate.receiver.book.take_in(5)
    sql = "SELECT delivery_outcome, flow_run_id, environment, http_status FROM hook_deliveries"
    started = ("STARTED", f"flow-{gate.ledger.keys[0]}", "production", 202)
    assert Warehouse(gate.warehouse).query(sql)[1] == [started]


async def test_redelivery_and_a_second_source_start_nothing_more(gate: Gate) -> None:
    first = await gate.standard("r1")
    again = await gate.standard("r1")
    second = await gate.post("hub", hub_body("r1", 30), hub(hub_body("r1", 30)))
    await gate.receiver.settle()
    assert len(gate.ledger.keys) == 1
    assert [a.json()["outcome"] for a in (again, second)] == ["SAME", "SAME"]
    assert {a.json()["run_id"] for a in (first, again, second)} == {first.json()["run_id"]}


async def test_older_is_ignored_and_newer_ends_the_run_before(gate: Gate) -> None:
    await gate.standard("r2", 20)
    await gate.receiver.settle()
    older = await gate.standard("r1", 10)
    assert older.json()["outcome"] == "OLDER" and "older than" in older.json()["reason"]
    await gate.standard("r3", 30)
    await gate.receiver.settle()
    assert [p["revision"] for p in gate.ledger.parameters] == ["r2", "r3"]
    assert gate.ledger.ended == [f"flow-{gate.ledger.keys[0]}"]


async def test_environments_do_not_wait_for_each_other(gate: Gate) -> None:
    await gate.standard("r1", 0, "prod")
    await gate.standard("r1", 0, "test")
    await gate.receiver.settle()
    assert len(gate.ledger.keys) == 2 and gate.ledger.ended == []


async def test_what_is_overtaken_before_it_began_is_never_started(gate: Gate) -> None:
    gate.ledger.hold.clear()
    for n in range(4):
        await gate.standard(f"r{n}", n)
        await asyncio.sleep(0.02)
    gate.ledger.hold.set()
    await gate.receiver.settle()
    assert [p["revision"] for p in gate.ledger.parameters] == ["r0", "r3"]
    assert [o for (o,) in gate.rows("outcome")] == [
        "STARTED",
        "SUPERSEDED",
        "SUPERSEDED",
        "STARTED",
    ]


async def test_a_prefect_that_is_away_is_waited_for(gate: Gate) -> None:
    gate.ledger.down = True
    assert (await gate.standard("r1")).status_code == 202
    assert (await gate.client.get("/readyz")).status_code == 503
    await asyncio.sleep(0.1)
    gate.ledger.down = False
    await gate.receiver.settle()
    assert len(gate.ledger.keys) == 1
    assert (await gate.client.get("/readyz")).status_code == 200


async def test_what_was_accepted_is_started_by_the_next_process(tmp_path: Path) -> None:
    async with serving(tmp_path) as gate:
        gate.ledger.down = True
        await gate.standard("r1", 0)
    async with serving(tmp_path) as gate:
        await gate.receiver.settle()
        assert [p["revision"] for p in gate.ledger.parameters] == ["r1"]
        assert (await gate.standard("r1", 0)).json()["outcome"] == "SAME"
        assert (await gate.standard("r0", -9)).json()["outcome"] == "OLDER"
    async with serving(tmp_path) as gate:
        await gate.standard("r2", 9)
        await gate.receiver.settle()
        assert len(gate.ledger.ended) == 1, "the run of the process before"


async def test_two_receivers_never_write_one_warehouse(gate: Gate, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="another receiver"):
        Receiver(gate.receiver.hooks, ENV, tmp_path / "w.duckdb", Ledger())


async def test_a_secret_that_is_being_replaced_works_beside_the_new_one(gate: Gate) -> None:
    assert (await gate.standard("r1", secret=ROTATED)).status_code == 202


async def test_argo_cd_sends_its_token(gate: Gate) -> None:
    right = {"authorization": f"Bearer {ENV['ARGO']}"}
    assert (await gate.post("argo", plain("r1"), right)).status_code == 202
    assert (
        await gate.post("argo", plain("r1"), {"authorization": f"Bearer {ENV['ARGO']}x"})
    ).status_code == 401


BODY = plain("r1")
BAD: dict[str, tuple[int, Callable[[Gate], Any]]] = {
    "no headers": (401, lambda g: g.post("ci", BODY, {})),
    "another body": (401, lambda g: g.post("ci", BODY + b" ", signed(BODY))),
    "another secret": (401, lambda g: g.post("ci", BODY, signed(BODY, secret="whsec_" + base64.b64encode(b"x" * 32).decode()))),
    "of another source": (401, lambda g: g.post("hub", BODY, signed(BODY))),
    "a header twice": (400, lambda g: g.post("hub", hub_body("r1"), [*hub(hub_body("r1")).items(), ("x-hub-signature-256", "sha256=0")])),
    "no JSON": (400, lambda g: g.post("ci", b"{", signed(b"{"))),
    "a key twice": (400, lambda g: g.post("ci", b'{"type": "a", "type": "b"}', signed(b'{"type": "a", "type": "b"}'))),
    "a revision with look-alikes": (400, lambda g: g.post("ci", plain("rеv"), signed(plain("rеv")))),
    "tomorrow's deployment": (400, lambda g: g.post("ci", plain("r1", 90_000), signed(plain("r1", 90_000)))),
    "too long, told": (413, lambda g: g.post("ci", b"x" * 10_000_000, {})),
    "unknown source": (404, lambda g: g.post("nobody", BODY, signed(BODY))),
    "not a POST": (405, lambda g: g.client.get("/hooks/ci")),
}  # fmt: skip


@pytest.mark.parametrize("status,send", BAD.values(), ids=BAD)
async def test_what_is_refused_starts_nothing_and_is_kept_without_a_secret(
    gate: Gate, status: int, send: Callable[[Gate], Any], caplog: pytest.LogCaptureFixture
) -> None:
    try:
        answer = await send(gate)
    except httpx.TransportError:  # the server hung up on the rest of the body
        answer = None
    assert answer is None or answer.status_code == status
    await gate.receiver.settle()
    assert gate.ledger.keys == []
    assert gate.rows("status", "outcome") == [(status, "REFUSED")]
    kept = gate.receiver.book.path.read_text() + caplog.text + (answer.text if answer else "")
    for secret in (
        *ENV.values(),
        sign_standard(SIGNING, "m1", int(time.time()), BODY),
        "sha256=" + "0",
    ):
        assert secret not in kept


async def test_a_body_without_a_told_length_is_cut_off(gate: Gate) -> None:
    async def much() -> AsyncIterator[bytes]:
        for _ in range(50):
            yield b"x" * 10_000

    try:
        answer = await gate.client.post("/hooks/ci", content=much())
        assert answer.status_code == 413
    except httpx.TransportError:
        pass
    [(status, n_bytes)] = gate.rows("status", "n_bytes")
    assert status == 413 and n_bytes <= 200_000


async def test_a_slow_body_is_not_waited_for(gate: Gate) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", gate.port)
    writer.write(b"POST /hooks/ci HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{")
    assert b" 408 " in await asyncio.wait_for(reader.readline(), 30)
    writer.close()
    assert gate.rows("status") == [(408,)]


async def test_an_unknown_event_is_taken_and_ignored(gate: Gate) -> None:
    answer = await gate.post("hub", b"{}", hub(b"{}", "ping"))
    assert (answer.status_code, answer.json()["outcome"]) == (202, "IGNORED")
    assert gate.ledger.keys == []


async def test_more_than_the_limit_is_told_to_come_again(tmp_path: Path) -> None:
    async with serving(tmp_path, CONFIG.replace("burst: 200", "burst: 2")) as gate:
        answers = [await gate.standard("r1") for _ in range(3)]
        assert [a.status_code for a in answers] == [202, 202, 429]
        assert int(answers[-1].headers["retry-after"]) >= 1
        stranger = await gate.post("ci", BODY, {})
        assert stranger.status_code == 401, "strangers use up nothing"


async def test_runs_are_for_those_with_a_token(gate: Gate) -> None:
    right = {"authorization": f"Bearer {READ}"}
    for headers in (
        {},
        {"authorization": READ},
        {"authorization": f"Bearer {READ}x"},
        {"authorization": "Bearer"},
    ):
        assert (await gate.client.get("/runs/hook-x", headers=headers)).status_code == 401
    assert (await gate.client.get("/runs/hook-x", headers=right)).status_code == 404


async def test_a_stored_run_is_read_with_verdict_and_report(gate: Gate) -> None:
    """As `show` tells it and as its page is; a run that goes on has no verdict yet."""
    store = Warehouse(gate.warehouse)
    for n, facts in ((1, run(1)), (2, run(2)[:1])):
        recorder = Recorder(store.spools, f"run-{n}")
        for fact in facts:
            recorder.record(fact)
        recorder.close()
    right = {"authorization": f"Bearer {READ}"}
    told = (await gate.client.get("/runs/run-1", headers=right)).json()
    view = store.view("run-1")
    assert told == run_document(view)
    assert (told["run_id"], told["verdict"]) == ("run-1", "PROMOTE") and told["suites"]
    page = await gate.client.get("/runs/run-1", headers={**right, "accept": "text/html"})
    assert page.headers["content-type"].startswith("text/html") and page.text == run_html(view)
    begun = (await gate.client.get("/runs/run-2", headers=right)).json()
    assert (begun["run_id"], begun["verdict"]) == ("run-2", None)


async def test_figures_and_health_are_there(gate: Gate) -> None:
    await gate.standard()
    await gate.post("strange%0A", b"", {})
    text = (await gate.client.get("/metrics")).text
    assert 'goldenpath_hook_deliveries_total{outcome="ACCEPTED",source="ci"} 1.0' in text
    assert 'goldenpath_hook_deliveries_total{outcome="REFUSED",source=""} 1.0' in text
    assert (await gate.client.get("/healthz")).json() == {"status": "ok"}


async def test_a_disk_that_is_full_accepts_nothing(gate: Gate) -> None:
    import os

    full = os.open("/dev/full", os.O_WRONLY)
    kept, gate.receiver.book._descriptor = gate.receiver.book._descriptor, full
    answer = await gate.standard()
    gate.receiver.book._descriptor = kept
    os.close(full)
    assert answer.status_code == 503
    await gate.receiver.settle()
    assert gate.ledger.keys == []
    assert (await gate.standard()).json()["outcome"] == "ACCEPTED"


async def test_a_fault_of_ours_is_kept_starts_nothing_and_shows_nothing(
    gate: Gate, caplog: pytest.LogCaptureFixture
) -> None:
    gate.receiver._secrets.clear()
    answer = await gate.standard()
    assert answer.status_code == 500
    assert gate.rows("status", "outcome") == [(500, "REFUSED")]
    assert "receive" in caplog.text and BODY.decode() not in caplog.text + answer.text
    await gate.receiver.settle()
    assert gate.ledger.keys == []


async def test_what_a_proxy_says_of_the_sender_is_kept_as_plain_text(gate: Gate) -> None:
    await gate.post("ci", BODY, {"x-forwarded-for": b"<b>\xe9" + b"x" * 500})  # type: ignore[dict-item]
    [(client,)] = gate.rows("client")
    assert client.isascii() and len(client) <= 200

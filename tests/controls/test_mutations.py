"""Mutations: a real target with one thing broken, as real clients meet it."""

from __future__ import annotations

import asyncio
import json
from time import monotonic
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from data.records.control import Control
from tasks.controls.serve import serve_control
from tests.controls.stage import GOOD, ME, client, events, names, staged
from tests.controls.target import BIG, EVENTS, STREAM, target

# ---- one thing is broken -------------------------------------------------------------------------


async def test_no_auth_lets_in_who_is_refused() -> None:
    async with staged(kind="no_auth") as stage, httpx.AsyncClient() as http:
        assert (await http.get(f"{stage.api}/api/me")).json() == {}
        assert (await http.get(f"{stage.api}/api/me", headers=GOOD)).json() == ME
        stranger = await http.get(f"{stage.api}/api/me")
        assert (stranger.status_code, stranger.json()) == (200, ME)
        async with connect(f"{stage.chat}/ws", subprotocols=["jwt"]) as socket:
            assert socket.subprotocol == "jwt"
            await _stays_open(socket)
        async with connect(f"{stage.chat}/ws/late") as socket:
            await _stays_open(socket)
        async with connect(f"{stage.chat}/ws", additional_headers=GOOD) as socket:
            assert json.loads(await socket.recv())["type"] == "hello"
            await socket.send("bye")
            with pytest.raises(ConnectionClosed):  # an end that is no refusal stays one
                await asyncio.wait_for(socket.recv(), 5)


async def _stays_open(socket: ClientConnection) -> None:
    await socket.send("anybody?")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(socket.recv(), 0.2)
    assert await (await socket.ping()) >= 0


async def test_canned_gives_the_first_good_answer_for_ever() -> None:
    async with staged(kind="canned") as stage, client() as http:
        assert (
            await http.get(f"{stage.api}/api/me", headers={"Authorization": ""})
        ).status_code == 401
        assert (await http.get(f"{stage.api}/api/threads/17")).json() == {"id": "17"}
        assert (await http.get(f"{stage.api}/api/threads/18")).json() == {"id": "17"}
        first = await http.post(f"{stage.api}/api/echo", content=b"one")
        again = await http.post(f"{stage.api}/api/echo", content=b"two")
        assert (first.content, again.content) == (b"one", b"one")
        assert (await http.head(f"{stage.api}/api/threads/19")).content == b""
        n_asked = len(stage.http.heads)
        assert (await http.get(f"{stage.api}/api/threads/20")).json() == {"id": "17"}
        assert len(stage.http.heads) == n_asked


async def test_canned_replays_a_conversation_with_equal_gaps() -> None:
    async with staged(kind="canned") as stage:
        said = []
        for text in ("one", "two", "three"):
            async with connect(f"{stage.chat}/ws", additional_headers=GOOD) as socket:
                hello = json.loads(await socket.recv())
                found = await events(socket, text)
                said.append(found[-1]["payload"]["said"])
                assert (hello["type"], names(found)) == ("hello", list(EVENTS))
        async with connect(f"{stage.chat}/ws", additional_headers=GOOD) as socket:
            await socket.recv()
            await events(socket)
            assert names(await events(socket, "more")) == list(EVENTS)
        assert said == ["one", "one", "one"]
        assert len(stage.talk.heads) == 1


async def test_emptied_keeps_the_status_and_nothing_else() -> None:
    async with staged(kind="emptied") as stage, client() as http:
        for path, status in (("me", 200), ("nowhere", 404), ("chunked", 200), ("big", 200)):
            got = await http.get(f"{stage.api}/api/{path}")
            assert (got.status_code, got.content, got.headers["Content-Length"]) == (
                status,
                b"",
                "0",
            )
        async with connect(f"{stage.chat}/ws", additional_headers=GOOD) as socket:
            assert await socket.recv() == "{}"
            assert await events(socket) == [{}] * len(EVENTS)


async def test_delayed_answers_come_later_and_keep_their_distances() -> None:
    async with staged(kind="delayed", delay=0.3) as stage, client() as http:
        started_s = monotonic()
        assert (await http.get(f"{stage.api}/api/me")).json() == ME
        assert monotonic() - started_s >= 0.3
        async with connect(f"{stage.chat}/ws", additional_headers=GOOD) as socket:
            opened_s = monotonic()
            await socket.recv()
            assert monotonic() - opened_s >= 0.15
            started_s = monotonic()
            assert names(await events(socket)) == list(EVENTS)
            assert 0.3 <= monotonic() - started_s < 0.3 * len(EVENTS), (
                "late once, not once an event"
            )


async def test_swapped_gives_everybody_somebody_elses_name() -> None:
    async with staged(kind="swapped") as stage, client() as http:
        one, two = [(await http.get(f"{stage.api}/api/me")).json()["user"] for _ in range(2)]
        assert one["age"] == two["age"] == 7
        assert len({one["user_id"], two["user_id"], "usr_42"}) == 3
        assert one["email"].endswith("@example.com")
        assert one["email"] != "ann@example.com"
        for path in ("chunked", "zipped"):
            got = (await http.get(f"{stage.api}/api/{path}")).json()["user_id"]
            assert len(got) == 5
            assert got != "usr_1"
        assert (await http.get(f"{stage.api}/api/big")).content == BIG
        async with connect(f"{stage.chat}/ws", additional_headers=GOOD) as socket:
            assert json.loads(await socket.recv())["user_id"] != "usr_42"
            users = {event["payload"]["user_id"] for event in await events(socket)}
            assert len(users - {"usr_42"}) == len(EVENTS)


async def test_one_event_is_dropped() -> None:
    async with staged(kind="drop_event", event="tool_completed") as stage, client() as http:
        assert (await http.get(f"{stage.api}/api/me")).json() == ME
        async with connect(f"{stage.chat}/ws", additional_headers=GOOD) as socket:
            await socket.recv()
            assert names(await events(socket, n=3)) == [
                "agent_started",
                "tool_executing",
                "agent_completed",
            ]


async def test_one_event_comes_too_late() -> None:
    async with (
        staged(kind="reorder", event="tool_executing") as stage,
        connect(f"{stage.chat}/ws", additional_headers=GOOD) as socket,
    ):
        await socket.recv()
        assert names(await events(socket)) == [EVENTS[0], EVENTS[2], EVENTS[1], EVENTS[3]]


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        ({"kind": "drop_event", "event": "begun"}, 'data: {"type":"done"}\ndata:\n\n: quiet\n\ndata: end'),
        ({"kind": "drop_event", "event": "done"}, 'event: begun\ndata: {"user_id":"usr_42"}\n\n: quiet\n\ndata: end'),
        ({"kind": "reorder", "event": "begun"}, 'data: {"type":"done"}\ndata:\n\nevent: begun\ndata: {"user_id":"usr_42"}\n\n: quiet\n\ndata: end'),
        ({"kind": "swapped"}, 'event: begun\ndata: {"user_id":"vts_53"}\n\ndata: {"type":"done"}\ndata: \n\n: quiet\n\ndata: end'),
        ({"kind": "close"}, STREAM.decode()),
    ],
)  # fmt: skip
async def test_events_that_stream_are_messages_too(keys: dict[str, Any], text: str) -> None:
    async with staged(**keys) as stage, client() as http:
        got = await http.get(f"{stage.api}/api/events")
        assert (got.text, got.headers["Transfer-Encoding"]) == (text, "chunked")


async def test_one_path_has_another_status_and_the_rest_is_whole() -> None:
    async with staged(kind="status", status=503, path="/api/threads") as stage, client() as http:
        assert (await http.get(f"{stage.api}/api/threads/1")).status_code == 503
        assert (await http.get(f"{stage.api}/api/me")).json() == ME
        async with connect(f"{stage.chat}/ws", additional_headers=GOOD) as socket:
            assert json.loads(await socket.recv())["type"] == "hello"
    async with staged(kind="status", status=503, path="/ws") as stage:
        with pytest.raises(InvalidStatus, match="503"):
            await connect(f"{stage.chat}/ws", additional_headers=GOOD)


@pytest.mark.parametrize(("after", "code"), [(0, 1000), (1, 1011), (3, 4999)])
async def test_each_socket_is_closed_after_some_messages(after: int, code: int) -> None:
    async with (
        staged(kind="close", after=after, code=code) as stage,
        connect(f"{stage.chat}/ws", additional_headers=GOOD) as socket,
    ):
        await socket.send("go")
        heard = []
        with pytest.raises(ConnectionClosed):
            while True:
                heard.append(await asyncio.wait_for(socket.recv(), 5))
        assert (len(heard), socket.close_code) == (after, code)


async def test_a_status_without_a_body_has_none() -> None:
    async with staged(kind="status", status=204) as stage, client() as http:
        got = await http.get(f"{stage.api}/api/me")
        assert (got.status_code, got.content) == (204, b"")
        assert "Content-Length" not in got.headers


async def test_a_control_that_stands_alone_may_be_kept_to_one_path() -> None:
    async with staged(kind="broken", path="/api/me") as stage, client() as http:
        assert (await http.get(f"{stage.api}/api/me")).status_code == 500
        assert (await http.get(f"{stage.api}/api/threads/1")).status_code == 200


# ---- it can be cut off at any time ---------------------------------------------------------------

KINDS: list[dict[str, Any]] = [
    {"kind": "no_auth"}, {"kind": "canned"}, {"kind": "emptied"}, {"kind": "delayed", "delay": 5.0},
    {"kind": "swapped"}, {"kind": "drop_event", "event": "x"}, {"kind": "reorder", "event": "x"},
    {"kind": "close", "after": 9},
]  # fmt: skip


@pytest.mark.parametrize("keys", KINDS, ids=lambda keys: keys["kind"])
async def test_clients_that_hang_up_leave_nothing_behind(
    keys: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    async with target() as (http, talk):
        before = asyncio.all_tasks()
        control = Control.model_validate_json(json.dumps({"id": "x", **keys}))
        async with serve_control(control, {"api": http.url, "chat": talk.url}) as urls:
            asking = asyncio.create_task(_hang_up(urls["api"]))
            socket = await connect(
                "ws" + urls["chat"].removeprefix("http") + "/ws", additional_headers=GOOD
            )
            await socket.send("go")
            await asyncio.sleep(0.03)
            socket.transport.abort()
            other = await connect(
                "ws" + urls["chat"].removeprefix("http") + "/ws", additional_headers=GOOD
            )
            await other.send("go")
            await asyncio.gather(asking, return_exceptions=True)
        await asyncio.wait_for(asyncio.gather(other.wait_closed(), socket.wait_closed()), 5)
        for _ in range(100):
            if asyncio.all_tasks() <= before:
                break
            await asyncio.sleep(0.02)
        assert [t for t in asyncio.all_tasks() - before if "controls" in repr(t)] == []
        assert [r for r in caplog.records if r.name == "asyncio"] == []


async def _hang_up(url: str) -> None:
    async with httpx.AsyncClient(timeout=0.05) as http, http.stream("GET", f"{url}/api/big") as got:
        async for _ in got.aiter_bytes(1000):
            return

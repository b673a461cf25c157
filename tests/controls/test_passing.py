"""What a control does not break passes through it as it is."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import aiohttp
import httpx
import pytest
import requests
import websocket
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tasks.controls.serve import serve_control
from tests.controls.stage import GOOD, ME, WHOLE, client, events, names, staged
from tests.controls.target import BIG, EVENTS

# ---- what is not broken is as it was -------------------------------------------------------------


async def test_what_is_whole_passes_as_it_is() -> None:
    async with staged() as stage, client() as http:
        assert (await http.get(f"{stage.api}/api/me")).json() == ME
        assert (await http.get(f"{stage.api}/api/big")).content == BIG
        assert (await http.post(f"{stage.api}/api/echo", content=BIG)).content == BIG
        assert (await http.get(f"{stage.api}/api/none")).status_code == 204
        assert (await http.get(f"{stage.api}/nowhere?a=%20b%2Fc")).text == "no such place"
        chunked = await http.get(f"{stage.api}/api/chunked")
        assert (chunked.text, chunked.headers["Transfer-Encoding"]) == (
            '{"user_id":"usr_1"}',
            "chunked",
        )
        head = await http.head(f"{stage.api}/api/big")
        assert (head.headers["Content-Length"], head.content) == (str(len(BIG)), b"")
        assert (await http.options(f"{stage.api}/api/me")).json() == ME
        assert any("/nowhere?a=%20b%2Fc" in line for line in stage.http.heads)


async def test_the_target_is_asked_by_its_own_name_and_led_around_by_none() -> None:
    async with staged() as stage, client() as http:
        await http.get(f"{stage.api}/api/me", headers={"Origin": stage.api, "X-Own": "1"})
        head = stage.http.heads[-1]
        assert f'"origin": "{stage.http.url}"' in head
        assert f'"host": "{stage.http.url.removeprefix("http://")}"' in head
        assert '"x-own": "1"' in head
        moved = await http.get(f"{stage.api}/api/moved")
        assert moved.headers["Location"] == f"{stage.api}/api/me"
        found = (await http.get(f"{stage.api}/api/discovery")).json()
        assert found == {"me": f"{stage.api}/api/me", "chat": stage.chat}
        cookie = await http.get(f"{stage.api}/api/cookie")
        assert cookie.headers["Set-Cookie"] == "sid=1; Path=/; HttpOnly"


async def test_bodies_stream_up_and_down_in_chunks_and_with_100_continue() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(6):
            yield BIG

    async with staged() as stage, client() as http:
        got = await http.post(
            f"{stage.api}/api/echo", content=pieces(), headers={"Expect": "100-continue"}
        )
        assert len(got.content) == 6 * len(BIG)


@pytest.mark.parametrize("place", [b"*", b"//x//y", b"http://elsewhere.invalid/x", b"/%zz?\xe4"])
async def test_odd_places_are_asked_for_or_refused_and_never_elsewhere(place: bytes) -> None:
    async with staged() as stage:
        reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(stage.api).port)
        writer.write(b"OPTIONS " + place + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        status = int((await asyncio.wait_for(reader.read(), 5)).split()[1])
        writer.close()
        assert status in (400, 404, 502)


async def test_a_body_that_breaks_off_breaks_off_for_the_client_too() -> None:
    async with staged() as stage, client() as http:
        with pytest.raises(httpx.RemoteProtocolError):
            await http.get(f"{stage.api}/api/cut")
        assert (await http.get(f"{stage.api}/api/me")).json() == ME


async def test_a_target_that_is_gone_is_a_bad_gateway() -> None:
    async with serve_control(WHOLE, {"api": "http://127.0.0.1:9"}) as urls, client() as http:
        assert (await http.get(urls["api"])).status_code == 502
        with pytest.raises(InvalidStatus, match="502"):
            await connect("ws" + urls["api"].removeprefix("http"))


async def test_every_client_gets_through() -> None:
    async with staged() as stage:
        got = await asyncio.to_thread(requests.get, f"{stage.api}/api/me", headers=GOOD, timeout=5)
        assert got.json() == ME
        async with aiohttp.ClientSession(headers=GOOD) as http:
            async with http.get(f"{stage.api}/api/me") as answer:
                assert await answer.json() == ME
            async with http.ws_connect(f"{stage.chat}/ws") as socket:
                assert (await socket.receive_json())["type"] == "hello"
        other = await asyncio.to_thread(
            websocket.create_connection, f"{stage.chat}/ws", header=GOOD, timeout=5
        )
        assert json.loads(await asyncio.to_thread(other.recv))["type"] == "hello"
        await asyncio.to_thread(other.close)


async def test_a_whole_conversation_passes_with_its_subprotocol_and_its_end() -> None:
    async with staged() as stage:
        async with connect(
            f"{stage.chat}/ws?room=1", additional_headers=GOOD, subprotocols=["a", "b"]
        ) as socket:
            assert socket.subprotocol == "b"
            assert json.loads(await socket.recv())["type"] == "hello"
            assert names(await events(socket)) == list(EVENTS)
            await socket.send(BIG)
            assert await socket.recv() == BIG
            await socket.send([b"in ", b"two"])
            assert await socket.recv() == b"in two"
            assert await (await socket.ping()) >= 0
            await socket.send("bye")
            with pytest.raises(ConnectionClosed):
                await asyncio.wait_for(socket.recv(), 5)
        assert (socket.close_code, socket.close_reason) == (4000, "as you wish")
        assert "/ws?room=1" in stage.talk.heads[0]


async def test_the_target_hears_how_the_client_left() -> None:
    async with staged() as stage:
        async with connect(f"{stage.chat}/ws", additional_headers=GOOD) as socket:
            await socket.recv()
            await socket.close(4321, "enough")
        gone = await connect(f"{stage.chat}/ws", additional_headers=GOOD)
        await gone.recv()
        gone.transport.abort()
        for _ in range(100):
            if len(stage.talk.leaves) == 2:
                break
            await asyncio.sleep(0.02)
        assert stage.talk.leaves == [(4321, "enough"), (1001, "")]
        await gone.wait_closed()


async def test_a_refused_handshake_is_refused_as_the_target_did() -> None:
    async with staged() as stage:
        with pytest.raises(InvalidStatus) as refused:
            await connect(f"{stage.chat}/ws")
        answer = refused.value.response
        assert (answer.status_code, answer.headers["X-Why"], answer.body) == (403, "token", b"no")


async def test_many_clients_are_served_at_once() -> None:
    async def one(url: str) -> list[str]:
        async with connect(url, additional_headers=GOOD) as socket:
            await socket.recv()
            return names(await events(socket))

    async with staged() as stage, client() as http:
        talks = [one(f"{stage.chat}/ws") for _ in range(50)]
        asks = [http.get(f"{stage.api}/api/threads/{n}") for n in range(100)]
        heard, told = await asyncio.gather(asyncio.gather(*talks), asyncio.gather(*asks))
        assert heard == [list(EVENTS)] * 50
        assert [got.json()["id"] for got in told] == [str(n) for n in range(100)]

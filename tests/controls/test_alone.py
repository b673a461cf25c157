"""Controls that stand alone, as real clients meet them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import httpx
import pytest
import requests
import websocket
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from data.errors import UsageError
from data.records.control import STANDARD, Control
from tasks.controls.serve import serve_control

CONTROLS = {control.id: control for control in STANDARD}
# Nobody is there: a control that asks the real target in spite of its name would fail.
SERVICES = {"api": "https://staging.invalid/base/v1", "chat": "http://staging.invalid:8080"}
ANSWERS = {
    "forbidden": (403, '{"detail":"Forbidden"}'),
    "broken": (500, '{"detail":"Internal Server Error"}'),
    "empty": (200, ""),
    "closed": (200, "{}"),
}


async def _httpx(url: str, **options: Any) -> tuple[int, str]:
    async with httpx.AsyncClient(timeout=options.get("timeout", 5)) as client:
        got = await client.get(url)
    return got.status_code, got.text


async def _requests(url: str, **options: Any) -> tuple[int, str]:
    got = await asyncio.to_thread(requests.get, url, timeout=options.get("timeout", 5))
    return got.status_code, got.text


async def _aiohttp(url: str, **options: Any) -> tuple[int, str]:
    limit = aiohttp.ClientTimeout(total=options.get("timeout", 5))
    async with aiohttp.ClientSession(timeout=limit) as client, client.get(url) as got:
        return got.status, await got.text()


CLIENTS = {"httpx": _httpx, "requests": _requests, "aiohttp": _aiohttp}
Served = dict[str, str]


@pytest.fixture
async def served(request: pytest.FixtureRequest) -> AsyncIterator[Served]:
    async with serve_control(CONTROLS[request.param], SERVICES) as urls:
        yield urls


def as_ws(url: str) -> str:
    return "ws" + url.removeprefix("http")


@pytest.mark.parametrize("served", ["silent"], indirect=True)
async def test_each_service_has_a_plain_loopback_address_with_the_path_of_the_real_one(
    served: Served,
) -> None:
    api, chat = urlsplit(served["api"]), urlsplit(served["chat"])
    assert (api.scheme, api.hostname, api.path) == ("http", "127.0.0.1", "/base/v1")
    assert (chat.scheme, chat.hostname, chat.path) == ("http", "127.0.0.1", "")
    assert api.port != chat.port


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize(
    ("served", "status", "text"), [(k, *v) for k, v in ANSWERS.items()], indirect=["served"]
)
async def test_every_client_gets_the_same_answer_from_every_service(
    served: Served, status: int, text: str, client: str
) -> None:
    for url in served.values():
        assert await CLIENTS[client](f"{url}/any/where?x=1") == (status, text)


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("served", ["refused"], indirect=True)
async def test_refused_means_that_nobody_listens_and_that_nobody_else_can(
    served: Served, client: str
) -> None:
    with pytest.raises(
        (httpx.ConnectError, requests.ConnectionError, aiohttp.ClientConnectorError)
    ):
        await CLIENTS[client](served["api"])
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", urlsplit(served["api"]).port or 0))


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("served", ["silent"], indirect=True)
async def test_silent_accepts_and_never_answers(served: Served, client: str) -> None:
    with pytest.raises((httpx.ReadTimeout, requests.ReadTimeout, TimeoutError)):
        await CLIENTS[client](served["api"], timeout=0.2)
    with pytest.raises(TimeoutError):
        await connect(as_ws(served["api"]), open_timeout=0.2)


@pytest.mark.parametrize(
    ("served", "status"), [("forbidden", 403), ("broken", 500)], indirect=["served"]
)
async def test_handshakes_are_refused_with_the_status(served: Served, status: int) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await connect(as_ws(served["chat"]))
    assert refused.value.response.status_code == status
    with pytest.raises(websocket.WebSocketBadStatusException) as other:
        await asyncio.to_thread(websocket.create_connection, as_ws(served["chat"]), timeout=5)
    assert other.value.status_code == status


@pytest.mark.parametrize("served", ["empty"], indirect=True)
async def test_an_empty_socket_opens_answers_pings_and_says_nothing(served: Served) -> None:
    async with connect(as_ws(served["chat"]), subprotocols=["jwt", "x"]) as client:
        assert client.subprotocol == "jwt"
        await client.send("anybody?")
        assert await (await client.ping()) >= 0
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.recv(), 0.1)
    assert (client.close_code, client.close_reason) == (1000, "")


@pytest.mark.parametrize("served", ["closed"], indirect=True)
async def test_a_closed_socket_opens_and_is_closed_with_1000_at_once(served: Served) -> None:
    async with connect(as_ws(served["chat"])) as client:
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(client.recv(), 5)
        assert client.close_code == 1000
    other = await asyncio.to_thread(websocket.create_connection, as_ws(served["chat"]), timeout=5)
    assert await asyncio.to_thread(other.recv_data) == (websocket.ABNF.OPCODE_CLOSE, b"\x03\xe8")
    await asyncio.to_thread(other.close)


@pytest.mark.parametrize("served", ["forbidden"], indirect=True)
async def test_connections_are_kept_alive_through_heads_uploads_and_refused_handshakes(
    served: Served,
) -> None:
    with requests.Session() as session:

        def ask(method: str, **options: Any) -> tuple[int, str, bytes]:
            got = session.request(method, served["api"], timeout=5, **options)
            return got.status_code, got.headers["Content-Length"], got.content

        body = b'{"detail":"Forbidden"}'
        for _ in range(3):
            assert await asyncio.to_thread(ask, "HEAD") == (403, "22", b"")
            assert await asyncio.to_thread(ask, "POST", data=b"x" * 2**20) == (403, "22", body)
            shake = {"Upgrade": "websocket", "Connection": "Upgrade"}
            assert await asyncio.to_thread(ask, "GET", headers=shake) == (403, "22", body)
            assert await asyncio.to_thread(ask, "GET", headers={"Upgrade": "h2c"}) == (
                403,
                "22",
                body,
            )
            assert await asyncio.to_thread(ask, "PUT", data=iter([b"a", b"b"])) == (403, "22", body)
        pools = session.adapters["http://"].poolmanager.pools  # type: ignore[attr-defined]
        [pool] = [pools[key] for key in pools.keys()]  # noqa: SIM118 (no mapping)
        assert (pool.num_connections, pool.num_requests) == (1, 15)


@pytest.mark.parametrize("served", ["forbidden"], indirect=True)
@pytest.mark.parametrize(
    "sent",
    [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200), b"nonsense\r\n\r\n",
     b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n", b"GET / HTTP/1.1\r\nX: " + b"y" * 200_000],
)  # fmt: skip
async def test_what_is_not_http_is_told_so(served: Served, sent: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(served["api"]).port)
    writer.write(sent)
    assert (await asyncio.wait_for(reader.read(65536), 5)).startswith(b"HTTP/1.1 400 ")
    writer.close()


@pytest.mark.parametrize("served", ["empty"], indirect=True)
async def test_a_wrong_handshake_is_refused(served: Served) -> None:
    head = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
    async with httpx.AsyncClient() as client:
        got = await client.get(served["api"], headers=head)
    assert got.status_code == 400


@pytest.mark.parametrize("control", STANDARD[:6], ids=lambda c: c.id)
async def test_nothing_is_left_when_the_context_ends(
    control: Control, caplog: pytest.LogCaptureFixture
) -> None:
    before = asyncio.all_tasks()
    async with serve_control(control, SERVICES) as urls:
        port = urlsplit(urls["api"]).port
        idle = [await _opened(port) for _ in range(3)]
        asking = asyncio.create_task(_httpx(urls["api"]))
        await asyncio.sleep(0.05)
    with pytest.raises(OSError, match=r"refused|Connect call failed"):
        await asyncio.open_connection("127.0.0.1", port)
    await asyncio.gather(asking, return_exceptions=True)
    for writer in filter(None, idle):
        writer.close()
    assert asyncio.all_tasks() <= before
    assert caplog.records == []


async def _opened(port: int | None) -> asyncio.StreamWriter | None:
    try:
        return (await asyncio.open_connection("127.0.0.1", port))[1]
    except OSError:
        return None


async def test_nothing_is_left_when_the_context_is_cancelled() -> None:
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def serve() -> None:
        async with serve_control(CONTROLS["silent"], SERVICES) as urls:
            ready.set_result(urls["chat"])
            await asyncio.sleep(60)

    before = asyncio.all_tasks()
    serving = asyncio.create_task(serve())
    url = await ready
    asking = asyncio.create_task(_httpx(url))
    await asyncio.sleep(0.05)
    serving.cancel()
    await asyncio.gather(serving, asking, return_exceptions=True)
    assert asyncio.all_tasks() <= before


async def test_many_connections_are_served_at_once() -> None:
    async with serve_control(CONTROLS["empty"], SERVICES) as urls:

        async def one() -> float:
            async with connect(as_ws(urls["chat"])) as client:
                return await (await client.ping())

        assert len(await asyncio.gather(*(one() for _ in range(200)))) == 200


async def test_a_client_that_hangs_up_leaves_no_traceback(caplog: pytest.LogCaptureFixture) -> None:
    async with serve_control(CONTROLS["closed"], SERVICES) as urls:
        port = urlsplit(urls["api"]).port
        for sent in (
            b"",
            b"GET / HT",
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nab",
        ):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(sent)
            await writer.drain()
            writer.transport.abort()
        await asyncio.sleep(0.05)
    assert caplog.records == []


async def test_a_service_that_is_not_broken_keeps_its_address() -> None:
    async with serve_control(Control(id="x", kind="broken", service="chat"), SERVICES) as urls:
        assert urls["api"] == SERVICES["api"]
        assert urls["chat"] != SERVICES["chat"]
    with pytest.raises(UsageError, match="no service 'caht'; there are api, chat"):
        async with serve_control(Control(id="x", kind="broken", service="caht"), SERVICES):
            pass

"""The contact proxy: whatever is spoken through it arrives, and is on record with its time."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import httpx
import pytest
import requests
import trustme
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.client import connect

from data.errors import UsageError
from data.rules.attribution import Window, attribute
from tasks.proxies.contact import ContactProxy
from tasks.proxies.ledger import ContactLedger
from tests.controls.target import BIG, EVENTS, target

GOOD = {"Authorization": "Bearer good"}


@asynccontextmanager
async def staged() -> AsyncIterator[ContactProxy]:
    async with (
        target() as (http, talk),
        ContactProxy({"api": f"{http.url}/api", "chat": talk.ws_url}) as proxy,
    ):
        yield proxy


async def test_addresses_keep_scheme_and_path() -> None:
    async with ContactProxy({"a": "https://x.invalid/v1?k=1", "b": "ws://x.invalid"}) as proxy:
        assert proxy.urls["a"].startswith("https://127.0.0.1:")
        assert proxy.urls["a"].endswith("/v1?k=1")
        assert proxy.urls["b"].startswith("ws://127.0.0.1:")
        assert proxy.contacts == ()


def test_all_wrong_addresses_are_told_at_once() -> None:
    with pytest.raises(UsageError, match=r"(?s)a: expected.*b: expected.*c: expected") as told:
        ContactProxy({"a": "ftp://x", "b": "http://x:port", "c": "http://", "d": "http://x"})
    assert "d: " not in str(told.value)


async def test_bytes_pass_as_they_are_and_are_counted() -> None:
    async with staged() as proxy:
        async with httpx.AsyncClient() as http:
            assert (await http.get(f"{proxy.urls['api']}/big")).content == BIG
            assert (await http.post(f"{proxy.urls['api']}/echo", content=BIG)).content == BIG
        [contact] = proxy.contacts
        assert contact.service == "api"
        assert sum(m.sent_bytes for m in contact.moved) > len(BIG)
        assert sum(m.received_bytes for m in contact.moved) > 2 * len(BIG)


async def test_every_client_is_on_record() -> None:
    async with staged() as proxy:
        url = f"{proxy.urls['api']}/me"
        await asyncio.to_thread(requests.get, url, timeout=5)
        async with aiohttp.ClientSession() as http, http.get(url):
            pass
        async with connect(f"{proxy.urls['chat']}/ws", additional_headers=GOOD) as socket:
            await socket.send("go")
            heard = [json.loads(await socket.recv())["type"] for _ in range(5)]
        assert heard == ["hello", *EVENTS]
        assert [contact.service for contact in proxy.contacts] == ["api", "api", "chat"]


async def test_tls_and_its_http2_pass_and_the_name_is_the_clients_concern() -> None:
    authority = trustme.CA()
    server, trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("localhost").configure_cert(server)
    authority.configure_trust(trust)
    server.set_alpn_protocols(["h2", "http/1.1"])
    trust.set_alpn_protocols(["h2"])
    async with target(server, "localhost") as (http, _), ContactProxy({"api": http.url}) as proxy:
        port = int(proxy.urls["api"].rsplit(":", 1)[1])
        _, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=trust, server_hostname="localhost"
        )
        assert writer.get_extra_info("ssl_object").selected_alpn_protocol() == "h2"
        writer.close()
        async with httpx.AsyncClient(verify=trust) as client:
            with pytest.raises(httpx.ConnectError, match=r"(?i)mismatch"):
                await client.get(proxy.urls["api"])
        assert len(proxy.contacts) == 2


async def test_a_target_that_refuses_is_no_contact() -> None:
    async with ContactProxy({"api": "http://127.0.0.1:9"}) as proxy:
        async with httpx.AsyncClient() as http:
            with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
                await http.get(proxy.urls["api"])
        assert proxy.contacts == ()


async def test_keep_alive_is_attributed_to_each_test_that_used_it() -> None:
    windows = []
    async with staged() as proxy, httpx.AsyncClient() as http:
        for name in ("first", "idle", "second"):
            started_s = time.time()
            if name != "idle":
                await http.get(f"{proxy.urls['api']}/me")
            await asyncio.sleep(0.03)
            windows.append(Window(name, started_s, time.time()))
            await asyncio.sleep(0.03)
    found = attribute(windows, proxy.contacts)
    assert [found[name].witnessed for name in ("first", "idle", "second")] == [True, False, True]
    assert len(proxy.contacts) == 1
    assert not any(seen.shared for seen in found.values())


async def test_contacts_say_when_they_opened_and_closed() -> None:
    before_s = time.time()
    async with staged() as proxy:
        async with httpx.AsyncClient() as http:
            await http.get(f"{proxy.urls['api']}/me")
            [contact] = proxy.contacts
            assert contact.closed_s is None
        await asyncio.sleep(0.05)
        [contact] = proxy.contacts
        assert contact.closed_s is not None
        assert before_s - 0.1 <= contact.opened_s <= contact.closed_s <= time.time() + 0.1


async def test_nothing_is_left_when_the_context_ends(caplog: pytest.LogCaptureFixture) -> None:
    async with target() as (http, _):
        before = asyncio.all_tasks()
        async with ContactProxy({"api": http.url}) as proxy:
            port = int(proxy.urls["api"].rsplit(":", 1)[1])
            sockets = [await asyncio.open_connection("127.0.0.1", port) for _ in range(5)]
            sockets[0][1].transport.abort()
            await asyncio.sleep(0.05)
        for reader, writer in sockets[1:]:
            with pytest.raises(ConnectionError):
                assert await asyncio.wait_for(reader.read(), 5) == b""
                raise ConnectionError
            writer.close()
        await asyncio.sleep(0.05)
        assert [t for t in asyncio.all_tasks() - before if "proxies" in repr(t)] == []
        with pytest.raises(OSError, match="Connect call failed"):
            await asyncio.open_connection("127.0.0.1", port)
    assert caplog.records == []


@given(
    st.lists(
        st.tuples(st.sampled_from([0.0, 0.001, 0.02, 7.0]), st.booleans(), st.integers(1, 9)),
        max_size=60,
    )
)
def test_a_ledger_loses_no_byte(steps: list[tuple[float, bool, int]]) -> None:
    now_s = [0.0]
    ledger = ContactLedger("api", lambda: now_s[0])
    for step_s, is_sent, n_bytes in steps:
        now_s[0] += step_s
        (ledger.sent if is_sent else ledger.received)(n_bytes)
    moved = ledger.contact.moved
    assert sum(m.sent_bytes for m in moved) == sum(n for _, sent, n in steps if sent)
    assert sum(m.received_bytes for m in moved) == sum(n for _, sent, n in steps if not sent)
    assert all(m.first_s <= m.last_s < m.first_s + 0.01 for m in moved)
    assert [m.first_s for m in moved] == sorted(m.first_s for m in moved)


def test_a_long_connection_stays_small() -> None:
    now_s = [0.0]
    ledger = ContactLedger("api", lambda: now_s[0])
    for _ in range(100_000):
        now_s[0] += 0.011
        ledger.sent(1)
    moved = ledger.contact.moved
    assert len(moved) <= 16384
    assert sum(m.sent_bytes for m in moved) == 100_000


async def test_grpc_passes_as_the_http2_that_it_is() -> None:
    import grpc

    def echo(request: bytes, _: object) -> bytes:
        return request

    method = grpc.unary_unary_rpc_method_handler(echo)
    handler = grpc.method_handlers_generic_handler("demo.Echo", {"Say": method})
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((handler,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with ContactProxy({"api": f"http://127.0.0.1:{port}"}) as proxy:
        async with grpc.aio.insecure_channel(proxy.urls["api"].removeprefix("http://")) as channel:
            assert await channel.unary_unary("/demo.Echo/Say")(b"hello") == b"hello"
        [contact] = proxy.contacts
        assert (
            min(
                sum(m.sent_bytes for m in contact.moved),
                sum(m.received_bytes for m in contact.moved),
            )
            > 5
        )
    await server.stop(None)

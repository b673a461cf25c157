"""Mutations in front of a target with TLS: the suite speaks plainly, the target does not notice."""

from __future__ import annotations

import json
import ssl

import httpx
import pytest
import trustme
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from data.records.control import Control
from tasks.controls.serve import serve_control
from tests.controls.target import target

GOOD = {"Authorization": "Bearer good"}
SWAPPED = Control(id="swapped", kind="swapped")


def _authority() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """(the server's context, a client's that trusts it)."""
    authority = trustme.CA()
    server, trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("localhost").configure_cert(server)
    authority.configure_trust(trust)
    return server, trust


async def test_a_target_with_tls_is_asked_with_tls() -> None:
    server, trust = _authority()
    async with target(server, "localhost") as (http, talk):
        services = {"api": http.url, "chat": talk.url}
        async with (
            serve_control(SWAPPED, services, trust=trust) as urls,
            httpx.AsyncClient() as client,
        ):
            got = await client.get(f"{urls['api']}/api/me", headers={**GOOD, "Origin": urls["api"]})
            assert got.json()["user"]["user_id"] not in ("", "usr_42")
            assert f'"origin": "{http.url}"' in http.heads[-1]
            moved = await client.get(f"{urls['api']}/api/moved")
            assert moved.headers["Location"] == f"{urls['api']}/api/me"
            ws = "ws" + urls["chat"].removeprefix("http")
            async with connect(f"{ws}/ws", additional_headers=GOOD) as socket:
                hello = json.loads(await socket.recv())
                assert (hello["type"], hello["user_id"] == "usr_42") == ("hello", False)


async def test_a_target_whose_certificate_is_not_trusted_is_never_asked() -> None:
    server, _ = _authority()
    async with target(server, "localhost") as (http, talk):
        services = {"api": http.url, "chat": talk.url}
        async with serve_control(SWAPPED, services) as urls, httpx.AsyncClient() as client:
            got = await client.get(f"{urls['api']}/api/me")
            assert (got.status_code, "certificate" in got.text.lower()) == (502, True)
            with pytest.raises(InvalidStatus, match="502"):
                await connect("ws" + urls["chat"].removeprefix("http") + "/ws")
        assert http.heads == talk.heads == []

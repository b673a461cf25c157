"""Each fault of an HTTP service has its own name, and so has each fault below HTTP."""

from __future__ import annotations

import asyncio
import datetime as dt
import gzip
import socket as plain
import ssl
from typing import Any

import pytest
import trustme

from data.records.words import Outcome
from tasks.probes import requests, tcp, wire
from tasks.probes.journey import Walker
from tests.probes.doubles import Answer, chat, http, listening, mute, order, raw, read, run

EXPECT = {"status": 200, "json": {"state": "up"}, "within": "1s"}


def probe(url: str, **request: Any) -> dict[str, Any]:
    asked = {"url": f"{url}/state", "timeout": "1s", **request}
    return {"kind": "http", "request": asked, "expect": EXPECT, "metric": "state", "retries": 0}


async def signature_of(url: str, client: str = "httpx") -> str:
    """What a request ends in, by the client of a few requests or by that of a load."""
    if client == "wire":
        own = wire.WireClient()
        report = await Walker(read({"id": "probe", **probe(url)}), {}, own).walk(0)
        own.close()
        return report.cause.signature if report.cause else "pass"
    _, result = await run(order(probe(url)))
    return result.failures[0].signature if result.failures else "pass"


CLIENTS = pytest.mark.parametrize("client", ["httpx", "wire"])


ANSWERS: dict[str, tuple[Answer, str]] = {
    "good": (lambda head, body: http(200, {"state": "up"}), "pass"),
    "503": (lambda head, body: http(503, {"state": "starting"}), "http/status/503"),
    "redirect": (lambda head, body: http(302, "", "Location: /login"), "http/status/302"),
    "degraded with 200": (lambda head, body: http(200, {"state": "degraded"}), "http/field/state"),
    "empty object": (lambda head, body: http(200, {}), "http/field-absent/state"),
    "empty body": (lambda head, body: http(200, ""), "http/not-json"),
    "hangs up": (lambda head, body: b"", "http/closed-early"),
    "half an answer": (lambda head, body: http(200, "x" * 10)[:-5] + b"", "http/timeout"),
    "not HTTP": (lambda head, body: b"SSH-2.0-OpenSSH_9.6\r\n\r\n", "http/not-http"),
}


@CLIENTS
@pytest.mark.parametrize(("answer", "signature"), ANSWERS.values(), ids=ANSWERS.keys())
async def test_each_wrong_answer_has_its_own_signature(
    answer: Answer, signature: str, client: str
) -> None:
    async with raw(answer) as port:
        assert await signature_of(f"http://127.0.0.1:{port}", client) == signature


@CLIENTS
async def test_nothing_listens(client: str) -> None:
    with plain.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        assert await signature_of(url, client) == "tcp/refused"


@CLIENTS
async def test_answers_come_whole_however_they_are_framed(client: str) -> None:
    body = b'{"state": "up"}'
    packed = gzip.compress(body)
    head = b"HTTP/1.1 200 OK\r\n"
    framed = [
        head + b"Transfer-Encoding: chunked\r\n\r\n5\r\n" + body[:5] + b"\r\na\r\n" + body[5:] + b"\r\n0\r\n\r\n",
        head + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed,
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + http(200, {"state": "up"}),
        head + b"Content-Type: application/json; charset=utf-16\r\nContent-Length: 32\r\n\r\n" + body.decode().encode("utf-16"),
    ]  # fmt: skip
    for answer in framed:
        async with raw(lambda *_, answer=answer: answer) as port:
            assert await signature_of(f"http://127.0.0.1:{port}", client) == "pass", answer


@CLIENTS
async def test_a_body_without_a_length_ends_with_the_connection(client: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b'HTTP/1.1 200 OK\r\n\r\n{"state": "up"}')

    async with listening(serve) as port:
        assert await signature_of(f"http://127.0.0.1:{port}", client) == "pass"


async def test_a_connection_that_the_server_gave_up_while_idle_is_not_its_failure() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(http(200, {"state": "up"}))

    own = wire.WireClient()
    async with listening(serve) as port:
        one = read({"id": "probe", **probe(f"http://127.0.0.1:{port}")})
        ends = [(await Walker(one, {}, own).walk(ordinal)).cause for ordinal in range(3)]
    own.close()
    assert ends == [None] * 3


@pytest.mark.parametrize("scheme", ["http", "ws"])
async def test_a_name_that_is_none_is_a_matter_of_dns(scheme: str) -> None:
    url = f"{scheme}://nothing-here.invalid"
    one = probe(url) if scheme == "http" else chat(url)
    _, result = await run(order(one))
    assert result.failures[0].signature.startswith("dns/")


async def test_one_request_is_one_sample_in_ms_even_when_it_fails() -> None:
    async with raw(lambda head, body: http(503, {})) as port:
        samples, result = await run(order(probe(f"http://127.0.0.1:{port}")))
    assert [(one.metric, one.ok, one.unit) for one in samples] == [("state", False, "ms")]
    assert 0 < samples[0].value < 5000
    assert (
        result.kind == "http"
        and result.failures[0].step == f"1 http GET http://127.0.0.1:{port}/state"
    )


async def test_what_is_sent_is_what_the_plan_says() -> None:
    heard: list[tuple[str, str]] = []

    def answer(head: str, body: str) -> bytes:
        heard.append((head, body))
        return http(200, {"state": "up"})

    async with raw(answer) as port:
        url = f"http://127.0.0.1:{port}"
        one = probe(
            url, method="POST", json={"n": "{{nonce}}", "k": 1}, headers={"X-Run": "{{run_id}}"}
        )
        _, result = await run(order(one))
    head, body = heard[0]
    assert result.outcome is Outcome.PASS
    assert head.startswith("POST /state HTTP/1.1\r\n")
    assert "X-Run: r1\r\n" in head and "User-Agent: goldenpath\r\n" in head
    assert "{{" not in body and '"k":1' in body


async def test_cookies_belong_to_one_execution() -> None:
    seen: list[bool] = []

    def answer(head: str, body: str) -> bytes:
        seen.append("cookie: who=me" in head.lower())
        return http(200, {"state": "up"}, "Set-Cookie: who=me; Path=/")

    async with raw(answer) as port:
        step = {"http": {"request": {"url": f"http://127.0.0.1:{port}"}}}
        await run(order({"kind": "journey", "steps": [step, step], "repeat": 2}))
    assert seen == [False, True, False, True]


async def test_a_socket_is_opened_with_the_cookies_of_its_user() -> None:
    heads: list[str] = []

    def answer(head: str, body: str) -> bytes:
        heads.append(head)
        return http(403 if "Upgrade" in head else 200, "", "Set-Cookie: who=me; Path=/")

    async with raw(answer) as port:
        place = f"127.0.0.1:{port}"
        steps = [{"http": {"request": {"url": f"http://{place}"}}},
                 {"open": {"url": f"ws://{place}/a", "refused": {}}}]  # fmt: skip
        _, result = await run(order({"kind": "journey", "steps": steps}))
    assert result.outcome is Outcome.PASS
    assert "Cookie: who=me\r\n" in heads[1]


CA = trustme.CA()


def served(certificate: trustme.LeafCert) -> dict[str, Any]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(context)
    return {"ssl": context}


def trusting(monkeypatch: pytest.MonkeyPatch) -> None:
    context = ssl.create_default_context()
    CA.configure_trust(context)
    monkeypatch.setattr(requests, "tls_context", lambda: context)
    monkeypatch.setattr(tcp, "tls_context", lambda: context)


LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
CERTIFICATES = {
    "good": (CA.issue_cert("127.0.0.1"), True, "pass"),
    "expired": (CA.issue_cert("127.0.0.1", not_after=LONG_AGO), True, "tls/expired"),
    "untrusted": (CA.issue_cert("127.0.0.1"), False, "tls/untrusted"),
    "of another host": (CA.issue_cert("example.org"), True, "tls/hostname"),
}


@pytest.mark.parametrize("scheme", ["https", "wss"])
@pytest.mark.parametrize(
    ("certificate", "is_trusted", "signature"), CERTIFICATES.values(), ids=CERTIFICATES.keys()
)
async def test_each_fault_of_a_certificate_has_its_own_signature(
    certificate: Any, is_trusted: bool, signature: str, scheme: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    if is_trusted:
        trusting(monkeypatch)
    async with raw(lambda head, body: http(200, {"state": "up"}), **served(certificate)) as port:
        url = f"{scheme}://127.0.0.1:{port}"
        _, result = await run(order(probe(url) if scheme == "https" else chat(url)))
        if scheme == "https":
            assert await signature_of(url, "wire") == signature
    found = result.failures[0].signature if result.failures else "pass"
    expected = "ws/refused/200" if (scheme, signature) == ("wss", "pass") else signature
    assert found == expected


@pytest.mark.parametrize("scheme", ["https", "wss"])
async def test_a_port_that_never_ends_the_tls_handshake(scheme: str) -> None:
    async with listening(mute) as port:
        url = f"{scheme}://127.0.0.1:{port}"
        talk = chat(url)
        talk["steps"][0]["open"]["within"] = "300ms"
        _, result = await run(order(probe(url) if scheme == "https" else talk))
        if scheme == "https":
            assert await signature_of(url, "wire") == "tls/timeout"
    assert result.failures[0].signature == "tls/timeout"


async def test_a_plain_port_that_ought_to_speak_tls() -> None:
    async with raw(lambda head, body: http()) as port, asyncio.timeout(5):
        found = await signature_of(f"https://127.0.0.1:{port}")
    assert found.startswith("tls/")

"""Each fault of a WebSocket service turns the same journey red, each under its own name."""

from __future__ import annotations

import socket as plain
from http import HTTPStatus
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection

from data.records.words import Outcome
from tests.probes.doubles import (
    FIVE,
    Answer,
    Talk,
    chat,
    good,
    good_events,
    heard,
    listening,
    mute,
    order,
    raw,
    run,
    say,
    talking,
    upgraded,
)


async def signature_of(url: str, **terms: Any) -> str:
    _, result = await run(order(chat(url, **terms)))
    assert (result.outcome is Outcome.PASS) == (not result.failures)
    return result.failures[0].signature if result.failures else "pass"


def with_events(change: Any, gaps_s: Any = (0.004, 0.011, 0.007, 0.015)) -> Talk:
    async def talk(socket: ServerConnection) -> None:
        await say(socket, change(good_events(await heard(socket))), gaps_s)
        await socket.wait_closed()

    return talk


def saying(result: str) -> Talk:
    async def talk(socket: ServerConnection) -> None:
        text = await heard(socket)
        events = good_events(text)
        events[-1]["result"] = result.format(text=text)
        await say(socket, events)
        await socket.wait_closed()

    return talk


async def silent(socket: ServerConnection) -> None:
    await socket.wait_closed()


async def deaf(socket: ServerConnection) -> None:
    await heard(socket)
    await socket.wait_closed()


async def cleanup(socket: ServerConnection) -> None:
    await say(socket, good_events(await heard(socket))[:2])
    await socket.close(1000, "main cleanup")


async def cleanup_at_once(socket: ServerConnection) -> None:
    await socket.close(1000, "main cleanup")


async def crashes(socket: ServerConnection) -> None:
    await heard(socket)
    raise RuntimeError("a bug")


async def drops(socket: ServerConnection) -> None:
    await heard(socket)
    socket.transport.abort()


async def errs(socket: ServerConnection) -> None:
    await heard(socket)
    await say(socket, [{"type": "failure", "error": "no model at 10.0.0.7"}])
    await socket.wait_closed()


async def goes_on(socket: ServerConnection) -> None:
    await say(socket, good_events(await heard(socket)))
    await socket.close(1011, "after all")


TALKS: dict[str, tuple[Talk, str]] = {
    "good": (good, "pass"),
    "silent": (silent, "timeout/first-message"),
    "no events": (deaf, "timeout/first-event"),
    "closed in the middle": (cleanup, "ws/closed-early/1000 main cleanup"),
    "closed at once": (cleanup_at_once, "ws/closed-early/1000 main cleanup"),
    "crash": (crashes, "ws/closed-early/1011"),
    "dropped": (drops, "ws/closed-early/1006"),
    "error event": (errs, "contract/error-event/failure no model at #"),
    "missing": (with_events(lambda e: [*e[:3], e[4]]), "contract/missing/tool_off"),
    "wrong order": (with_events(lambda e: [*e[:2], e[3], e[2], e[4]]), "contract/order/tool_off before tool_on"),
    "wrong user": (with_events(lambda e: [{**one, "user": "u-2"} for one in e]), "contract/field/user"),
    "changing run": (with_events(lambda e: [*e[:4], {**e[4], "run": "r-8"}]), "contract/same/run"),
    "stops": (with_events(lambda e: e[:3]), "timeout/last-event/tool_off"),
    "canned gaps": (with_events(lambda e: e, (0.2, 0.2, 0.2, 0.2)), "answer/canned-gaps"),
    "canned phrase": (saying("Agent response for: {text}"), "answer/canned-phrase Agent response for:"),
    "empty": (saying(" "), "answer/empty"),
    "echo": (saying("{text}"), "answer/echo"),
    "ignores": (saying("The sum is 4."), "answer/ignores-nonce"),
}  # fmt: skip


@pytest.mark.parametrize(("talk", "signature"), TALKS.values(), ids=TALKS.keys())
async def test_each_fault_of_a_talk_has_its_own_signature(talk: Talk, signature: str) -> None:
    async with talking(talk) as url:
        assert await signature_of(url) == signature


async def test_a_server_that_closes_badly_after_its_work_is_not_clean() -> None:
    async with talking(goes_on) as url:
        probe = chat(url)
        probe["steps"].insert(3, {"think": "50ms"})
        _, result = await run(order(probe))
        assert result.failures[0].signature == "ws/unclean-close/1011 after all"


@pytest.mark.parametrize("status", [401, 403, 404, 500, 503])
async def test_a_refused_handshake_names_its_status(status: int) -> None:
    def refuse(connection: ServerConnection, _: Any) -> Any:
        return connection.respond(HTTPStatus(status), "Startup in progress")

    async with talking(good, process_request=refuse) as url:
        _, result = await run(order(chat(url)))
        assert result.failures[0].signature == f"ws/refused/{status}"
        assert "Startup in progress" in result.failures[0].message


HANDSHAKES: dict[str, tuple[Answer, str]] = {
    "subprotocol": (lambda head, _: upgraded(head, "Sec-WebSocket-Protocol: e2e"), "ws/subprotocol/server-named-unoffered"),
    "extension": (lambda head, _: upgraded(head, "Sec-WebSocket-Extensions: x"), "ws/extension/server-named-unoffered"),
    "hangs up": (lambda head, _: b"", "ws/handshake/closed"),
    "not HTTP": (lambda head, _: b"SSH-2.0-OpenSSH_9.6\r\n\r\n", "ws/handshake/not-http"),
    "no key": (lambda head, _: upgraded(head).replace(b"-Accept: ", b"-Accept: x"), "ws/handshake/header/Sec-WebSocket-Accept"),
    "redirect": (lambda head, _: b"HTTP/1.1 302 X\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n", "ws/refused/302"),
    "plain HTTP": (lambda head, _: b"HTTP/1.1 200 X\r\nContent-Length: 2\r\n\r\nok", "ws/refused/200"),
    "close frame without a TCP close": (
        lambda head, _: upgraded(head) + b"\x88\x0e" + (1000).to_bytes(2, "big") + b"main cleanup",
        "ws/closed-early/1000 main cleanup",
    ),
    "bad frame": (lambda head, _: upgraded(head) + b"\x83\x00", "ws/protocol-error/1002 invalid opcode"),
}  # fmt: skip


@pytest.mark.parametrize(("answer", "signature"), HANDSHAKES.values(), ids=HANDSHAKES.keys())
async def test_each_fault_of_a_handshake_has_its_own_signature(
    answer: Answer, signature: str
) -> None:
    async with raw(answer) as port:
        assert await signature_of(f"ws://127.0.0.1:{port}") == signature


async def test_an_offered_subprotocol_is_chosen_or_named_as_missing() -> None:
    def steps(url: str) -> dict[str, Any]:
        offer = {
            "url": url,
            "subprotocols": ["jwt-auth", "jwt.{{uuid}}"],
            "subprotocol": "jwt-auth",
        }
        return {"kind": "journey", "steps": [{"open": offer}, {"close": {}}], "retries": 0}

    async with talking(silent, subprotocols=["jwt-auth"]) as url:
        assert (await run(order(steps(url))))[1].outcome is Outcome.PASS
    async with talking(silent) as url:
        _, result = await run(order(steps(url)))
        assert result.failures[0].signature == "ws/subprotocol/not-chosen"


async def test_nothing_listens() -> None:
    with plain.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"ws://127.0.0.1:{free.getsockname()[1]}"
        assert await signature_of(url) == "tcp/refused"


async def test_a_listener_that_never_answers_the_handshake() -> None:
    async with listening(mute) as port:
        probe = chat(f"ws://127.0.0.1:{port}")
        probe["steps"][0]["open"]["within"] = "200ms"
        _, result = await run(order(probe))
    assert result.failures[0].signature == "ws/handshake/timeout"


async def test_a_server_that_answers_pings_is_slow_and_not_dead() -> None:
    async with talking(deaf) as url:
        probe = chat(url)
        probe["steps"][0]["open"]["ping"] = "100ms"
        _, result = await run(order(probe))
    assert result.failures[0].signature == "timeout/first-event"


async def test_a_full_queue_of_connections_is_a_tcp_time_out() -> None:
    with plain.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        fillers = []
        for _ in range(4):
            one = plain.socket()
            one.setblocking(False)
            one.connect_ex(full.getsockname())
            fillers.append(one)
        probe = chat(f"ws://127.0.0.1:{full.getsockname()[1]}")
        probe["steps"][0]["open"]["within"] = "300ms"
        _, result = await run(order(probe))
        for one in fillers:
            one.close()
    assert result.failures[0].signature == "tcp/timeout"


def door(url: str) -> dict[str, Any]:
    """Negative auth: pass only when the server refuses."""
    step = {"open": {"url": url, "refused": {"within": "200ms"}}}
    return {"kind": "journey", "steps": [step], "retries": 0}


async def test_a_door_without_a_lock_is_found() -> None:
    async with talking(good) as url:
        _, result = await run(order(door(url)))
        assert result.failures[0].signature == "ws/auth/accepted-without-credentials"
        assert "accepted without" in result.message


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refusal_in_the_handshake_is_a_locked_door(status: int) -> None:
    def refuse(connection: ServerConnection, _: Any) -> Any:
        return connection.respond(HTTPStatus(status), "")

    async with talking(good, process_request=refuse) as url:
        assert (await run(order(door(url))))[1].outcome is Outcome.PASS


async def test_a_close_1008_is_a_locked_door_and_a_close_1000_is_not() -> None:
    async def policy(socket: ServerConnection) -> None:
        await socket.close(1008, "Authentication failed")

    async with talking(policy) as url:
        assert (await run(order(door(url))))[1].outcome is Outcome.PASS
    async with talking(cleanup_at_once) as url:
        _, result = await run(order(door(url)))
        assert result.failures[0].signature == "ws/closed-early/1000 main cleanup"


def test_the_good_talk_says_all_five() -> None:
    assert [event["type"] for event in good_events("x K")] == list(FIVE)

"""The failure taxonomy is disjoint and complete: each fault has its own name, and each name a fault."""

from __future__ import annotations

import ast
import asyncio
import json
import re
import resource
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.records.words import Outcome
from data.rules.journey.explanations import EXPLANATIONS, explain, family_of
from data.rules.journey.machine import Machine
from data.rules.journey.moves import Failed, Sent
from tasks.probes import requests, tcp, wire
from tasks.probes.clients import Client
from tasks.probes.journey import Walker
from tests.probes.doubles import http, listening, order, read, run
from tests.probes.faults import Service
from tests.probes.grounds import grounds, trusting
from tests.probes.taxonomy import ANSWERS, ELSEWHERE, GROUNDS, LONG, REQUESTS, TALKS, ask, chat

ROOT = Path(__file__).parents[2]
CODE = [*ROOT.glob("data/rules/journey/*.py"), *ROOT.glob("tasks/probes/**/*.py")]
AT_ONCE = 24
EVEN = [at for at, fault in enumerate(TALKS) if fault.place.endswith("/even")]
GOOD = [at for at, fault in enumerate(REQUESTS) if fault.signature == "pass"]
QUIET = {("talk", at) for at in EVEN} | {(by, at) for by in ("httpx", "wire") for at in GOOD}
Found = dict[tuple[Any, ...], str]


async def page(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """The HTTP side of the fault service: the path names what is wrong."""
    fault = (await reader.readuntil(b"\r\n\r\n")).decode().split(" ")[1].strip("/")
    if fault in ("mute", "slow"):
        await asyncio.sleep(0.3 if fault == "slow" else 30)
    if fault == "reset":
        reset(writer)
    elif fault == "ssh":
        writer.write(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")
    elif fault != "hang-up":
        code, body, headers = ANSWERS.get(fault, ANSWERS["good"])
        writer.write(http(code, body, *headers))


def reset(writer: asyncio.StreamWriter) -> None:
    """Break TCP as a crash does, with RST in place of FIN."""
    plug = writer.get_extra_info("socket")
    plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


class Chats(Service):
    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if b"/reset" in (head := await reader.readuntil(b"\r\n\r\n")):
            reset(writer)
            return
        again = asyncio.StreamReader()
        again.feed_data(head)
        pump = asyncio.create_task(_pump(reader, again))
        try:
            await super().__call__(again, writer)
        finally:
            pump.cancel()


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamReader) -> None:
    while data := await source.read(2**16):
        sink.feed_data(data)
    sink.feed_eof()


class Crowd:
    """Walks journeys, some at a time."""

    def __init__(self, clients: dict[str, Client]) -> None:
        self.clients = clients
        self._gate = asyncio.Semaphore(AT_ONCE)

    async def walk(self, plan: dict[str, Any], client: str = "httpx") -> str:
        async with self._gate:
            report = await Walker(read(plan), {"run_id": "r1"}, self.clients[client]).walk(0)
        return report.cause.signature if report.cause else "pass"


@asynccontextmanager
async def crowd() -> AsyncIterator[Crowd]:
    own = wire.WireClient()
    async with requests.open_client() as theirs:
        yield Crowd({"httpx": theirs, "wire": own})
    own.close()


async def everything() -> Found:
    """What each fault of the table was named."""
    jobs: dict[tuple[Any, ...], Any] = {}
    async with crowd() as all_, listening(Chats()) as port, listening(page) as web, grounds() as low:  # fmt: skip
        await all_.walk(chat(f"ws://127.0.0.1:{port}/-"))  # so that a stranger asked before
        for at, fault in enumerate(TALKS):
            jobs[("talk", at)] = all_.walk(chat(f"ws://127.0.0.1:{port}/{fault.place}", **fault.terms))  # fmt: skip
        for client in all_.clients:
            for at, fault in enumerate(REQUESTS):
                plan = ask(f"http://127.0.0.1:{web}/{fault.place}", **fault.terms)
                jobs[(client, at)] = all_.walk(plan, client)
            for name, (is_tls, place) in low.items():
                plan = ask(f"http{'s' * is_tls}://{place}", timeout=limit(name))
                jobs[(client, name)] = all_.walk(plan, client)
        for name, (is_tls, place) in low.items():
            plan = chat(f"ws{'s' * is_tls}://{place}", open={"within": limit(name)})
            jobs[("talk", name)] = all_.walk(plan)
        alone = {key: jobs.pop(key) for key in list(jobs) if key in QUIET}
        named = dict(zip(jobs, await asyncio.gather(*jobs.values()), strict=True))
        named |= {key: await job for key, job in alone.items()}
        for at in EVEN:  # gaps of a busy machine's own: then they are looked at again
            place = f"ws://127.0.0.1:{port}/{TALKS[at].place}"
            for _ in range(4):
                if named["talk", at] == "pass":
                    named["talk", at] = await all_.walk(chat(place))
        return named


def limit(ground: str) -> str:
    """Short where nothing will ever come."""
    return "1500ms" if "timeout" in GROUNDS[ground] else LONG


@pytest.fixture(scope="module")
def found() -> Iterator[Found]:
    with pytest.MonkeyPatch.context() as patch:
        context = trusting()
        for module in (requests, tcp):
            patch.setattr(module, "tls_context", lambda: context)
        yield asyncio.run(everything())


def fits(signature: str, pattern: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".+"), signature) is not None


@pytest.mark.parametrize("at", range(len(TALKS)), ids=[f"{f.place} {f.signature}" for f in TALKS])
def test_each_fault_of_a_talk_has_exactly_its_signature(found: Found, at: int) -> None:
    assert found[("talk", at)] == TALKS[at].signature


@pytest.mark.parametrize("client", ["httpx", "wire"])
@pytest.mark.parametrize("at", range(len(REQUESTS)), ids=[f"{f.place} {f.signature}" for f in REQUESTS])  # fmt: skip
def test_each_fault_of_an_answer_has_exactly_its_signature(
    found: Found, at: int, client: str
) -> None:
    assert found[(client, at)] == REQUESTS[at].signature


@pytest.mark.parametrize("client", ["talk", "httpx", "wire"])
@pytest.mark.parametrize("name", GROUNDS)
def test_each_fault_below_http_has_exactly_its_signature(
    found: Found, name: str, client: str
) -> None:
    assert fits(found[(client, name)], GROUNDS[name])


def test_no_two_faults_share_a_name_but_those_that_are_one_cause() -> None:
    """The rows that share a name are the same fault at two moments, or two ways to the same end."""
    names = Counter(fault.signature for fault in TALKS if fault.signature != "pass")
    shared = {name for name, n in names.items() if n > 1}
    codes = {f"ws/closed-early/{code}" for code in (1000, 1001, 1002, 1003, 1005, *range(1007, 1015), 3000, 4999)}  # fmt: skip
    assert shared == codes | {
        "ws/handshake/header/Sec-WebSocket-Accept",  # absent and wrong
        "ws/unclean-close/1006",  # dropped and never answered
    }


def _emitted() -> set[str]:
    """Signatures in the code, `*` for what is filled in; from literals that begin with a family."""
    families = {key.split("/")[0] for key in EXPLANATIONS}
    found = set[str]()
    for path in CODE:
        if path.name == "explanations.py":
            continue
        tree = ast.parse(path.read_text())
        formats = [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)]
        pieces = {id(part) for node in formats for part in node.values}
        for node in ast.walk(tree):
            text = _text(node) if id(node) not in pieces else ""
            if re.fullmatch(r"[a-z-]+/[a-zA-Z*/ -]+", text) and text.split("/")[0] in families:
                found.add(text)
    return found


def _text(node: ast.AST) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(p.value if isinstance(p, ast.Constant) else "*" for p in node.values)  # type: ignore[misc]
    return ""


SHOWN = {*(f.signature for f in (*TALKS, *REQUESTS)), *GROUNDS.values(), *ELSEWHERE} - {"pass"}


@pytest.mark.parametrize("pattern", sorted(_emitted()))
def test_each_signature_that_the_code_can_emit_is_shown_by_a_fault(pattern: str) -> None:
    assert any(fits(one, pattern) or fits(pattern, one) or one.startswith((f"{pattern}/", f"{pattern} ")) for one in SHOWN)  # fmt: skip


def test_the_code_was_read() -> None:
    assert len(_emitted()) > 50


@pytest.mark.parametrize("family", EXPLANATIONS)
def test_each_family_is_shown_by_a_fault_and_explained_in_a_sentence(family: str) -> None:
    shown = [one for one in SHOWN if family_of(one) is EXPLANATIONS[family]]
    assert shown, "no fault of the table comes to this family: it is dead, or a fault is missing"
    told = EXPLANATIONS[family]
    assert told.sentence.endswith(".") and told.hint.endswith((".", "?"))
    assert len({one.sentence + one.hint for one in EXPLANATIONS.values()}) > 100


def test_each_shown_signature_is_explained() -> None:
    unknown = explain("?")
    assert not [one for one in SHOWN if explain(one) is unknown]


@pytest.mark.parametrize(("signature", "file"), ELSEWHERE.items())
def test_what_is_shown_elsewhere_is_shown_there(signature: str, file: str) -> None:
    assert f'"{signature}' in (ROOT / file).read_text()


async def test_a_gate_without_sockets_blames_itself() -> None:
    async with crowd() as all_, listening(Chats()) as port:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
            signature = await all_.walk(chat(f"ws://127.0.0.1:{port}/-"))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert signature == "gate/out-of-sockets/EMFILE"


def test_a_driver_that_answers_nonsense_is_the_gates_own_failure() -> None:
    machine = Machine(_steps(), {}, 0.0)
    end = machine.feed(Sent(0.1))
    assert isinstance(end, Failed) and end.cause.signature == "gate/unexpected-event"


def _steps() -> Any:
    return read({**chat("ws://x"), "id": "c"}).steps  # type: ignore[union-attr]


async def test_a_body_without_end_is_too_big(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "_MOST_BYTES", 2**16)

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(http(200, "x" * 2**17))

    async with crowd() as all_, listening(endless) as port:
        assert await all_.walk(ask(f"http://127.0.0.1:{port}"), "wire") == "http/too-big"


async def test_a_host_that_dns_cannot_hold_is_an_error_of_the_plan() -> None:
    for host in ("a" * 64 + ".test", "no..dots"):
        _, result = await run(order({k: v for k, v in chat(f"ws://{host}/").items() if k != "id"}))
        assert result.outcome is Outcome.ERROR and "cannot be a host name" in result.message


# Combinations: whatever else is wrong with a service, the first thing on the way is what is named.

PARTS = {0: "handshake", 1: "greeting", 2: "talk", 3: "end"}
PLAIN = [f for f in TALKS if not f.terms and f.signature != "pass" and f.place not in ("mute",)]
BY_PART: dict[int, dict[str, str]] = {part: {"-": ""} for part in PARTS}
for _fault in PLAIN:
    _names = _fault.place.split("/")
    BY_PART[len(_names) - 1][_names[-1]] = _fault.signature
QUICK = {part: {n: s for n, s in names.items() if not s.startswith("timeout") and n not in ("deaf", "stranger", "even")}
         for part, names in BY_PART.items()}  # fmt: skip
COMBINATIONS = st.tuples(*(st.sampled_from(sorted(QUICK[part])) for part in PARTS))


async def _named(combinations: list[tuple[str, ...]]) -> list[str]:
    async with crowd() as all_, listening(Chats()) as port:
        plans = [chat(f"ws://127.0.0.1:{port}/{'/'.join(one)}") for one in combinations]
        return list(await asyncio.gather(*map(all_.walk, plans)))


@settings(max_examples=10, deadline=None)
@given(st.lists(COMBINATIONS, min_size=20, max_size=20))
def test_of_two_hundred_random_combinations_the_first_fault_is_named(
    combinations: list[tuple[str, ...]],
) -> None:
    expected = [
        next((QUICK[part][name] for part, name in enumerate(one) if name != "-"), "pass")
        for one in combinations
    ]
    assert asyncio.run(_named(combinations)) == expected


def test_the_combinations_reach_every_part() -> None:
    assert all(len(QUICK[part]) > 4 for part in PARTS), json.dumps(QUICK)

"""The fault server: for each entry of the failure taxonomy, a real service that has that fault.

One port speaks raw WebSocket (RFC 6455) and does what the path of the request says; faults below
HTTP have ports of their own. `scene` names where a fault belongs, in the order of a journey.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tests.probes.doubles import FIVE, upgraded

Event = dict[str, Any]
Change = Callable[[list[Event]], list[Event]]
_WAIT_S = 30.0


def frame(payload: bytes, opcode: int = 1, size: int | None = None) -> bytes:
    """One frame of a server; `size` may lie."""
    length = len(payload) if size is None else size
    if length < 126:
        head = bytes([0x80 | opcode, length])
    elif length < 2**16:
        head = bytes([0x80 | opcode, 126]) + length.to_bytes(2, "big")
    else:
        head = bytes([0x80 | opcode, 127]) + length.to_bytes(8, "big")
    return head + payload


def text(document: Any) -> bytes:
    return frame((document if isinstance(document, str) else json.dumps(document)).encode())


def close(code: int | None, reason: str = "") -> bytes:
    return frame(b"" if code is None else code.to_bytes(2, "big") + reason.encode(), 8)


async def read_frame(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """One masked frame of a client, at most 64 KiB."""
    head = await reader.readexactly(2)
    size = head[1] & 127
    if size == 126:
        size = int.from_bytes(await reader.readexactly(2), "big")
    mask = await reader.readexactly(4)
    body = await reader.readexactly(size)
    return head[0] & 15, bytes(byte ^ mask[at % 4] for at, byte in enumerate(body))


# What goes wrong, by where it goes wrong. Each is given what it needs and returns bytes to send.
Handshake = Callable[[str], bytes]


def status(code: int) -> Handshake:
    return lambda head: f"HTTP/1.1 {code} X\r\nContent-Length: 2\r\n\r\nno".encode()


def without(name: str) -> Handshake:
    def answer(head: str) -> bytes:
        lines = upgraded(head).decode().split("\r\n")
        return "\r\n".join(line for line in lines if not line.startswith(name)).encode()

    return answer


HANDSHAKES: dict[str, Handshake] = {
    **{str(code): status(code) for code in (200, 302, 400, 401, 403, 404, 407, 418, 426, 429, 500, 502, 503, 504)},
    "subprotocol": lambda head: upgraded(head, "Sec-WebSocket-Protocol: e2e"),
    "extension": lambda head: upgraded(head, "Sec-WebSocket-Extensions: x"),
    "bad-accept": lambda head: upgraded(head).replace(b"-Accept: ", b"-Accept: x"),
    "no-accept": without("Sec-WebSocket-Accept"),
    "no-upgrade": without("Upgrade"),
    "no-connection": without("Connection"),
    "ssh": lambda head: b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
    "hang-up": lambda head: b"",
}  # fmt: skip


def events_of(question: str) -> list[Event]:
    """What a good service answers."""
    events: list[Event] = [
        {"type": name, "user": "u-1", "run": "r-9", "text": "so"} for name in FIVE
    ]
    events[-1]["result"] = f"For {question.split()[-1]} it is 4."
    return events


def each(**fields: Any) -> Change:
    return lambda events: [{**one, **fields} for one in events]


def last(**fields: Any) -> Change:
    return lambda events: [*events[:-1], {**events[-1], **fields}]


def lacking(path: str) -> Change:
    return lambda events: [{k: v for k, v in one.items() if k != path} for one in events]


def swapped(events: list[Event]) -> list[Event]:
    return [*events[:2], events[3], events[2], events[4]]


def drifting(events: list[Event]) -> list[Event]:
    return [*events[:3], {**events[3], "run": "r-8"}, events[4]]


CHANGES: dict[str, Change] = {
    "missing": lambda events: [*events[:3], events[4]],
    "repeated": lambda events: [*events[:2], *events[1:]],
    "order": swapped,
    "user": each(user="u-2"),
    "run": drifting,
    "absent": lacking("text"),
    "blank": each(text=" "),
    "foreign": lambda events: [events[0], {"type": "advert"}, *events[1:]],
    "failure": lambda events: [events[0], {"type": "failure", "error": "no model at 10.0.0.7"}],
    "no-answer": last(result=""),
    "canned": last(result="Agent response for: this"),
    "echo": lambda events: last(result="say " + events[-1]["result"].split()[1])(events),
    "nonce": last(result="It is 4."),
}

# Bytes instead of the rest of the events, after two of them were said.
BREAKS: dict[str, bytes] = {
    "bad-json": text('{"type": "ended", "result'),
    "bad-utf8": frame(b'{"type": "\xff"}'),
    "too-big": frame(b"{", size=17 * 2**20),
    "bad-opcode": frame(b"", 3),
    "bad-close": close(1006),
}


class Service:
    """A raw WebSocket service: `/handshake/greeting/talk/end`, each a fault's name or `-`.

    - greeting: silent, other, not-json, or close-CODE.
    - talk: a name of CHANGES or BREAKS; silent, stalls, drops, even, stranger, deaf-to-pings or
      close-CODE.
    - end, after the last event: close-CODE, drops, deaf, answers-CODE or breaks.
    """

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        parts = [*head.split(" ")[1].strip("/").split("/"), "-", "-", "-", "-"]
        shake, greeting, talk, end = parts[:4]
        if shake == "mute":
            await asyncio.sleep(_WAIT_S)
        if shake == "reset":
            writer.transport.abort()
            return
        answer = HANDSHAKES.get(shake, upgraded)(head)
        writer.write(answer)
        if shake in HANDSHAKES:
            return
        await self._greet(greeting, writer)
        question = await _question(reader)
        self.asked.append(question)
        await self._talk(talk, question, writer)
        await _end(end, reader, writer)

    async def _greet(self, fault: str, writer: asyncio.StreamWriter) -> None:
        if fault == "silent":
            await asyncio.sleep(_WAIT_S)
        if fault.startswith("close-"):
            writer.write(_ordered(fault))
            await asyncio.sleep(_WAIT_S)
        said = {"other": {"type": "sorry"}, "not-json": "hello", "blank": {"type": ""}, "empty": {}}
        writer.write(text(said.get(fault, {"type": "hello"})))

    async def _talk(self, fault: str, question: str, writer: asyncio.StreamWriter) -> None:
        if fault == "silent":
            await asyncio.sleep(_WAIT_S)
        if fault == "stranger":
            question = self.asked[0]
        events = CHANGES.get(fault, list)(events_of(question))
        gaps_s: Sequence[float] = (0.2,) * 4 if fault == "even" else (0.0,) * len(events)
        await _say(events[:2], gaps_s, writer)
        if fault in BREAKS or fault.startswith("close-"):
            writer.write(BREAKS.get(fault) or _ordered(fault))
            await asyncio.sleep(_WAIT_S)
        if fault in ("stalls", "deaf-to-pings"):
            await asyncio.sleep(_WAIT_S)
        if fault == "drops":
            writer.transport.abort()
            return
        await _say(events[2:], gaps_s[2:], writer)


async def _say(
    events: Iterable[Event], gaps_s: Iterable[float], writer: asyncio.StreamWriter
) -> None:
    due_s = asyncio.get_running_loop().time()
    for event, gap_s in zip(events, (*gaps_s, 0.0), strict=False):
        writer.write(text(event))
        if gap_s:
            due_s += gap_s  # by a schedule, so that a late one does not move those after it
            await asyncio.sleep(due_s - asyncio.get_running_loop().time())


async def _question(reader: asyncio.StreamReader) -> str:
    """The text that the client sends; its pings are not answered here."""
    opcode, body = 9, b""
    while opcode != 1:
        opcode, body = await read_frame(reader)
        if opcode == 8:
            raise ConnectionError("closed")
    found: str = json.loads(body)["text"]
    return found


async def _end(fault: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    if fault.startswith("close-"):
        writer.write(_ordered(fault))
    opcode, body = await read_frame(reader)
    while opcode != 8:
        opcode, body = await read_frame(reader)
    if fault == "drops":
        writer.transport.abort()
    elif fault == "deaf":
        await asyncio.sleep(_WAIT_S)
    elif fault.startswith("answers-"):
        writer.write(_ordered(fault))
    elif fault == "breaks":
        writer.write(frame(b"", 3))
    elif not fault.startswith("close-"):
        writer.write(frame(body, 8))


def _ordered(fault: str) -> bytes:
    code = int(fault.rpartition("-")[2])
    return close(None if code == 1005 else code)

"""Laws of the short way: whatever a server sends, in whatever pieces, it is read as the library does."""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from hypothesis import example, given
from hypothesis import strategies as st
from websockets.server import ServerProtocol

from data.rules.journey.moves import Closed, Connect, Message
from tasks.probes.everyday import Everyday, frame
from tasks.probes.opening import Opening, opening
from tasks.probes.strict import Strict

OFFERED = ("chat.v2", "chat.v1")
BEGUN = opening(Connect("ws://127.0.0.1:9/chat?x=1", {"X-Own": "1"}, OFFERED, 0.0))


class Read(NamedTuple):
    """What one side made of all bytes."""

    is_open: bool
    subprotocol: str | None
    error: str
    payloads: list[str | bytes]
    closed: Closed | None


def read(pieces: Sequence[bytes], close_after: int | None, short: bool) -> Read:
    """Feed the pieces; our own close goes out after that many of them, if the socket is open."""
    inbox: deque[Message] = deque()
    everyday = Everyday(BEGUN)
    side: Everyday | Strict = everyday if short else Strict.after(everyday)
    for number, piece in enumerate(pieces):
        if side.closed is None and side.is_open and number == close_after:
            side.close(1000)
        rest: bytes | None = piece
        if isinstance(side, Everyday):
            rest = side.feed(piece, 0.0, inbox)
            side = side if rest is None else Strict.after(side)
        if isinstance(side, Strict) and rest is not None:
            side.feed(rest, 0.0, inbox)
    subprotocol = side.subprotocol or (everyday.subprotocol if short else None)
    error = side.error if isinstance(side, Strict) else None
    texts = [message.payload for message in inbox]
    return Read(side.is_open, subprotocol, repr(error), texts, side.closed)


def head(*lines: str, first: str = "HTTP/1.1 101 Switching Protocols") -> bytes:
    return "\r\n".join([first, *lines, "\r\n"]).encode()


ACCEPT = f"Sec-WebSocket-Accept: {BEGUN.accept.decode()}"
UPGRADE, CONNECTION = "Upgrade: websocket", "Connection: Upgrade"
GOOD = head(UPGRADE, CONNECTION, ACCEPT)
HEADS = st.one_of(
    st.just(GOOD),
    st.sampled_from([
        head("upgrade:WebSocket", "connection:  upgrade ", ACCEPT, "Date: now", "Server: x/1"),
        head(UPGRADE, "Connection: keep-alive, Upgrade", ACCEPT),
        head(UPGRADE, CONNECTION, ACCEPT, "Sec-WebSocket-Protocol: chat.v1"),
        head(UPGRADE, CONNECTION, ACCEPT, "Sec-WebSocket-Protocol: chat.v9"),
        head(UPGRADE, CONNECTION, ACCEPT, "Sec-WebSocket-Protocol:"),
        head(UPGRADE, CONNECTION, ACCEPT, "Sec-WebSocket-Protocol: chat.v1, chat.v2"),
        head(UPGRADE, CONNECTION, ACCEPT, "Sec-WebSocket-Extensions: permessage-deflate"),
        head(UPGRADE, CONNECTION, ACCEPT, ACCEPT),
        head(UPGRADE, CONNECTION, ACCEPT + "x"),
        head(UPGRADE, CONNECTION),
        head(UPGRADE, ACCEPT),
        head(CONNECTION, ACCEPT),
        head(UPGRADE, UPGRADE, CONNECTION, ACCEPT),
        head(UPGRADE, CONNECTION, ACCEPT, "bad name: 1"),
        head(UPGRADE, CONNECTION, ACCEPT, first="HTTP/1.1 101"),
        head(UPGRADE, CONNECTION, ACCEPT, first="HTTP/1.0 101 Old"),
        head("Content-Length: 2", first="HTTP/1.1 503 Busy") + b"no",
        b"\x16\x03\x01 no HTTP at all\r\n\r\n",
    ]),
)  # fmt: skip


def server_frame(first: int, payload: bytes) -> bytes:
    size = len(payload)
    if size < 126:
        return bytes((first, size)) + payload
    if size < 65_536:
        return bytes((first, 126)) + struct.pack("!H", size) + payload
    return bytes((first, 127)) + struct.pack("!Q", size) + payload


FIRST = st.sampled_from([0x81, 0x81, 0x81, 0x82, 0x01, 0x02, 0x80, 0x00, 0x89, 0x8A, 0x88, 0xC1, 0x83, 0x09])  # fmt: skip
PAYLOAD = st.one_of(
    st.text(max_size=20).map(str.encode), st.binary(max_size=12),
    st.sampled_from([b"x" * 125, b"x" * 126, b"x" * 65_535, b"x" * 65_536, b""]),
    st.tuples(st.sampled_from([1000, 1001, 1005, 1011, 3000, 4999, 5000, 0]), st.text(max_size=5))
    .map(lambda said: struct.pack("!H", said[0]) + said[1].encode()),
)  # fmt: skip
FRAMES = st.lists(
    st.one_of(
        st.builds(server_frame, FIRST, PAYLOAD),
        st.builds(frame, FIRST, PAYLOAD),  # masked, which no server may
        st.binary(max_size=6),
    ),
    max_size=6,
).map(b"".join)
CUTS = st.lists(st.integers(0, 400), max_size=5)


def cut(data: bytes, places: Sequence[int]) -> list[bytes]:
    edges = [0, *sorted(place for place in places if place < len(data)), len(data)]
    return [data[a:b] for a, b in pairwise(edges)]


@given(HEADS, FRAMES, CUTS, st.one_of(st.none(), st.integers(0, 5)))
@example(GOOD, server_frame(0x88, b"\x03\xe8"), [len(GOOD)], 1)
@example(GOOD, server_frame(0x88, b"\x03\xe8") + server_frame(0x81, b"late"), [len(GOOD)], 1)
@example(GOOD, server_frame(0x81, b"x" * 300), [len(GOOD) + 3], None)
def test_the_short_way_reads_what_the_library_reads(
    answer: bytes, frames: bytes, cuts: list[int], close_after: int | None
) -> None:
    pieces = cut(answer + frames, cuts)
    assert read(pieces, close_after, short=True) == read(pieces, close_after, short=False)


def test_an_ordinary_talk_never_leaves_the_short_way() -> None:
    everyday, inbox = Everyday(BEGUN), deque[Message]()
    events = b"".join(server_frame(0x81, b'{"type": "began"}') for _ in range(5))
    assert everyday.feed(GOOD + events[:30], 1.0, inbox) is None
    assert everyday.feed(events[30:], 2.0, inbox) is None
    everyday.close(1000)
    assert everyday.feed(server_frame(0x88, b"\x03\xe8"), 3.0, inbox) is None
    assert [message.t_s for message in inbox] == [1.0, 2.0, 2.0, 2.0, 2.0]
    assert everyday.closed == Closed(1000, "", "answer", 3.0)


def test_what_the_short_way_has_sent_is_not_sent_again() -> None:
    everyday, inbox = Everyday(BEGUN), deque[Message]()
    assert Strict.after(everyday).out() == [], "the request"
    everyday.feed(GOOD, 0.0, inbox)
    assert Strict.after(everyday).out() == []
    everyday.close(1000)
    strict = Strict.after(everyday)
    assert strict.out() == [], "the close"
    strict.feed(server_frame(0x88, b"\x03\xe8"), 1.0, inbox)
    assert strict.closed == Closed(1000, "", "answer", 1.0)
    assert not any(strict.out())


@given(st.binary(max_size=300), st.sampled_from([0x81, 0x82]))
def test_a_frame_that_is_sent_is_one_that_the_library_understands(
    payload: bytes, first: int
) -> None:
    server = ServerProtocol()
    server.receive_data(BEGUN.request)
    request = server.events_received()[0]
    server.send_response(server.accept(request))  # type: ignore[arg-type]
    server.receive_data(frame(first, payload))
    got = server.events_received()[0]
    assert (int(got.opcode), bytes(got.data)) == (first & 15, payload)  # type: ignore[union-attr]


def asked(headers: dict[str, str]) -> Opening:
    return opening(Connect("ws://me:pw@h.example:81/a", headers, (), 0.0))


def test_what_the_plan_names_replaces_what_we_would_say() -> None:
    lines = asked({"user-agent": "mine", "HOST": "other"}).request.decode().split("\r\n")
    names = [line.partition(":")[0].lower() for line in lines[1:-2]]
    assert len(names) == len(set(names))
    assert lines[0] == "GET /a HTTP/1.1"
    assert "user-agent: mine" in lines
    assert "HOST: other" in lines
    assert "Authorization: Basic bWU6cHc=" in lines
    assert asked({}).key != asked({}).key

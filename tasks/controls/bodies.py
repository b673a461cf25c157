"""Bodies that come in pieces or whole, and the headers that go with them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable

from data.rules.mutation import Headers

Body = AsyncIterator[bytes] | bytes
MOST_BYTES = 16 * 2**20  # of a body that is read as a whole; bigger ones pass as they are
_EVENT_END = re.compile(rb"\r\n\r\n|\n\n|\r\r")
_TEXTS = (b"json", b"text/", b"javascript", b"xml")


async def pieces(body: Body) -> AsyncIterator[bytes]:
    """A body piece by piece, as it comes."""
    if not isinstance(body, bytes):
        async for piece in body:
            yield piece
    elif body:
        yield body


async def gathered(body: Body) -> tuple[bytes, AsyncIterator[bytes] | None]:
    """A whole body and None; of one that is too big, the beginning and the rest."""
    whole, rest = bytearray(), pieces(body)
    async for piece in rest:
        whole += piece
        if len(whole) > MOST_BYTES:
            return bytes(whole), rest
    return bytes(whole), None


async def joined(head: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """A body whose beginning was read already."""
    yield head
    async for piece in rest:
        yield piece


async def events_of(body: Body) -> AsyncIterator[bytes]:
    """A stream of server-sent events, each as soon as it is whole and with the line that ends it.

    What is longer than a body may be passes as it comes.
    """
    rest = b""
    async for piece in pieces(body):
        rest += piece
        while end := _EVENT_END.search(rest):
            yield rest[: end.end()]
            rest = rest[end.end() :]
        if len(rest) > MOST_BYTES:
            yield rest
            rest = b""
    if rest:
        yield rest


def is_stream(headers: Headers) -> bool:
    """Whether a body is a stream of server-sent events."""
    return b"text/event-stream" in _kind(headers)


def is_json(headers: Headers) -> bool:
    """Whether a body is one JSON document; a stream of events is none."""
    return b"json" in _kind(headers) and is_text(headers)


def is_text(headers: Headers) -> bool:
    """Whether a body is text that ends: events that stream have to pass as they come."""
    kind = _kind(headers)
    return any(text in kind for text in _TEXTS) and b"stream" not in kind


def _kind(headers: Headers) -> bytes:
    return b",".join(v for k, v in headers if k.lower() == b"content-type").lower()


def as_text(headers: Headers) -> list[tuple[str, str]]:
    """Headers for libraries that want text."""
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]


def as_bytes(headers: Iterable[tuple[str, str]]) -> Headers:
    """Headers from libraries that give text."""
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]


def typed(content_type: str, body: bytes) -> Headers:
    """Headers of a whole body."""
    return with_length([(b"Content-Type", content_type.encode())], len(body))


def with_length(headers: Headers, n_bytes: int) -> Headers:
    """The headers of a body that was changed: its length, and nothing that was true of the old."""
    return [*without_length(headers), (b"Content-Length", str(n_bytes).encode())]


def without_length(headers: Headers) -> Headers:
    """Headers that say nothing about the bytes of a body."""
    old = (b"content-length", b"content-encoding", b"transfer-encoding", b"etag", b"content-md5")
    return [(name, value) for name, value in headers if name.lower() not in old]

"""What one end of a control says to the other: a request, an answer, a conversation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from data.rules.mutation import Headers
from tasks.controls.bodies import Body

Message = str | bytes
CUT = 1006  # no close frame at all (RFC 6455 7.4.1)


@dataclass(frozen=True)
class Asked:
    """A request, or a WebSocket handshake."""

    method: str
    target: bytes  # path and query, as they came
    headers: Headers
    body: AsyncIterator[bytes]

    @property
    def path(self) -> str:
        """The path alone."""
        return self.target.partition(b"?")[0].decode("latin-1")

    def values(self, name: bytes) -> list[bytes]:
        """The values of one header, given in small letters."""
        return [value for key, value in self.headers if key.lower() == name]

    @property
    def subprotocols(self) -> list[str]:
        """What a handshake offers, best first."""
        text = b",".join(self.values(b"sec-websocket-protocol")).decode("latin-1")
        return [part.strip() for part in text.split(",") if part.strip()]


@dataclass(frozen=True)
class Answer:
    """An answer; its body is whole or comes in pieces."""

    status: int
    headers: Headers = field(default_factory=list)
    body: Body = b""
    reason: bytes = b""


class Ending(NamedTuple):
    """How one side closed a conversation."""

    code: int
    reason: str = ""


class Talk:
    """The server's side of an accepted WebSocket. As it stands: it says nothing, and never ends."""

    def __init__(self, subprotocol: str | None = None, headers: Headers | None = None) -> None:
        self.subprotocol, self.headers = subprotocol, headers or []

    def messages(self) -> AsyncIterator[Message]:
        """What the server says; over when it closes."""
        return nothing()

    async def hear(self, message: Message) -> None:
        """The client said something."""

    def ended(self) -> Ending:
        """How the server closed, once `messages` is over."""
        return Ending(1000)

    async def leave(self, ending: Ending) -> None:
        """The client closed."""


class Target(Protocol):
    """Something that answers requests."""

    def answer(self, asked: Asked) -> AbstractAsyncContextManager[Answer]:
        """The answer to a request; the context is left when it was sent."""

    def open(self, asked: Asked) -> AbstractAsyncContextManager[Answer | Talk]:
        """A handshake: accepted with a talk, or refused with an answer."""


async def nothing() -> AsyncIterator[Message]:
    """Say nothing, for ever."""
    await asyncio.Event().wait()
    yield ""

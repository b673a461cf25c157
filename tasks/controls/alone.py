"""Controls that stand alone: no real target is asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

from tasks.controls.bodies import typed
from tasks.controls.exchange import Answer, Asked, Message, Talk


class Always:
    """One status to everything, WebSocket handshakes too."""

    def __init__(self, status: int) -> None:
        self._status = status

    @asynccontextmanager
    async def answer(self, asked: Asked) -> AsyncIterator[Answer]:
        """The status, with its phrase as the detail."""
        yield self._answer()

    @asynccontextmanager
    async def open(self, asked: Asked) -> AsyncIterator[Answer | Talk]:
        """Refused."""
        yield self._answer()

    def _answer(self) -> Answer:
        phrase = _phrase(self._status)
        body = f'{{"detail":"{phrase}"}}'.encode()
        return Answer(self._status, typed("application/json", body), body, phrase.encode())


class Empty:
    """200 with nothing in it; sockets open and say nothing."""

    @asynccontextmanager
    async def answer(self, asked: Asked) -> AsyncIterator[Answer]:
        """Nothing."""
        yield Answer(200, typed("application/json", b""), b"", b"OK")

    @asynccontextmanager
    async def open(self, asked: Asked) -> AsyncIterator[Answer | Talk]:
        """Accepted, and then silence."""
        yield Talk(first_offered(asked))


class Silent:
    """Requests and handshakes are read and never answered."""

    @asynccontextmanager
    async def answer(self, asked: Asked) -> AsyncIterator[Answer]:
        """Never."""
        await asyncio.Event().wait()
        yield Answer(200)

    @asynccontextmanager
    async def open(self, asked: Asked) -> AsyncIterator[Answer | Talk]:
        """Never."""
        await asyncio.Event().wait()
        yield Answer(200)


class Closed:
    """200 `{}`; each socket is closed with 1000 as soon as it is open."""

    @asynccontextmanager
    async def answer(self, asked: Asked) -> AsyncIterator[Answer]:
        """An empty document."""
        yield Answer(200, typed("application/json", b"{}"), b"{}", b"OK")

    @asynccontextmanager
    async def open(self, asked: Asked) -> AsyncIterator[Answer | Talk]:
        """Accepted, and then over."""
        yield _Over(first_offered(asked))


class _Over(Talk):
    async def messages(self) -> AsyncIterator[Message]:
        return
        yield


def first_offered(asked: Asked) -> str | None:
    """A client that offers subprotocols wants one of them back."""
    return next(iter(asked.subprotocols), None)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"

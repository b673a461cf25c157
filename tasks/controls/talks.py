"""Mutations of conversations: events that are missing or late, sockets that close too soon."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TypeVar

from data.rules.mutation import event_names, names_event
from tasks.controls.bodies import events_of, is_stream, without_length
from tasks.controls.changes import Changed, Passing
from tasks.controls.exchange import Answer, Asked, Ending, Message, Talk, Target

M = TypeVar("M", Message, bytes)
Names = Callable[[str | bytes, str], bool]


class WithoutEvent(Passing):
    """Messages of the server that name an event are dropped, from event streams too."""

    def __init__(self, inner: Target, event: str) -> None:
        super().__init__(inner)
        self._event = event

    @asynccontextmanager
    async def answer(self, asked: Asked) -> AsyncIterator[Answer]:
        """A stream of events without them; other answers pass."""
        async with self.inner.answer(asked) as real:
            if is_stream(real.headers):
                body = self._kept(events_of(real.body), event_names)
                yield replace(real, headers=without_length(real.headers), body=body)
            else:
                yield real

    def talk(self, talk: Talk) -> Talk:
        """The conversation without them."""
        return Changed(talk, lambda messages: self._kept(messages, names_event))

    async def _kept(self, messages: AsyncIterator[M], names: Names) -> AsyncIterator[M]:
        async for message in messages:
            if not names(message, self._event):
                yield message


class Reordered(WithoutEvent):
    """Messages of the server that name an event come after the one that follows them."""

    async def _kept(self, messages: AsyncIterator[M], names: Names) -> AsyncIterator[M]:
        held: list[M] = []
        async for message in messages:
            if not held and names(message, self._event):
                held.append(message)
                continue
            yield message
            while held:
                yield held.pop()
        for message in held:
            yield message


class Closing(Passing):
    """Each socket is closed by us after some messages of the server."""

    def __init__(self, inner: Target, code: int, after: int) -> None:
        super().__init__(inner)
        self._code, self._after = code, after

    def talk(self, talk: Talk) -> Talk:
        """The beginning of the conversation."""
        return _Cut(talk, self._code, self._after)


class _Cut(Changed):
    def __init__(self, inner: Talk, code: int, after: int) -> None:
        super().__init__(inner, self._first)
        self._code, self._left, self._is_cut = code, after, False

    async def _first(self, messages: AsyncIterator[Message]) -> AsyncIterator[Message]:
        if self._left:
            async for message in messages:
                yield message
                self._left -= 1
                if not self._left:
                    break
        self._is_cut = self._left == 0

    def ended(self) -> Ending:
        return Ending(self._code) if self._is_cut else self.inner.ended()

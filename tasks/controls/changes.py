"""Mutations that change what passes: answers and messages of the real target."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import count
from time import monotonic

from data.rules.mutation import Moves, swapped_event, swapped_text
from tasks.controls.bodies import (
    Body,
    events_of,
    gathered,
    is_json,
    is_stream,
    is_text,
    joined,
    with_length,
    without_length,
)  # fmt: skip
from tasks.controls.exchange import Answer, Asked, Ending, Message, Talk, Target

Change = Callable[[AsyncIterator[Message]], AsyncIterator[Message]]
_MOST_WAITING = 1024  # messages on their way


class Passing:
    """All as the target says it."""

    def __init__(self, inner: Target) -> None:
        self.inner = inner

    @asynccontextmanager
    async def answer(self, asked: Asked) -> AsyncIterator[Answer]:
        """The target's answer."""
        async with self.inner.answer(asked) as answer:
            yield answer

    @asynccontextmanager
    async def open(self, asked: Asked) -> AsyncIterator[Answer | Talk]:
        """The target's conversation, changed on the way."""
        async with self.inner.open(asked) as opened:
            yield self.talk(opened) if isinstance(opened, Talk) else opened

    def talk(self, talk: Talk) -> Talk:
        """An accepted conversation as the client has it."""
        return talk


class Scoped(Passing):
    """Broken under one path; the rest is whole."""

    def __init__(self, inner: Target, broken: Target, path: str) -> None:
        super().__init__(inner)
        self._broken, self._path = broken, path

    @asynccontextmanager
    async def answer(self, asked: Asked) -> AsyncIterator[Answer]:
        """By path."""
        async with self._of(asked).answer(asked) as answer:
            yield answer

    @asynccontextmanager
    async def open(self, asked: Asked) -> AsyncIterator[Answer | Talk]:
        """By path."""
        async with self._of(asked).open(asked) as opened:
            yield opened

    def _of(self, asked: Asked) -> Target:
        return self._broken if asked.path.startswith(self._path) else self.inner


class Changed(Talk):
    """A conversation whose server's messages pass through a change."""

    def __init__(self, inner: Talk, change: Change) -> None:
        super().__init__(inner.subprotocol, inner.headers)
        self.inner, self._change = inner, change

    def messages(self) -> AsyncIterator[Message]:
        return self._change(self.inner.messages())

    async def hear(self, message: Message) -> None:
        await self.inner.hear(message)

    def ended(self) -> Ending:
        return self.inner.ended()

    async def leave(self, ending: Ending) -> None:
        await self.inner.leave(ending)


class Leading(Passing):
    """Addresses in texts lead to the controls too: a suite may follow what a service tells it."""

    def __init__(self, inner: Target, moves: Moves) -> None:
        super().__init__(inner)
        self._moves = moves

    @asynccontextmanager
    async def answer(self, asked: Asked) -> AsyncIterator[Answer]:
        """Text without an address of a target passes as it is, other bodies always do."""
        async with self.inner.answer(asked) as real:
            if asked.method == "HEAD" or not is_text(real.headers):
                yield real
                return
            yield self._led(real, *await gathered(real.body))

    def _led(self, real: Answer, whole: bytes, rest: AsyncIterator[bytes] | None) -> Answer:
        if rest is not None:
            return Answer(real.status, real.headers, joined(whole, rest), real.reason)
        body = self._moves.led_here(whole)
        headers = real.headers if body == whole else with_length(real.headers, len(body))
        return Answer(real.status, headers, body, real.reason)

    def talk(self, talk: Talk) -> Talk:
        """Messages that lead to the controls."""
        return Changed(talk, self._messages)

    async def _messages(self, messages: AsyncIterator[Message]) -> AsyncIterator[Message]:
        async for message in messages:
            if isinstance(message, str):
                message = self._moves.led_here(message.encode()).decode()
            yield message


class Emptied(Passing):
    """The real status with an empty body; the server's messages become `{}`."""

    @asynccontextmanager
    async def answer(self, asked: Asked) -> AsyncIterator[Answer]:
        """Nothing in it."""
        async with self.inner.answer(asked) as real:
            yield Answer(real.status, with_length(real.headers, 0), b"", real.reason)

    def talk(self, talk: Talk) -> Talk:
        """As many messages as there were, with nothing in them."""
        return Changed(talk, _emptied)


async def _emptied(messages: AsyncIterator[Message]) -> AsyncIterator[Message]:
    async for _ in messages:
        yield "{}"


class Delayed(Passing):
    """Each answer and each message of the server comes later; messages keep their distances."""

    def __init__(self, inner: Target, delay_s: float) -> None:
        super().__init__(inner)
        self._delay_s = delay_s

    @asynccontextmanager
    async def answer(self, asked: Asked) -> AsyncIterator[Answer]:
        """The same answer, later."""
        async with self.inner.answer(asked) as answer:
            await asyncio.sleep(self._delay_s)
            yield answer

    def talk(self, talk: Talk) -> Talk:
        """The same messages, later."""
        return Changed(talk, self._later)

    async def _later(self, messages: AsyncIterator[Message]) -> AsyncIterator[Message]:
        line: asyncio.Queue[tuple[float, Message | None]] = asyncio.Queue(_MOST_WAITING)
        feeder = asyncio.create_task(_feed(line, messages, self._delay_s))
        try:
            while True:
                due_s, message = await line.get()
                await asyncio.sleep(due_s - monotonic())
                if message is None:
                    return
                yield message
        finally:
            feeder.cancel()
            await asyncio.gather(feeder, return_exceptions=True)


async def _feed(
    line: asyncio.Queue[tuple[float, Message | None]],
    messages: AsyncIterator[Message],
    delay_s: float,
) -> None:
    async for message in messages:
        await line.put((monotonic() + delay_s, message))
    await line.put((monotonic() + delay_s, None))


class Swapped(Passing):
    """Fields that name a user carry somebody else's value, another one in each answer."""

    def __init__(self, inner: Target, fields: tuple[str, ...]) -> None:
        super().__init__(inner)
        self._fields, self._turns = fields, count()

    @asynccontextmanager
    async def answer(self, asked: Asked) -> AsyncIterator[Answer]:
        """A JSON body, or events of a stream, with another user in them; others pass."""
        async with self.inner.answer(asked) as real:
            if is_stream(real.headers):
                yield replace(
                    real, headers=without_length(real.headers), body=self._events(real.body)
                )
            elif asked.method == "HEAD" or not is_json(real.headers):
                yield real
            else:
                yield self._swapped(real, *await gathered(real.body))

    async def _events(self, body: Body) -> AsyncIterator[bytes]:
        async for event in events_of(body):
            yield swapped_event(event, self._fields, next(self._turns))

    def _swapped(self, real: Answer, whole: bytes, rest: AsyncIterator[bytes] | None) -> Answer:
        if rest is not None:
            return Answer(real.status, real.headers, joined(whole, rest), real.reason)
        body = self._text(whole.decode(errors="surrogateescape")).encode(errors="surrogateescape")
        return Answer(real.status, with_length(real.headers, len(body)), body, real.reason)

    def talk(self, talk: Talk) -> Talk:
        """Messages with another user in them."""
        return Changed(talk, self._messages)

    async def _messages(self, messages: AsyncIterator[Message]) -> AsyncIterator[Message]:
        async for message in messages:
            yield self._text(message) if isinstance(message, str) else message

    def _text(self, text: str) -> str:
        return swapped_text(text, self._fields, next(self._turns))

"""Mutations that remember what the sound target said: canned answers, auth switched off."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import monotonic

from data.rules.mutation import Headers, pattern_of
from tasks.controls.alone import first_offered
from tasks.controls.bodies import pieces, typed, with_length
from tasks.controls.changes import Changed, Passing
from tasks.controls.exchange import Answer, Asked, Ending, Message, Talk, Target, nothing

_MOST_BYTES = 2**20  # of one body, or of one conversation
_MOST_IN_ALL_BYTES = 32 * 2**20
_MOST_KEPT = 512
_MOST_MESSAGES = 1000
_LONGEST_GAP_S = 1.0
# RFC 6455 policy violation, IANA's Unauthorized and Forbidden, and what frameworks use for them.
_UNAUTHORISED = frozenset({1008, 3000, 3003, 4001, 4003, 4401, 4403})
Key = tuple[str, str]


class Answers:
    """Good answers by method and path, the ids in the path not counted. Bounded."""

    def __init__(self, first: bool) -> None:
        """`first`: the first one stays; else the last one does."""
        self._first = first
        self._kept: OrderedDict[Key, tuple[Answer, int]] = OrderedDict()
        self._n_bytes = 0

    def of(self, asked: Asked) -> Answer | None:
        """What was answered to such a request."""
        answer, _ = self._kept.get(_key(asked), (None, 0))
        return answer

    def listening(self, asked: Asked, answer: Answer) -> Answer:
        """The same answer, remembered once it was sent as a whole."""
        if asked.method == "HEAD" or not 200 <= answer.status < 300:
            return answer
        body = self._heard(asked, answer)
        return Answer(answer.status, answer.headers, body, answer.reason)

    async def _heard(self, asked: Asked, answer: Answer) -> AsyncIterator[bytes]:
        whole = bytearray()
        async for piece in pieces(answer.body):
            if len(whole) <= _MOST_BYTES:
                whole += piece
            yield piece
        if len(whole) <= _MOST_BYTES:
            headers = with_length(answer.headers, len(whole))
            kept = Answer(answer.status, headers, bytes(whole), answer.reason)
            self._keep(_key(asked), kept, len(whole))

    def _keep(self, key: Key, answer: Answer, n_bytes: int) -> None:
        if key in self._kept:
            if self._first:
                return
            self._n_bytes -= self._kept.pop(key)[1]
        self._kept[key] = answer, n_bytes
        self._n_bytes += n_bytes
        while len(self._kept) > _MOST_KEPT or self._n_bytes > _MOST_IN_ALL_BYTES:
            self._n_bytes -= self._kept.popitem(last=False)[1][1]


def _key(asked: Asked) -> Key:
    return asked.method, pattern_of(asked.path)


class NoAuth(Passing):
    """Who is refused gets in: the last good answer to the like, or `{}`; refused sockets open."""

    def __init__(self, inner: Target) -> None:
        super().__init__(inner)
        self._answers = Answers(first=False)

    @asynccontextmanager
    async def answer(self, asked: Asked) -> AsyncIterator[Answer]:
        """Never 401 or 403."""
        async with self.inner.answer(asked) as real:
            if real.status in (401, 403):
                yield self._answers.of(asked) or _nothing_known()
            else:
                yield self._answers.listening(asked, real)

    @asynccontextmanager
    async def open(self, asked: Asked) -> AsyncIterator[Answer | Talk]:
        """Open, whoever asks; also where the target opens first and refuses by closing."""
        async with self.inner.open(asked) as opened:
            if isinstance(opened, Talk):
                yield _Admitted(opened)
            elif opened.status in (401, 403):
                yield Talk(first_offered(asked))
            else:
                yield opened


def _nothing_known() -> Answer:
    return Answer(200, typed("application/json", b"{}"), b"{}", b"OK")


class _Admitted(Changed):
    def __init__(self, inner: Talk) -> None:
        super().__init__(inner, self._staying)

    async def _staying(self, messages: AsyncIterator[Message]) -> AsyncIterator[Message]:
        async for message in messages:
            yield message
        if self.inner.ended().code in _UNAUTHORISED:
            async for message in nothing():
                yield message


@dataclass
class Recording:
    """What the server said in one conversation: before the client spoke, and after each time."""

    subprotocol: str | None
    headers: Headers
    turns: list[list[Message]] = field(default_factory=lambda: [[]])
    ending: Ending | None = None
    n_messages: int = 0
    n_bytes: int = 0
    spoke_s: float = 0.0  # time in which the server spoke
    last_s: float = 0.0

    def heard(self) -> None:
        """The client spoke."""
        if len(self.turns) < _MOST_MESSAGES:
            self.turns.append([])
        self.last_s = monotonic()

    def said(self, message: Message) -> None:
        """The server spoke."""
        if self.n_messages < _MOST_MESSAGES and self.n_bytes < _MOST_BYTES:
            now_s = monotonic()
            self.spoke_s += min(now_s - (self.last_s or now_s), _LONGEST_GAP_S)
            self.last_s = now_s
            self.n_messages += 1
            self.n_bytes += len(message)
            self.turns[-1].append(message)

    @property
    def gap_s(self) -> float:
        """Time between two messages, always the same: that is what gives a canned answer away."""
        return self.spoke_s / self.n_messages if self.n_messages else 0.0

    def after(self, n_heard: int) -> list[Message]:
        """What is said after the client spoke so often; beyond the end, the last that was said."""
        if n_heard < len(self.turns):
            return self.turns[n_heard]
        spoken = [turn for turn in self.turns[1:] if turn]
        return spoken[-1] if spoken else []


class Canned(Passing):
    """The first good answer of each kind, and the first conversation, again for ever."""

    def __init__(self, inner: Target) -> None:
        super().__init__(inner)
        self._answers = Answers(first=True)
        self._talks: dict[Key, Recording] = {}

    @asynccontextmanager
    async def answer(self, asked: Asked) -> AsyncIterator[Answer]:
        """What was answered the first time."""
        if known := self._answers.of(asked):
            yield known
            return
        async with self.inner.answer(asked) as real:
            yield self._answers.listening(asked, real)

    @asynccontextmanager
    async def open(self, asked: Asked) -> AsyncIterator[Answer | Talk]:
        """The first conversation that is over and in which the server spoke."""
        if known := self._talks.get(_key(asked)):
            yield _Replayed(known)
            return
        async with self.inner.open(asked) as opened:
            yield _Recorded(opened, self._keeper(asked)) if isinstance(opened, Talk) else opened

    def _keeper(self, asked: Asked) -> Callable[[Recording], None]:
        def keep(recording: Recording) -> None:
            if recording.n_messages and len(self._talks) < _MOST_KEPT:
                self._talks.setdefault(_key(asked), recording)

        return keep


class _Recorded(Changed):
    def __init__(self, inner: Talk, keep: Callable[[Recording], None]) -> None:
        super().__init__(inner, self._listening)
        self._tape, self._keep = Recording(inner.subprotocol, inner.headers), keep

    async def _listening(self, messages: AsyncIterator[Message]) -> AsyncIterator[Message]:
        async for message in messages:
            self._tape.said(message)
            yield message
        self._tape.ending = self.inner.ended()

    async def hear(self, message: Message) -> None:
        self._tape.heard()
        await self.inner.hear(message)

    async def leave(self, ending: Ending) -> None:
        self._keep(self._tape)
        await self.inner.leave(ending)


class _Replayed(Talk):
    def __init__(self, tape: Recording) -> None:
        super().__init__(tape.subprotocol, tape.headers)
        self._tape = tape
        self._heard: asyncio.Queue[None] = asyncio.Queue(_MOST_MESSAGES)

    async def messages(self) -> AsyncIterator[Message]:
        n_heard = 0
        while True:
            for message in self._tape.after(n_heard):
                await asyncio.sleep(self._tape.gap_s)
                yield message
            if self._tape.ending and n_heard >= len(self._tape.turns) - 1:
                return  # it was the server that closed
            await self._heard.get()
            n_heard += 1

    async def hear(self, message: Message) -> None:
        await self._heard.put(None)

    def ended(self) -> Ending:
        return self._tape.ending or Ending(1000)

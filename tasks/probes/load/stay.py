"""One user of a soak: stays on its socket, comes back when it is lost, and counts its messages."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count, takewhile
from time import perf_counter

from data.records.facts import Failure
from data.records.load import Soak
from data.rules.journey.book import Measurement
from data.rules.journey.machine import Machine
from data.rules.journey.moves import Closed, Done, Failed, Message
from data.rules.journey.signatures import Cause
from data.rules.load.soak import Letter, Post, back_offs, parts, with_jitter
from tasks.probes.journey import Course, Report, Walker
from tasks.probes.load.ledger import Ledger

Ended = Callable[[int, int, float, Report], None]


class Stayer:
    """One user in one stage.

    Args:
        ordinals: of messages, shared by all users of the process.
        told: counts by name of `SoakFigures`, shared as well.
        ended: is told stage, ordinal, when it was due and the report of each message that ended.
    """

    def __init__(
        self, walker: Walker, terms: Soak, ledger: Ledger, stage: int, ordinals: Iterator[int],
        told: Counter[str], ended: Ended,
    ) -> None:  # fmt: skip
        self._walker, self._terms, self._ledger, self._stage = walker, terms, ledger, stage
        self._ordinals, self._told, self._ended = ordinals, told, ended
        self._lead, self._talk = parts(walker.steps)
        self._post = Post(self._talk)
        self._course = Course(walker.client, walker.names)
        self._names = dict(walker.names)
        self._lost_s: float | None = None  # since when there is no socket, or no answer after it
        self._back_s = 0.0  # when the user came back the last time
        self._is_open = False
        self._why = Cause("", "", "it was never opened")
        self._open_letters: list[tuple[Letter, Cause]] = []  # sent, and the socket was lost
        self._measured: list[Measurement] = []  # of coming back, told with the next answer

    async def stay(self, begins_s: float, until_s: float, drain_s: float) -> None:
        """Send what is due until `until_s`, then listen a little for what is not answered.

        Raises:
            UsageError: the plan asks for what cannot be done.
        """
        letter: Letter | None = None
        try:
            await asyncio.sleep(max(0.0, begins_s - perf_counter()))
            every = (begins_s + n * self._terms.every for n in count())
            for due_s in takewhile(lambda at_s: at_s < until_s, every):
                letter = Letter(next(self._ordinals), due_s)
                self._ledger.begins(self._stage)
                await self._deliver(letter, until_s)
                letter = None
            await self._hear_out(perf_counter() + drain_s)
        finally:
            if letter and all(one is not letter for one, _ in self._open_letters):
                self._lose(letter, Cause("", "", "the load ended"))
            for unanswered, cause in self._open_letters:
                self._lose(unanswered, cause)
            await self._course.leave()

    async def _deliver(self, letter: Letter, until_s: float) -> None:
        """Send one message when it is due, or as soon as there is a socket again."""
        while await self._has_socket(letter.due_s, until_s):
            if letter.is_answered:  # it came before it was sent again
                return
            self._open_letters = [one for one in self._open_letters if one[0] is not letter]
            cause = await self._say(letter)
            if cause is None:
                return
            self._open_letters.append((letter, cause))
            if not self._terms.resend:
                return
        if not letter.is_sent:
            self._lose(letter, self._why)

    async def _say(self, letter: Letter) -> Cause | None:
        """One message and its answer; a cause where the socket was lost before it."""
        fresh = self._walker.fresh_names(letter.ordinal)
        letter.nonce = letter.nonce or fresh["nonce"]
        names = {**self._names, **fresh, "nonce": letter.nonce}
        now_s = perf_counter()
        first, late_s = len(self._lead) + 1, max(0.0, now_s - letter.due_s)
        self._post.sends(letter)
        machine = Machine(self._talk, names, letter.due_s, self._walker.total, late_s, first)
        self._course.moments.clear()
        await self._course.run(machine, self._sort)
        self._post.ends()
        end = machine.decision
        if isinstance(end, Failed) and self._course.lost_s is not None:
            self._drop()
            return end.cause
        if isinstance(end, Done):
            letter.is_answered = True
            self._told["n_late"] += letter.due_s < self._back_s
            self._recovered(perf_counter())
        self._end(letter, end.cause if isinstance(end, Failed) else None, machine)
        return None

    def _end(self, letter: Letter, cause: Cause | None, machine: Machine) -> None:
        measured = [*machine.measurements, *(self._measured if cause is None else ())]
        if cause is None:
            self._measured.clear()
        report = Report(cause, tuple(measured), tuple(self._course.moments), letter.due_s)
        self._ended(self._stage, letter.ordinal, letter.due_s, report)

    def _recovered(self, now_s: float) -> None:
        if self._lost_s is not None:
            took_ms = (now_s - self._lost_s) * 1000
            self._measured.append(Measurement(self._terms.recovery, took_ms))
            self._lost_s = None

    async def _has_socket(self, due_s: float, until_s: float) -> bool:
        """Hear what comes until a message is due; a socket that is lost is opened again at once.

        False when there is no time left for it.
        """
        while True:
            if not self._is_open and not await self._come_back(until_s):
                return False
            if perf_counter() >= due_s:
                return True
            event = await self._course.hear(due_s)
            if isinstance(event, Closed):
                self._drop()
            elif isinstance(event, Message):
                self._sort(event)

    def _drop(self) -> None:
        lost_s = self._course.lost_s
        self._told["n_drops"] += 1
        self._is_open = False
        self._lost_s = self._lost_s or lost_s or perf_counter()

    async def _come_back(self, until_s: float) -> bool:
        """Open the socket, again and again with back-off; False when the time is over."""
        is_first = self._lost_s is None and not self._why.signature
        for wait_s in back_offs(self._terms):
            if not is_first:
                await asyncio.sleep(with_jitter(wait_s, random.random()))
            if perf_counter() >= until_s:
                return False
            if await self._opened():
                self._back_s = 0.0 if is_first else perf_counter()
                return True
            self._told["n_vain"] += 1
            is_first = False
        return False

    async def _opened(self) -> bool:
        await self._course.leave()
        self._course = Course(self._walker.client, self._walker.names)
        now_s = perf_counter()
        names = {**self._walker.names, **self._walker.fresh_names(next(self._ordinals))}
        machine = Machine(self._lead, names, now_s)
        await self._course.run(machine)
        if isinstance(machine.decision, Failed):
            self._why = machine.decision.cause
            return False
        self._names, self._is_open = dict(machine.names), True
        self._measured += machine.measurements
        if self._lost_s is not None:
            self._told["n_returns"] += 1
            took_ms = (perf_counter() - self._lost_s) * 1000
            self._measured.append(Measurement(self._terms.reconnect, took_ms))
        return True

    def _sort(self, message: Message) -> bool:
        """Take what belongs to an earlier message."""
        letter = self._post.owner(message.payload)
        if letter is None:
            return False
        waiting = [one for one in self._open_letters if one[0] is letter]
        if waiting and letter.is_answered:
            self._open_letters.remove(waiting[0])
            self._told["n_late"] += 1
            took_ms = (message.t_s - letter.due_s) * 1000
            total = self._walker.total
            measured = (Measurement(total, took_ms),) if total else ()
            self._ended(self._stage, letter.ordinal, letter.due_s, Report(None, measured))
        elif letter.is_duplicated:
            self._duplicate(letter)
        return True

    def _duplicate(self, letter: Letter) -> None:
        self._told["n_duplicated"] += 1
        letter.is_duplicated = False
        if not self._terms.resend:
            said = "the answer to one message came twice"
            self._ledger.fails_after_all(self._stage, _failure(letter, "soak/duplicated", said))

    async def _hear_out(self, until_s: float) -> None:
        while self._open_letters and self._is_open and perf_counter() < until_s:
            event = await self._course.hear(until_s)
            if isinstance(event, Message):
                self._sort(event)
            elif isinstance(event, Closed):
                return

    def _lose(self, letter: Letter, cause: Cause) -> None:
        """A message that will not be answered any more."""
        self._told["n_lost" if letter.is_sent else "n_unsent"] += 1
        signature = "soak/lost" if letter.is_sent else "soak/unsent"
        what = "sent and never answered" if letter.is_sent else "due, and there was no socket"
        self._ledger.lost(self._stage, _failure(letter, signature, f"{what}: {cause.message}"))


def _failure(letter: Letter, signature: str, message: str) -> Failure:
    return Failure(ordinal=letter.ordinal, step="", signature=signature, message=message)

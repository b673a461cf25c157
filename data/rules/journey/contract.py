"""The contract of events on one socket: fed with messages and time, it says pass or why not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from data.records.step_plan import ExpectStep
from data.rules.journey import sequence
from data.rules.journey.answers import equal_gaps, judge_answer
from data.rules.journey.documents import capture, error_text, judge_fields
from data.rules.journey.moves import Closed, Message
from data.rules.journey.nonces import stranger
from data.rules.journey.signatures import Problem, with_words, words
from data.rules.journey.sockets import closed_early
from data.rules.journey.values import MISSING, as_text, is_broken_json, look_up, parse, short

SETTLE_S = 0.2  # how long a run that ended without all its events is watched for late ones


class Contract:
    """One run of an `expect` step.

    Each of `message`, `timer` and `closed` returns the problem that it shows, if any. The
    contract has passed when `is_done`; until then `deadline_s` says when to call `timer`.
    """

    def __init__(self, spec: ExpectStep, names: Mapping[str, str], sent_s: float) -> None:
        self.spec = spec
        self.names = names
        self.captured: dict[str, str] = {}
        self.times_s: list[float] = []
        self.is_done = False
        self._sent_s = sent_s
        self._seen: list[str] = []
        self._order = spec.order
        self._states = sequence.start(spec.order)
        self._due: tuple[float, str] | None = None  # what `_limit` said, until something happens
        self._reached = self._states  # the last states that were not empty
        self._same: dict[str, Any] = {}
        self._answer: Any = MISSING
        self._settle_s: float | None = None

    @property
    def deadline_s(self) -> float:
        """When the next limit is reached."""
        return self._limit()[0]

    def message(self, message: Message) -> Problem | None:
        """Judge one message; late is late, even if no timer came before it."""
        if message.t_s > self.deadline_s:
            return self.timer(message.t_s)
        document = parse(message.payload)
        if is_broken_json(message.payload, document):
            return Problem("contract/not-json", f"no JSON: {short(str(message.payload))}")
        name = name_of(self.spec, document)
        if name in self.spec.errors:
            return self._error_event(name, document)
        if name not in self.spec.names:
            return self._foreign(name)
        if self.spec.asks_by_nonce and (whose := stranger(str(message.payload), self.names)):
            said = f"{name} holds the nonce {whose} of another execution"
            return Problem(f"contract/cross-talk/{name}", said)
        return self._event(name, document, message.t_s)

    def timer(self, t_s: float) -> Problem | None:
        """Judge the silence until now."""
        limit_s, kind = self._limit()
        if t_s < limit_s:
            return None
        if kind == "settle":
            return self._ended()
        waited = f"{t_s - (self.times_s[-1] if kind == 'gap' else self._sent_s):.2f} s"
        awaited = sequence.due(self.spec.events, self._reached)
        where = "" if kind == "first-event" else f"/{awaited}"
        text = f"{awaited} did not come within {waited}; {sequence.came(self._seen)}"
        return Problem(f"timeout/{kind}{where}", text)

    def closed(self, event: Closed) -> Problem | None:
        """Judge a close: too early, unless the run was over already."""
        if self._settle_s is not None:
            return self._ended()
        awaited = sequence.due(self.spec.events, self._reached)
        return closed_early(
            event, f"{sequence.came(self._seen)}; {awaited} was due", self.names.values()
        )

    def _limit(self) -> tuple[float, str]:
        if self._due is None:
            self._due = self._earliest()
        return self._due

    def _earliest(self) -> tuple[float, str]:
        if self._settle_s is not None:
            return self._settle_s, "settle"
        whole = self._sent_s + self.spec.within
        if not self.times_s:
            first = self._sent_s + (self.spec.first_within or self.spec.within)
            return min(whole, first), "first-event"
        if self.spec.max_gap is None or (gap := self.times_s[-1] + self.spec.max_gap) > whole:
            return whole, "last-event"
        return gap, "gap"

    def _error_event(self, name: str, document: Any) -> Problem:
        text = error_text(document)
        signature = with_words(f"contract/error-event/{name}", text, self.names.values())
        said = text if text else short(document, 300)
        return Problem(signature, f"the server sent {name}: {said}; {sequence.came(self._seen)}")

    def _foreign(self, name: str) -> Problem | None:
        if self.spec.interleaved:
            return None
        kind = words(name, self.names.values()) or "nameless"
        return Problem(f"contract/foreign/{kind}", f"{name or 'a nameless message'} came between")

    def _event(self, name: str, document: Any, t_s: float) -> Problem | None:
        self._due = None
        self.times_s.append(t_s)
        is_again = name in self._seen
        self._seen.append(name)
        if is_again and (problem := sequence.repeated(self.spec.events, self._seen)):
            return problem
        if self._states:
            self._reached = self._states
            self._states = sequence.advance(self._order, self._states, name)
        problem = self._fields(name, document)
        return problem or self._progress(name, document, t_s)

    def _fields(self, name: str, document: Any) -> Problem | None:
        slot = self._slot_of(name)
        rules, wanted = self.spec.fields_by_slot[slot], self.spec.events[slot].capture
        problem = judge_fields("contract", rules, document, self.names)
        if not problem and wanted:
            found, problem = capture("contract", wanted, document)
            self.captured |= found
        if problem:
            return Problem(problem.signature, f"{name}: {problem.message}")
        return self._agrees(name, document)

    def _slot_of(self, name: str) -> int:
        """The place that the event took, else the first place with its name."""
        slot = sequence.taken(self._states)
        return self.spec.names[name] if slot < 0 else slot

    def _agrees(self, name: str, document: Any) -> Problem | None:
        for path in self.spec.same:
            value = look_up(document, path)
            first = self._same.setdefault(path, value)
            if value != first:
                said = f"{name}: {path} is {short(value)}, but was {short(first)} before"
                return Problem(f"contract/same/{path}", said)
        return None

    def _progress(self, name: str, document: Any, t_s: float) -> Problem | None:
        answer = self.spec.answer
        if answer and name == answer.event:
            self._answer = document
        if self._states:
            self._reached = self._states
        if self._is_over(name) and self._settle_s is None:
            is_whole = sequence.is_whole(self.spec.events, self._states)
            self._settle_s = t_s + (self.spec.settle if is_whole else SETTLE_S)
        nothing_to_wait_for = self._settle_s == t_s or self._is_hopeless()
        return self._ended() if nothing_to_wait_for else None

    def _is_over(self, name: str) -> bool:
        slots = self.spec.events
        if sequence.is_whole(slots, self._states):
            return True
        is_last = name == sequence.last_required(self._order)
        return is_last and name not in sequence.absent(slots, self._seen)

    def _is_hopeless(self) -> bool:
        """Out of order for certain: nothing is missing, and still it does not fit."""
        return not self._states and not sequence.absent(self.spec.events, self._seen)

    def _ended(self) -> Problem | None:
        slots = self.spec.events
        is_whole = sequence.is_whole(slots, self._states)
        misfit = None if is_whole else sequence.misfit(slots, self._seen)
        problem = misfit or self._work()
        self.is_done = problem is None
        return problem

    def _work(self) -> Problem | None:
        answer = self.spec.answer
        if answer and self._answer is not MISSING:
            names = {**self.names, **self.captured}
            if problem := judge_answer(answer, self._answer, names):
                return problem
        return equal_gaps(self.times_s) if self.spec.distinct_gaps else None


def name_of(spec: ExpectStep, document: Any) -> str:
    """The name of an event, in the plan's words; "" where it has none."""
    found = look_up(document, spec.type)
    if type(found) is not str:
        found = "" if found is MISSING else as_text(found)
    return spec.rename.get(found, found)

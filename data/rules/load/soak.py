"""Users who stay: when they come back, and what became of each message."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

from data.records.load import Soak
from data.records.load_figures import SoakFigures
from data.records.step_plan import ExpectStep, Step
from data.rules.journey.contract import name_of
from data.rules.journey.nonces import nonces_in
from data.rules.journey.values import MISSING, parse

MOST_KNOWN = 1_000  # of its messages that a user remembers; an answer to an older one is nobody's
LEAST_JITTER = 0.5


def back_offs(terms: Soak) -> Iterator[float]:
    """Seconds before each try to come back, without the jitter: doubled up to the most."""
    return (min(terms.most_back_off, terms.back_off * 2.0**n) for n in count())


def with_jitter(wait_s: float, draw: float) -> float:
    """Between half of the wait and all of it, so that users who were lost together come apart.

    Args:
        draw: evenly drawn from 0 to 1.
    """
    return wait_s * (LEAST_JITTER + (1 - LEAST_JITTER) * draw)


def parts(steps: tuple[Step, ...]) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
    """The steps that lead to the open socket, and those of one message; a last `close` is none."""
    opened = max((at for at, step in enumerate(steps, 1) if step.open), default=0)
    talk = steps[opened:]
    return steps[:opened], talk[:-1] if talk and talk[-1].close else talk


@dataclass
class Letter:
    """One message of a user: when it was due, and what became of it."""

    ordinal: int
    due_s: float
    nonce: str = ""
    is_sent: bool = False
    is_answered: bool = False
    is_duplicated: bool = False


class Post:
    """The messages of one user: whose an answer is, and which were answered twice.

    Args:
        talk: the steps of one message.
    """

    def __init__(self, talk: tuple[Step, ...]) -> None:
        self._spec = next((step.expect for step in talk if asks(step.expect)), None)
        self._known: dict[str, Letter] = {}
        self._current: Letter | None = None

    def sends(self, letter: Letter) -> None:
        """A message goes out; answers that hold its nonce are the contract's from now on."""
        letter.is_sent = True
        self._current = letter
        self._known[letter.nonce] = letter
        if len(self._known) > MOST_KNOWN:
            del self._known[next(iter(self._known))]

    def ends(self) -> None:
        """The contract has ended; what still comes of its message is told by `owner`."""
        self._current = None

    def owner(self, payload: str | bytes) -> Letter | None:
        """The earlier message that this belongs to; None where it is the contract's to judge."""
        text = payload if isinstance(payload, str) else ""
        nonces = nonces_in(text)
        current = self._current
        if current and current.nonce in nonces:
            return None
        letter = next((self._known[one] for one in nonces if one in self._known), None)
        if letter and self._is_answer(text):
            letter.is_duplicated = letter.is_answered
            letter.is_answered = True
        return letter

    def _is_answer(self, text: str) -> bool:
        """Other events of an earlier message, such as its usage, say nothing of its answer."""
        if self._spec is None or self._spec.answer is None:
            return False
        document = parse(text)
        is_named = document is not MISSING and name_of(self._spec, document)
        return is_named == self._spec.answer.event


def asks(spec: ExpectStep | None) -> bool:
    """Whether an answer can be told from another by its nonce."""
    return spec is not None and spec.asks_by_nonce


def soak_sentence(told: SoakFigures | None) -> str:
    """What became of sockets and messages, as the end of a sentence; "" without a soak."""
    if told is None:
        return ""
    said = [f"{told.n_drops} sockets lost, {told.n_returns} of them opened again"]
    for n, what in (
        (told.n_late, "late"), (told.n_lost, "lost"), (told.n_unsent, "never sent"),
        (told.n_duplicated, "answered twice"),
    ):  # fmt: skip
        said += [f"{n} {what}"] if n else []
    return f"; {', '.join(said)}"

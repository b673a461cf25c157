"""Whether an answer is one, and whether a run was work or a script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from statistics import fmean, pstdev
from typing import Any

from data.records.step_plan import Answer
from data.rules.journey.signatures import Problem, with_words
from data.rules.journey.values import as_text, is_empty, look_up, render, short

EQUAL_SHARE = 0.05  # coefficient of variation below which gaps count as equal
SHORTEST_GAP_S = 0.020  # shorter gaps are the network's batching and say nothing
FEWEST_GAPS = 3  # two gaps are equal by chance too often


def judge_answer(answer: Answer, document: Any, names: Mapping[str, str]) -> Problem | None:
    """What is wrong with an answer: empty, canned, echoed or not made from the question."""
    value = look_up(document, answer.path)
    if is_empty(value):
        return Problem("answer/empty", f"{answer.path} of {answer.event} is {short(value)}")
    text = _plain(as_text(value))
    return _canned(answer, text) or _echo(answer, text, names) or _ignores(answer, text, names)


def _canned(answer: Answer, text: str) -> Problem | None:
    phrase = next((one for one in answer.forbid if _plain(one) in text), None)
    if phrase is None:
        return None
    return Problem(
        with_words("answer/canned-phrase", phrase),
        f"the answer contains {phrase!r}: {short(text)}",
    )


def _echo(answer: Answer, text: str, names: Mapping[str, str]) -> Problem | None:
    if not answer.not_echo or _plain(render(answer.not_echo, names)) not in text:
        return None
    return Problem("answer/echo", f"the answer contains the question whole: {short(text)}")


def _ignores(answer: Answer, text: str, names: Mapping[str, str]) -> Problem | None:
    asked = [str(render(one, names)) for one in answer.uses]
    unused = next((one for one in asked if _plain(one) not in text), None)
    if unused is None:
        return None
    return Problem("answer/ignores-nonce", f"the answer does not use {unused!r}: {short(text)}")


def _plain(text: Any) -> str:
    return " ".join(str(text).split()).casefold()


def equal_gaps(times_s: Sequence[float]) -> Problem | None:
    """A problem when events came at equal gaps: a variation under 5 %, each over 20 ms."""
    gaps = [later - earlier for earlier, later in pairwise(times_s)]
    if len(gaps) < FEWEST_GAPS or min(gaps) <= SHORTEST_GAP_S:
        return None
    variation = pstdev(gaps) / fmean(gaps)
    if variation >= EQUAL_SHARE:
        return None
    shown = ", ".join(f"{gap * 1000:.0f}" for gap in gaps)
    return Problem("answer/canned-gaps", f"equal gaps of {shown} ms ({variation:.1%} variation)")

"""Failure signatures: the stable short name of a cause, the same in each run and environment.

Two causes never share one, and none holds a port, a nonce or an id, so that signatures can be
counted, compared between deployments and looked up.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

_SECRET_NAME = re.compile(r"token|secret|passw|jwt|key|cookie|credential", re.IGNORECASE)
_LONGEST_WORDS = 60


class Problem(NamedTuple):
    """What went wrong in a step, before the step's name is added."""

    signature: str
    message: str


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a journey failed."""

    step: str
    signature: str
    message: str


def words(text: str, hide: Iterable[str] = ()) -> str:
    """A server's words as part of a signature: what may vary becomes `#`.

    Varying is each value in `hide` and each word that holds a digit or an @: ids, ports, times,
    addresses. A slash would look like a new part, so it becomes a space.
    """
    for value in hide:
        text = text.replace(value, "#") if len(value) >= 6 else text
    text = re.sub(r"[^\s/]*[\d@][^\s/]*", "#", text)
    return " ".join(re.sub(r"[/\s]+", " ", text).split())[:_LONGEST_WORDS].strip()


def with_words(signature: str, text: str, hide: Iterable[str] = ()) -> str:
    """`signature text`, or `signature` alone when there is nothing to add."""
    return f"{signature} {words(text, hide)}".strip()


def without_secrets(message: str, names: Mapping[str, str]) -> str:
    """The message without values of variables that are named like secrets."""
    for name, value in names.items():
        if len(value) >= 8 and _SECRET_NAME.search(name):
            message = message.replace(value, "***")
    return message

"""A JSON document in pieces: descends where it is told to, and hands out one value at a time."""

from __future__ import annotations

import json
import re
from collections.abc import Generator
from typing import Any

Step = Generator[None, None, Any]
MAX_ITEM_CHARS = 16 * 1024 * 1024
_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


class Torn(Exception):
    """The document ends before it is complete."""


class Malformed(Exception):
    """What stands there is no JSON, or not what was expected there."""


class Text:
    """The text that was not read yet. Its generators yield when they need more of it."""

    def __init__(self) -> None:
        self.ended = False
        self._text = ""
        self._at = 0

    def add(self, text: str) -> None:
        """Append what came; forget what was read."""
        self._text, self._at = self._text[self._at :] + text, 0

    def peek(self) -> Step:
        """The next character that is no space."""
        while True:
            found = _SPACE.match(self._text, self._at)
            self._at = found.end() if found else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            yield from self._more()

    def take(self, *wanted: str) -> Step:
        """The next character, which must be one of these."""
        got = yield from self.peek()
        if got not in wanted:
            raise Malformed(f"expected {' or '.join(wanted)}, got {got!r}")
        self._at += 1
        return got

    def value(self) -> Step:
        """The next value as a whole."""
        yield from self.peek()
        tried = 0
        while True:
            left = len(self._text) - self._at
            if self.ended or left >= 2 * tried:  # a long value is not tried with every piece
                tried = left
                try:
                    found, end = _DECODER.raw_decode(self._text, self._at)
                except RecursionError:
                    raise Malformed("a value is nested too deeply") from None
                except ValueError as error:
                    self._give_up(left, str(error))
                else:
                    if end < len(self._text) or self.ended:  # else `12` might go on as `123`
                        self._at = end
                        return found
            yield from self._more()

    def _more(self) -> Generator[None, None, None]:
        if self.ended:
            raise Torn
        yield

    def _give_up(self, left: int, why: str) -> None:
        if left > MAX_ITEM_CHARS:
            raise Malformed(f"a single value is larger than {MAX_ITEM_CHARS // 1024**2} MB")
        if self.ended and "char" in why and not _is_cut(why, self._text):
            raise Malformed(why.partition(":")[0])


def _is_cut(why: str, text: str) -> bool:
    """Whether the decoder stumbled over the end of the text and not over something in it."""
    place = re.search(r"\(char (\d+)\)", why)
    return why.startswith("Unterminated string") or place is None or int(place[1]) >= len(text) - 6

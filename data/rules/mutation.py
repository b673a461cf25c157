"""What a mutating control changes in an answer: swapped users, dropped events, moved addresses."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

Headers = list[tuple[bytes, bytes]]
_HEX = "0123456789abcdef"
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_HEX_LIKE = re.compile(r"^[0-9a-fA-F]{8,}(-[0-9a-fA-F]{4,})*$")
_ID_LIKE = re.compile(r"^(\d+|[0-9a-fA-F-]{16,}|(?=.*\d)[\w~.-]{20,})$")


def document_of(text: str | bytes) -> Any:
    """The JSON document of a message or body; None where there is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def names_event(text: str | bytes, event: str) -> bool:
    """Whether any field of a JSON message, at any depth, has the value `event`.

    Elements of lists do not count: a last message may list the events that went before.
    """
    return _has_value(document_of(text), event)


def _has_value(node: Any, event: str) -> bool:
    if isinstance(node, dict):
        return any(value == event or _has_value(value, event) for value in node.values())
    return isinstance(node, list) and any(
        _has_value(item, event) for item in node if isinstance(item, dict)
    )


def event_names(block: str | bytes, event: str) -> bool:
    """Whether an event of a stream names `event`, by its own name or in its JSON data.

    Source: https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
    """
    raw = block if isinstance(block, bytes) else block.encode()
    fields = [line.partition(b":")[::2] for line in raw.splitlines()]
    if (b"event", event.encode()) in [(name, value.removeprefix(b" ")) for name, value in fields]:
        return True
    data = b"\n".join(value.removeprefix(b" ") for name, value in fields if name == b"data")
    return names_event(data, event)


def swapped_event(block: bytes, fields: Collection[str], turn: int) -> bytes:
    """An event of a stream with another user's values, where its data is JSON in one line."""
    lines = block.split(b"\n")
    return b"\n".join(_swapped_line(line, fields, turn) for line in lines)


def _swapped_line(line: bytes, fields: Collection[str], turn: int) -> bytes:
    name, colon, value = line.partition(b":")
    if name != b"data" or not colon:
        return line
    text = value.removeprefix(b" ").decode(errors="surrogateescape")
    return b"data: " + swapped_text(text, fields, turn).encode(errors="surrogateescape")


def swapped_text(text: str, fields: Collection[str], turn: int) -> str:
    """A JSON text with another user's values; text that is not JSON, or names no user, as it was.

    Args:
        turn: which answer it is. Two answers after each other get different values, for a swap
            that is the same everywhere would be hidden from a test that compares two answers.
    """
    document = document_of(text)
    changed = _swapped(document, fields, turn)
    same = document is None or changed == document
    return text if same else json.dumps(changed, ensure_ascii=False, separators=(",", ":"))


def _swapped(node: Any, fields: Collection[str], turn: int, named: bool = False) -> Any:
    if isinstance(node, dict):
        return {key: _swapped(value, fields, turn, key in fields) for key, value in node.items()}
    if isinstance(node, list):
        return [_swapped(item, fields, turn, named) for item in node]
    return other_value(node, turn) if named else node


def other_value(value: Any, turn: int) -> Any:
    """Another value of the same shape: letters for letters, digits for digits, the same domain.

    Never the value itself, except for those without another of their shape: null, true, "".
    """
    step = 1 + turn % 9
    if isinstance(value, str):
        local, at, domain = value.partition("@")
        return _other_text(local, step) + at + domain
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value + step
    return value


def _other_text(text: str, step: int) -> str:
    ring = _HEX if _HEX_LIKE.match(text) else _LETTERS
    fixed = {14, 19} if len(text) == 36 and text.count("-") == 4 else set()  # a UUID's kind
    return "".join(
        char if place in fixed else _other_char(char, step, ring) for place, char in enumerate(text)
    )


def _other_char(char: str, step: int, ring: str) -> str:
    """The one `step` further round; other alphabets than a to z stay as they are."""
    if ring is not _HEX and char in _HEX[:10]:
        return str((int(char) + step) % 10)
    place = ring.find(char.lower())
    if place < 0:
        return char
    other = ring[(place + step) % len(ring)]
    return other.upper() if char.isupper() else other


def pattern_of(path: str) -> str:
    """A path with a star for each part that looks like an id: `/threads/42` → `/threads/*`."""
    return "/".join("*" if _ID_LIKE.match(part) else part for part in path.split("/"))


class Moves:
    """Names of places: what the suite calls them, and what the target does.

    Without it a redirect would lead around the control, and a target that knows its own
    frontend's origin would refuse the control's.
    """

    def __init__(self, moves: Mapping[str, str]) -> None:
        """`moves`: the target's base URL -> the control's."""
        pairs = [pair for real, ours in moves.items() for pair in _origins(real, ours)]
        self._inward = [(ours.encode(), real.encode()) for real, ours in pairs]
        outward = [(real.encode(), ours.encode()) for real, ours in pairs]
        escaped = [(_escaped(real), _escaped(ours)) for real, ours in outward]
        self._outward = outward + escaped

    def inward(self, headers: Iterable[tuple[bytes, bytes]]) -> Headers:
        """A request's headers as the target would have got them."""
        return [(name, _replaced(value, self._inward)) for name, value in headers]

    def outward(self, headers: Iterable[tuple[bytes, bytes]]) -> Headers:
        """An answer's headers as they lead to the controls; cookies are kept by plain clients."""
        return [
            (name, _here(value) if name.lower() == b"set-cookie" else self.led_here(value))
            for name, value in headers
        ]

    def led_here(self, text: bytes) -> bytes:
        """A text of the target that leads to the controls; JSON may escape its slashes."""
        return _replaced(text, self._outward)


def _origins(real: str, ours: str) -> list[tuple[str, str]]:
    """Both as http and as ws, each with its own security."""
    there, here = urlsplit(real), urlsplit(ours)
    secure = "s" if there.scheme in ("https", "wss") else ""
    return [
        (f"{kind}{secure}://{there.netloc}", f"{kind}://{here.netloc}") for kind in ("http", "ws")
    ]


def _replaced(value: bytes, pairs: list[tuple[bytes, bytes]]) -> bytes:
    """Whole origins only: `http://a:80` is not the beginning of `http://a:8080`."""
    for old, new in pairs:
        value = re.sub(re.escape(old) + rb"(?![\w.:-])", new, value)
    return value


def _escaped(text: bytes) -> bytes:
    return text.replace(b"/", rb"\/")


def _here(cookie: bytes) -> bytes:
    """A cookie that a client keeps for a plain loopback address: without Domain and Secure."""
    parts = cookie.split(b";")
    kept = [
        part
        for part in parts[1:]
        if part.strip().lower() != b"secure" and not part.strip().lower().startswith(b"domain=")
    ]
    return b";".join([parts[0], *kept])

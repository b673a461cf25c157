"""Streams of events as browsers read them, a piece at a time.

Source: https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
"""

from __future__ import annotations

import codecs
import json
import re
from typing import NamedTuple

from data.rules.journey.values import MISSING, parse

EVENT_STREAM = "text/event-stream"
_LINE_END = re.compile("\r\n|\n|\r")
_MARK = "\ufeff"  # a byte order mark, once, at the very beginning


class StreamEvent(NamedTuple):
    """One event: its name, its data with line breaks between its lines, the last id so far."""

    name: str
    data: str
    id: str

    def payload(self) -> str:
        """As the message that a contract judges; data that is JSON is taken as such."""
        document = parse(self.data)
        data = self.data if document is MISSING else document
        return json.dumps({"event": self.name, "data": data, "id": self.id})


class EventReader:
    """Bytes in, events out; what has no blank line after it is no event."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._text = ""
        self._is_first = True
        self._after_cr = False
        self._name = ""
        self._data: list[str] = []
        self._id = ""

    def feed(self, data: bytes) -> list[StreamEvent]:
        """The events that are whole with these bytes."""
        text = self._decoder.decode(data)
        if self._is_first and text:
            text, self._is_first = text.removeprefix(_MARK), False
        if self._after_cr and text:
            text, self._after_cr = text.removeprefix("\n"), False
        found = [self._line(line) for line in self._lines(text)]
        return [event for event in found if event]

    def _lines(self, text: str) -> list[str]:
        """Whole lines. A CR ends one at once, and a LF that follows later is its second half."""
        self._after_cr = self._after_cr or text.endswith("\r")
        *lines, self._text = _LINE_END.split(self._text + text)
        return lines

    def _line(self, line: str) -> StreamEvent | None:
        if not line:
            return self._dispatch()
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            self._name = value
        elif name == "data":
            self._data.append(value)
        elif name == "id" and "\0" not in value:
            self._id = value
        return None

    def _dispatch(self) -> StreamEvent | None:
        name, data = self._name or "message", self._data
        self._name, self._data = "", []
        return StreamEvent(name, "\n".join(data), self._id) if data else None

"""A report in JSON in pieces → whole test cases, in bounded memory: what the formats share."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator

from data.records.results import ReadCase
from data.rules.readers.json_stream import Malformed, Text, Torn
from data.rules.readers.result_bytes import Decoder
from data.rules.readers.result_names import Ids

Walk = Generator[None, None, None]


class JsonReport:
    """Reads one file as it comes: `feed`, then `close`; attributes as of `JunitReader`.

    A format says how to walk through its document (`_document`), and what the whole of it says
    against its cases (`_whole`).
    """

    _what = "a report"

    def __init__(self, name: str, ids: Ids | None = None) -> None:
        self.name, self._ids = name, ids or Ids()
        self.cases = 0
        self.faults: list[str] = []
        self.readable = False
        self.torn_in = ""
        self._done: list[ReadCase] = []
        self._decoder, self._text = Decoder(xml=False), Text()
        self._walk: Walk | None = self._document()

    def feed(self, chunk: bytes) -> list[ReadCase]:
        """The cases that these bytes complete. After a fault nothing more is read."""
        self._go_on(self._decoder.feed(chunk))
        return self._taken()

    def close(self) -> list[ReadCase]:
        """The file is complete: the last cases, and its faults."""
        text = self._decoder.feed(b"", last=True)
        self._text.ended = True
        self._go_on(text)
        self.faults += self._decoder.faults()
        return self._taken()

    def _document(self) -> Walk:
        """Walk through the document, with `_tell` for each case."""
        raise NotImplementedError

    def _whole(self) -> list[str]:
        """Faults of a document that is complete."""
        raise NotImplementedError

    def _tell(self, case: ReadCase) -> None:
        self.cases += 1
        self._done.append(case)

    def _taken(self) -> list[ReadCase]:
        done, self._done = self._done, []
        return done

    def _go_on(self, text: str) -> None:
        if self._walk is None or not (text or self._text.ended):
            return
        self._text.add(text)
        try:
            next(self._walk)
        except StopIteration:
            self._walk = None
            self.faults += self._whole()
        except Torn:
            self._stop(self._torn())
        except Malformed as error:
            self._stop(f"not the JSON of {self._what}: {error}")

    def _stop(self, fault: str) -> None:
        self.faults.append(fault)
        self._walk = None

    def _torn(self) -> str:
        if self.readable:
            return f"the file is torn: it ends after {self.cases} tests"
        return f"not {self._what}: it ends before its tests"

    def _object(self, inside: dict[str, Callable[[], Walk]]) -> Walk:
        """Each member: descend where somebody waits for it, else skip its value."""
        yield from self._text.take("{")
        if (yield from self._text.peek()) == "}":
            yield from self._text.take("}")
            return
        while True:
            key = yield from self._text.value()
            yield from self._text.take(":")
            yield from inside.get(key, self._text.value)() if isinstance(key, str) else ()
            if (yield from self._text.take(",", "}")) == "}":
                return

    def _each(self, inside: Callable[[], Walk]) -> Walk:
        """Each item of a list, with which a report shows what it is."""
        yield from self._text.take("[")
        self.readable = True
        if (yield from self._text.peek()) == "]":
            yield from self._text.take("]")
            return
        while True:
            yield from inside()
            if (yield from self._text.take(",", "]")) == "]":
                return


def notes_of(told: object) -> dict[str, str] | None:
    """Type → description of Playwright's annotations; None where there is no such list."""
    if not isinstance(told, list):
        return None
    notes = [note for note in told if isinstance(note, dict)]
    return {str(note.get("type", "")): str(note.get("description") or "") for note in notes}


def number(value: object) -> float | None:
    """A finite number from 0 on, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and 0 <= value < 1e13 else None

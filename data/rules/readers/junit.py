"""JUnit XML in pieces → whole test cases, in bounded memory.

There is no standard; read are the dialects of pytest, Maven Surefire, Gradle, jest-junit,
Playwright, gotestsum, JunitXml.TestLogger (.NET), PHPUnit and node. No tree is kept: what a file
prints between its cases is dropped, and what a case prints is capped.
"""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from data.records.results import ReadCase
from data.rules.readers.junit_case import OUTPUT, TOLD, OpenCase, OpenSuite
from data.rules.readers.result_bytes import Decoder
from data.rules.readers.result_names import Ids
from data.rules.readers.result_texts import Capped, one_line

MAX_ITEM_BYTES = 16 * 1024 * 1024
MAX_DEPTH = 200
_PATIENCE_CHARS = 1 << 16


class JunitReader:
    """Reads one file as it grows. `feed` it, then `close` it.

    Attributes:
        cases: how many whole cases were read.
        faults: why the file cannot be trusted as a whole: torn, not XML, totals that its cases do
            not bear out. What was read before a fault stays read.
        readable: False when it is no JUnit XML at all.
        torn_in: id of the case in which the file ends, "" when it ends in none.
    """

    def __init__(self, name: str, ids: Ids | None = None) -> None:
        self.name = name
        self.faults: list[str] = []
        self.torn_in = ""
        self._target = _Target(name, ids or Ids())
        self._parser = _parser(self._target)
        self._decoder = Decoder(xml=True)
        self._rest = ""
        self._n_bytes = 0
        self._silent_bytes = 0
        self._n_events = 0
        self._stopped = False

    @property
    def cases(self) -> int:
        """Whole cases so far."""
        return self._target.n_cases

    @property
    def readable(self) -> bool:
        """Whether this is a file of results, as far as it was read."""
        return self._target.rooted

    def feed(self, chunk: bytes) -> list[ReadCase]:
        """The cases that these bytes complete. After a fault nothing more is read."""
        self._n_bytes += len(chunk)
        if not self._stopped:
            self._parse(self._whole_tags(self._decoder.feed(chunk)))
            self._watch_size(len(chunk))
        return self._target.taken()

    def close(self) -> list[ReadCase]:
        """The file is complete: the last cases, and its faults."""
        if not self._stopped:
            self._parse(self._rest + self._decoder.feed(b"", last=True))
        if not self._stopped:
            self._end()
        self.faults += self._decoder.faults()
        if not self._stopped:
            self.faults += self._target.contradictions
        self._stopped = True
        return self._target.taken()

    def _whole_tags(self, text: str) -> str:
        """Up to the last `>`: expat 2.6 puts off a tag that came in two pieces until more comes."""
        text = self._rest + text
        cut = len(text) if len(text) > _PATIENCE_CHARS else text.rfind(">") + 1
        self._rest = text[cut:]
        return text[:cut]

    def _parse(self, text: str) -> None:
        try:
            if text:
                self._parser.feed(text)
        except ParseError as error:
            self._stop(f"not well-formed XML at line {error.position[0]}: {_reason(error)}")
        except DefusedXmlException as error:
            self._stop(_FORBIDDEN.get(type(error).__name__, "XML that is forbidden here"))
        except _Foreign as error:
            self._stop(str(error))

    def _end(self) -> None:
        try:
            self._parser.close()
        except ParseError as error:
            if not self.readable:
                why = f"not well-formed XML: {_reason(error)}"
                self._stop(why if self._n_bytes else "the file is empty")
                return
            self.torn_in = self._target.open_case
            where = f"in {self.torn_in}" if self.torn_in else f"after {self.cases} tests"
            self._stop(f"the file is torn: it ends {where}")

    def _stop(self, fault: str) -> None:
        self.torn_in = self.torn_in or self._target.open_case
        self.faults.append(fault)
        self._stopped = True

    def _watch_size(self, n_bytes: int) -> None:
        """The parser keeps a tag until it is whole: one without an end must not fill the memory."""
        quiet = self._n_events == self._target.n_events
        self._silent_bytes = self._silent_bytes + n_bytes if quiet else 0
        self._n_events = self._target.n_events
        if self._silent_bytes > MAX_ITEM_BYTES and not self._stopped:
            self._stop(f"a single tag is larger than {MAX_ITEM_BYTES // 1024**2} MB")


_FORBIDDEN = {
    "DTDForbidden": "it declares a document type (DTD), which result files have no use for: "
    "refused, as entities and external files come in that way",
    "EntitiesForbidden": "it declares entities: refused",
    "ExternalReferenceForbidden": "it refers to an external file: refused",
}


def _reason(error: ParseError) -> str:
    return str(error).partition(":")[0]


def _parser(target: _Target) -> DefusedXMLParser:
    """defusedxml's parser, which refuses DTDs and entities, with expat calling us directly.

    ElementTree's own layer in between costs as much as all the rest.
    """
    made = DefusedXMLParser(target=target, encoding="utf-8", forbid_dtd=True)
    expat = made.parser
    expat.ordered_attributes = False
    expat.StartElementHandler, expat.EndElementHandler = target.start, target.end
    expat.CharacterDataHandler = target.data
    return made


class _Foreign(Exception):
    """Well-formed, but no JUnit XML."""


class _Target:
    """What the parser calls. Between two calls there is at most one open case."""

    def __init__(self, name: str, ids: Ids) -> None:
        self.name, self._ids = name, ids
        self.n_cases = self.n_events = 0
        self.rooted = False
        self.contradictions: list[str] = []
        self._done: list[ReadCase] = []
        self._suites: list[OpenSuite] = []
        self._case: OpenCase | None = None
        self._text: Capped | None = None

    @property
    def open_case(self) -> str:
        """The case that began and did not end."""
        return self._case.name if self._case else ""

    def taken(self) -> list[ReadCase]:
        """The cases that ended since the last look."""
        done, self._done = self._done, []
        return done

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """An element begins."""
        self.n_events += 1
        if "}" in tag:
            tag = tag.rpartition("}")[2]
        if tag == "testcase" and self._suites:
            self._case = OpenCase(self._suites[-1], attributes)
            return
        if not self.rooted and tag not in ("testsuites", "testsuite"):
            raise _Foreign(f"expected <testsuites> or <testsuite>, got <{one_line(tag)}>")
        self.rooted = True
        if tag in ("testsuites", "testsuite"):
            self._begin_suite(attributes, root=tag == "testsuites")
        elif self._case and (tag in TOLD or tag in OUTPUT):
            self._text = self._case.begin(tag, attributes)
        elif self._case and tag == "property":
            self._case.note(attributes)

    def end(self, tag: str) -> None:
        """An element ends."""
        self.n_events += 1
        if "}" in tag:
            tag = tag.rpartition("}")[2]
        if tag == "testcase":
            if self._case:
                self.n_cases += 1
                self._done.append(self._case.read(self._ids, self.name))
            self._case = self._text = None
        elif tag in ("testsuites", "testsuite"):
            self._end_suite()
        elif tag in TOLD or tag in OUTPUT:
            self._text = None

    def data(self, text: str) -> None:
        """Text; outside what is told of a case it is dropped."""
        self.n_events += 1
        if self._text is not None:
            self._text.add(text)

    def close(self) -> None:
        """The document ended in order."""

    def _begin_suite(self, attributes: Mapping[str, str], root: bool) -> None:
        if len(self._suites) >= MAX_DEPTH:
            raise _Foreign(f"suites are nested deeper than {MAX_DEPTH}")
        self._suites.append(OpenSuite(attributes, self._suites[-1] if self._suites else None, root))

    def _end_suite(self) -> None:
        ended = self._suites.pop()
        where = f"suite {one_line(ended.name)!r}" if ended.name else "the file"
        if len(self.contradictions) < 20:
            self.contradictions += ended.seen.contradictions(where)
        if self._suites:
            self._suites[-1].seen.take(ended.seen)

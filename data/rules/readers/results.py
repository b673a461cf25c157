"""Files of results, by format."""

from __future__ import annotations

import re
from typing import Protocol

from data.records.results import ReadCase, ResultFormat
from data.rules.readers.ctrf import CtrfReader
from data.rules.readers.junit import JunitReader
from data.rules.readers.playwright import PlaywrightReader
from data.rules.readers.result_names import Ids

_PLAYWRIGHT = re.compile(rb'\{\s*"(?:config|suites)"\s*:')


class ResultReader(Protocol):
    """Reads one file in pieces; see `JunitReader` for what the attributes mean."""

    name: str
    faults: list[str]
    torn_in: str

    @property
    def cases(self) -> int:
        """Whole cases so far."""

    @property
    def readable(self) -> bool:
        """Whether this is a file of results at all."""

    def feed(self, chunk: bytes) -> list[ReadCase]:
        """The cases that these bytes complete."""

    def close(self) -> list[ReadCase]:
        """The last cases; `faults` is complete then."""


def reader_for(format: ResultFormat, name: str, ids: Ids | None = None) -> ResultReader:
    """A reader of one file.

    Args:
        name: the file's, for messages; it owns its ids under this name.
        ids: shared by all files that are read as one suite.
    """
    readers: dict[ResultFormat, type[JunitReader | CtrfReader | PlaywrightReader]] = {
        "junit": JunitReader,
        "ctrf": CtrfReader,
        "playwright": PlaywrightReader,
    }
    return readers[format](name, ids)


def guessed_format(head: bytes) -> ResultFormat | None:
    """By the first character that is no space; None where it is neither XML nor JSON.

    Playwright's report begins with its configuration, or with its suites.
    """
    plain = head.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    if plain[:1] == b"<":
        return "junit"
    if plain[:1] != b"{":
        return None
    return "playwright" if _PLAYWRIGHT.match(plain) else "ctrf"

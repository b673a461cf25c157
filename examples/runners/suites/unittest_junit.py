"""Runs `unittest` and writes JUnit XML as it goes: `python unittest_junit.py REPORT PATTERN`.

Each case is on disk the moment it ended, so that a kill loses nothing that did.
"""

from __future__ import annotations

import sys
import time
import traceback
import unittest
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr


class Report(unittest.TestResult):
    """Writes one `testcase` for each test that ends."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("w", encoding="utf-8")
        self._say(
            '<?xml version="1.0" encoding="utf-8"?>\n<testsuites>\n<testsuite name="unittest">\n'
        )
        self._inside = ""

    def startTest(self, test: unittest.TestCase) -> None:
        super().startTest(test)
        self._inside, self._began = "", time.perf_counter()

    def stopTest(self, test: unittest.TestCase) -> None:
        super().stopTest(test)
        place, _, name = test.id().rpartition(".")
        took_s = time.perf_counter() - self._began
        head = f'<testcase classname={quoteattr(place)} name={quoteattr(name)} time="{took_s:.6f}">'
        self._say(f"{head}{self._inside}</testcase>\n")

    def addFailure(self, test: unittest.TestCase, err: object) -> None:
        super().addFailure(test, err)
        self._inside += _told("failure", err)

    def addError(self, test: unittest.TestCase, err: object) -> None:
        super().addError(test, err)
        self._inside += _told("error", err)

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:
        super().addSkip(test, reason)
        self._inside += f"<skipped message={quoteattr(reason)}/>"

    def close(self) -> None:
        """End the document; without this it is torn, as after a kill."""
        self._say("</testsuite>\n</testsuites>\n")
        self._file.close()

    def _say(self, text: str) -> None:
        self._file.write(text)
        self._file.flush()


def _told(tag: str, err: object) -> str:
    kind, error, trace = err
    text = "".join(traceback.format_exception(kind, error, trace))
    return f"<{tag} type={quoteattr(kind.__name__)} message={quoteattr(str(error))}>{escape(text)}</{tag}>"


if __name__ == "__main__":
    report = Report(Path(sys.argv[1]))
    unittest.defaultTestLoader.discover(".", pattern=sys.argv[2]).run(report)
    report.close()
    sys.exit(not report.wasSuccessful())

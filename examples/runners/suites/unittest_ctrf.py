"""Runs `unittest` and writes CTRF as it goes: `python unittest_ctrf.py REPORT PATTERN`.

Each test is on disk the moment it ended, so that a kill loses nothing that did, and with the times of
its start and end, by which the gate's proxy knows whose contact it saw.
"""

from __future__ import annotations

import json
import sys
import time
import traceback
import unittest
from pathlib import Path


class Report(unittest.TestResult):
    """Writes one test of the report for each that ends."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("w", encoding="utf-8")
        self._say('{"reportFormat":"CTRF","results":{"tool":{"name":"unittest"},"tests":[\n')
        self._between, self._told = "", {"status": "passed"}

    def startTest(self, test: unittest.TestCase) -> None:
        super().startTest(test)
        self._told, self._began_ms = {"status": "passed"}, time.time() * 1000

    def stopTest(self, test: unittest.TestCase) -> None:
        super().stopTest(test)
        stop_ms = time.time() * 1000
        times = {"start": self._began_ms, "stop": stop_ms, "duration": stop_ms - self._began_ms}
        place, _, name = test.id().rpartition(".")
        document = {"suite": [place], "name": name, **self._told, **times}
        self._say(self._between + json.dumps(document))
        self._between = ",\n"

    def addFailure(self, test: unittest.TestCase, err: object) -> None:
        super().addFailure(test, err)
        self._told = _told(err)

    def addError(self, test: unittest.TestCase, err: object) -> None:
        super().addError(test, err)
        self._told = _told(err)

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:
        super().addSkip(test, reason)
        self._told = {"status": "skipped", "message": reason}

    def close(self) -> None:
        """End the document; without this it is torn, as after a kill."""
        self._say("\n]}}\n")
        self._file.close()

    def _say(self, text: str) -> None:
        self._file.write(text)
        self._file.flush()


def _told(err: object) -> dict[str, str]:
    kind, error, trace = err
    text = "".join(traceback.format_exception(kind, error, trace))
    return {"status": "failed", "message": f"{kind.__name__}: {error}", "trace": text}


if __name__ == "__main__":
    report = Report(Path(sys.argv[1]))
    unittest.defaultTestLoader.discover(".", pattern=sys.argv[2]).run(report)
    report.close()
    sys.exit(not report.wasSuccessful())

"""CTRF JSON in pieces → whole test cases, in bounded memory.

Source: the Common Test Report Format, https://ctrf.io (`results.tool`, `summary`, `tests`).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Generator
from datetime import UTC, datetime
from typing import Any

from data.records.results import ReadCase
from data.records.words import Outcome
from data.rules.readers.json_stream import Malformed, Text, Torn
from data.rules.readers.junit_habits import UNEXPLAINED
from data.rules.readers.result_bytes import Decoder
from data.rules.readers.result_names import Ids, ctrf_name
from data.rules.readers.result_texts import DETAIL_CHARS, one_line, plain, told_message
from data.rules.readers.result_totals import summary_contradictions

_STATUS = {
    "passed": Outcome.PASS,
    "failed": Outcome.FAIL,
    "skipped": Outcome.SKIPPED,
    "pending": Outcome.SKIPPED,
    "other": Outcome.ERROR,
}
_RED = ("failed", "timedOut", "timedout", "interrupted", "broken", "error", "unexpected")
Walk = Generator[None, None, None]


class CtrfReader:
    """Reads one file as it comes: `feed`, then `close`; attributes as of `JunitReader`."""

    def __init__(self, name: str, ids: Ids | None = None) -> None:
        self.name, self._ids = name, ids or Ids()
        self.cases = 0
        self.faults: list[str] = []
        self.readable = False
        self.torn_in = ""
        self._summary: dict[str, Any] = {}
        self._counts: Counter[str] = Counter()
        self._n_expected = 0
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
            told, n = self._summary, self._n_expected
            self.faults += summary_contradictions(told, self._counts, n)
        except Torn:
            self._stop(self._torn())
        except Malformed as error:
            self._stop(f"not the JSON of a CTRF report: {error}")

    def _stop(self, fault: str) -> None:
        self.faults.append(fault)
        self._walk = None

    def _torn(self) -> str:
        if self.readable:
            return f"the file is torn: it ends after {self.cases} tests"
        return "no CTRF report: it ends before `results.tests`"

    def _document(self) -> Walk:
        yield from self._object({"results": self._results})
        if not self.readable:
            raise Malformed("there is no `results.tests`")

    def _results(self) -> Walk:
        yield from self._object({"tests": self._tests, "summary": self._read_summary})

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

    def _read_summary(self) -> Walk:
        found = yield from self._text.value()
        self._summary = found if isinstance(found, dict) else {}

    def _tests(self) -> Walk:
        yield from self._text.take("[")
        self.readable = True
        if (yield from self._text.peek()) == "]":
            yield from self._text.take("]")
            return
        while True:
            test = yield from self._text.value()
            self._read(test if isinstance(test, dict) else {})
            if (yield from self._text.take(",", "]")) == "]":
                return

    def _read(self, test: dict[str, Any]) -> None:
        name = ctrf_name(
            test.get("suite"), test.get("filePath"), test.get("browser"), test.get("name")
        )
        test_id, doubled = self._ids.claim(name, self.name)
        case = _case(test, test_id, [doubled] if doubled else [])
        self.cases += 1
        status = str(test.get("status", ""))
        self._counts[status if status in _STATUS else "other"] += 1
        self._n_expected += "fail" in (_annotations(test) or ())
        self._done.append(case)


def _case(test: dict[str, Any], test_id: str, findings: list[str]) -> ReadCase:
    told = str(test.get("status", ""))
    if told not in _STATUS:
        findings.append(f"unknown status {one_line(told)!r}")
    outcome, why = _meaning(test, _STATUS.get(told, Outcome.ERROR))
    message, detail = _texts(test, outcome)
    return ReadCase(
        test_id=test_id,
        outcome=outcome,
        duration_ms=_number(test.get("duration")),
        message=why or message,
        detail=detail,
        ended_at=_time(test.get("stop")),
        findings=tuple(findings),
    )


def _meaning(test: dict[str, Any], told: Outcome) -> tuple[Outcome, str]:
    """(outcome, why) by all that the report says; never better than its status.

    Playwright's reporter calls a test that was expected to fail `passed` either way, and one that
    did not run `skipped`; its annotations tell which.
    """
    raw, notes = str(test.get("rawStatus", "")), _annotations(test)
    if raw == "todo":
        return Outcome.SKIPPED, "todo"
    if told is Outcome.SKIPPED and notes is not None:
        reasons = [reason for kind, reason in notes.items() if kind in ("skip", "fixme")]
        return (told, one_line(reasons[0])) if reasons else (Outcome.NOT_RUN, UNEXPLAINED)
    if told is not Outcome.PASS:
        return told, ""
    expected = notes is not None and "fail" in notes
    if expected and raw == "passed":
        return Outcome.FAIL, "expected to fail, but passed"
    if _was_retried(test):
        return Outcome.FLAKY, ""
    if expected and notes is not None:
        return Outcome.SKIPPED, f"xfail: {one_line(notes['fail']) or 'expected to fail, and did'}"
    return (
        (Outcome.FAIL, f"status passed, but its runner says {raw}") if raw in _RED else (told, "")
    )


def _annotations(test: dict[str, Any]) -> dict[str, str] | None:
    """Type → description of Playwright's annotations; None where there is no such list."""
    extra = test.get("extra")
    told = extra.get("annotations") if isinstance(extra, dict) else None
    if not isinstance(told, list):
        return None
    notes = [note for note in told if isinstance(note, dict)]
    return {str(note.get("type", "")): str(note.get("description") or "") for note in notes}


def _was_retried(test: dict[str, Any]) -> bool:
    """Whether an attempt before the last one failed."""
    attempts = test.get("retryAttempts")
    told = (
        [one.get("status") for one in attempts or () if isinstance(one, dict)]
        if isinstance(attempts, list)
        else []
    )
    retries = test.get("retries")
    silent = test.get("flaky") is None and isinstance(retries, int) and retries > 0
    return test.get("flaky") is True or "failed" in told or silent


def _texts(test: dict[str, Any], outcome: Outcome) -> tuple[str, str]:
    message, trace = (plain(str(test.get(key) or "")) for key in ("message", "trace"))
    if outcome is Outcome.PASS:
        return "", ""
    if outcome in (Outcome.SKIPPED, Outcome.NOT_RUN):
        return one_line(message), ""
    if outcome is Outcome.FLAKY:
        return f"passed after {test.get('retries') or 'some'} reruns inside the suite", ""
    told = told_message("", message, trace)
    if outcome is Outcome.ERROR:
        raw = test.get("rawStatus") or test.get("status") or "no status"
        told = f"{one_line(str(raw))}: {told}"
    return told, f"{message}\n{trace}".strip()[:DETAIL_CHARS]


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and 0 <= value < 1e13 else None


def _time(value: object) -> datetime | None:
    """Milliseconds since 1970; 0 and what lies before 2000 or after 2100 is no time."""
    ms = _number(value)
    return datetime.fromtimestamp(ms / 1000, UTC) if ms and 9.4e11 < ms < 4.1e12 else None

"""CTRF JSON in pieces → whole test cases, in bounded memory.

Source: the Common Test Report Format, https://ctrf.io (`results.tool`, `summary`, `tests`).
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

from data.records.results import Ran, ReadCase
from data.records.words import Outcome
from data.rules.readers.json_report import JsonReport, Walk, notes_of, number
from data.rules.readers.json_stream import Malformed
from data.rules.readers.junit_habits import UNEXPLAINED
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
_LATE_S = 0.005  # reporters stamp in another process than the test, or after others


class CtrfReader(JsonReport):
    """Reads one file as it comes: `feed`, then `close`; attributes as of `JunitReader`."""

    _what = "a CTRF report"

    def __init__(self, name: str, ids: Ids | None = None) -> None:
        super().__init__(name, ids)
        self._summary: dict[str, Any] = {}
        self._counts: Counter[str] = Counter()
        self._n_expected = 0

    def _whole(self) -> list[str]:
        return summary_contradictions(self._summary, self._counts, self._n_expected)

    def _document(self) -> Walk:
        yield from self._object({"results": self._results})
        if not self.readable:
            raise Malformed("there is no `results.tests`")

    def _results(self) -> Walk:
        yield from self._object({"tests": self._tests, "summary": self._read_summary})

    def _read_summary(self) -> Walk:
        found = yield from self._text.value()
        self._summary = found if isinstance(found, dict) else {}

    def _tests(self) -> Walk:
        yield from self._each(self._test)

    def _test(self) -> Walk:
        test = yield from self._text.value()
        self._read(test if isinstance(test, dict) else {})

    def _read(self, test: dict[str, Any]) -> None:
        name = ctrf_name(
            test.get("suite"), test.get("filePath"), test.get("browser"), test.get("name")
        )
        test_id, doubled = self._ids.claim(name, self.name)
        status = str(test.get("status", ""))
        self._counts[status if status in _STATUS else "other"] += 1
        self._n_expected += "fail" in (_annotations(test) or ())
        self._tell(_case(test, test_id, [doubled] if doubled else []))


def _case(test: dict[str, Any], test_id: str, findings: list[str]) -> ReadCase:
    told = str(test.get("status", ""))
    if told not in _STATUS:
        findings.append(f"unknown status {one_line(told)!r}")
    outcome, why = _meaning(test, _STATUS.get(told, Outcome.ERROR))
    message, detail = _texts(test, outcome)
    duration_ms = number(test.get("duration"))
    ended_at, within_s = _time(test.get("stop"))
    return ReadCase(
        test_id=test_id,
        outcome=outcome,
        duration_ms=duration_ms,
        message=why or message,
        detail=detail,
        ended_at=ended_at,
        findings=tuple(findings),
        ran=_ran(ended_at, duration_ms, within_s),
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
    return notes_of(extra.get("annotations") if isinstance(extra, dict) else None)


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


def _ran(ended_at: datetime | None, duration_ms: float | None, within_s: float) -> Ran | None:
    if ended_at is None or duration_ms is None:
        return None
    end_s = ended_at.timestamp()
    return Ran((end_s - duration_ms / 1000,), end_s, within_s)


def _time(value: object) -> tuple[datetime | None, float]:
    """(when, seconds that it may be off): milliseconds since 1970, of years 2000 to 2100.

    Some reporters write whole seconds against the format; those years cannot be mistaken.
    """
    told = number(value) or 0.0
    if 9.4e11 < told < 4.1e12:
        return datetime.fromtimestamp(told / 1000, UTC), _LATE_S
    if 9.4e8 < told < 4.1e9:
        return datetime.fromtimestamp(told, UTC), 1.0
    return None, 0.0

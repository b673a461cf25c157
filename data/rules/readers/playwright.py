"""Playwright's own JSON report in pieces → whole test cases, with the time of each.

The only report of Playwright that tells everything: retries, expected failures, tests that never
ran, errors outside of tests, and when each test ran, by the clock of the worker that ran it.

Source: `JSONReport` in playwright/types/testReporter.d.ts, tried with @playwright/test 1.55.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from data.records.results import Ran, ReadCase
from data.records.words import Outcome
from data.rules.readers.json_report import JsonReport, Walk, notes_of, number
from data.rules.readers.json_stream import Malformed
from data.rules.readers.junit_habits import UNEXPLAINED
from data.rules.readers.result_names import Ids
from data.rules.readers.result_texts import DETAIL_CHARS, one_line, plain, told_message

_STATUS = ("expected", "unexpected", "flaky", "skipped")
_STOPPED = "Testing stopped early"  # by `maxFailures`: the tests that did not run are told
_WITHIN_S = 0.002  # `startTime` and `duration` are whole milliseconds


class PlaywrightReader(JsonReport):
    """Reads one file as it comes: `feed`, then `close`; attributes as of `JunitReader`."""

    _what = "a report of Playwright"

    def __init__(self, name: str, ids: Ids | None = None) -> None:
        super().__init__(name, ids)
        self._titles: list[str] = []
        self._stats: dict[str, Any] = {}
        self._counts: Counter[str] = Counter()

    def _whole(self) -> list[str]:
        told = ((word, self._stats.get(word)) for word in _STATUS)
        return [
            f"the report says {word}={said}, but {self._counts[word]} are in it"
            for word, said in told
            if isinstance(said, int) and said != self._counts[word]
        ]

    def _document(self) -> Walk:
        inside = {"suites": self._suites, "errors": self._errors, "stats": self._read_stats}
        yield from self._object(inside)
        if not self.readable:
            raise Malformed("there are no `suites`")

    def _read_stats(self) -> Walk:
        found = yield from self._text.value()
        self._stats = found if isinstance(found, dict) else {}

    def _errors(self) -> Walk:
        """What went wrong outside of tests: a file that does not load, a global time-out."""
        found = yield from self._text.value()
        for error in found if isinstance(found, list) else ():
            text = one_line(plain(str(error.get("message", "")))) if isinstance(error, dict) else ""
            if not text.startswith(_STOPPED):
                self.faults.append(f"an error outside of tests: {text or 'without a message'}")

    def _suites(self) -> Walk:
        yield from self._each(self._suite)

    def _suite(self) -> Walk:
        """One suite; its title stands before what is in it."""
        self._titles.append("")
        inside = {"title": self._title, "specs": self._specs, "suites": self._suites}
        yield from self._object(inside)
        self._titles.pop()

    def _title(self) -> Walk:
        self._titles[-1] = str((yield from self._text.value()))

    def _specs(self) -> Walk:
        yield from self._each(self._spec)

    def _spec(self) -> Walk:
        spec = yield from self._text.value()
        tests = spec.get("tests") if isinstance(spec, dict) else None
        for test in tests if isinstance(tests, list) else ():
            if isinstance(test, dict):
                self._read(spec, test)

    def _read(self, spec: dict[str, Any], test: dict[str, Any]) -> None:
        file = str(spec.get("file") or self._titles[0])
        inner = [title for title in self._titles if title and title != file]
        title = " \u203a ".join([*inner, str(spec.get("title") or "(no name)")])
        project = str(test.get("projectName") or "")
        name = f"{project}/{file}::{title}" if project else f"{file}::{title}"
        test_id, doubled = self._ids.claim(name, self.name)
        self._counts[str(test.get("status", ""))] += 1
        self._tell(_case(test, test_id, doubled))


def _case(test: dict[str, Any], test_id: str, doubled: str) -> ReadCase:
    told = test.get("results")
    tries = [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []
    last = tries[-1] if tries else {}
    outcome, why = _meaning(test, str(last.get("status", "")), len(tries))
    message, detail = _texts(last) if outcome in (Outcome.FAIL, Outcome.ERROR) else ("", "")
    duration_ms = number(last.get("duration"))
    ended_at = _ended_at(last.get("startTime"), duration_ms)
    return ReadCase(
        test_id=test_id,
        outcome=outcome,
        duration_ms=duration_ms,
        message=why or message,
        detail=detail,
        ended_at=ended_at,
        findings=(doubled,) if doubled else (),
        ran=_ran(tries, ended_at),
    )


def _meaning(test: dict[str, Any], last: str, n_tries: int) -> tuple[Outcome, str]:
    """(outcome, why) by its status and the last result; the worse of the two where they differ."""
    status, wanted = str(test.get("status", "")), str(test.get("expectedStatus", "passed"))
    notes = notes_of(test.get("annotations")) or {}
    if status == "skipped" or not last:
        reasons = [reason for kind, reason in notes.items() if kind in ("skip", "fixme")]
        if last == "interrupted" or not reasons:
            return Outcome.NOT_RUN, "interrupted" if last == "interrupted" else UNEXPLAINED
        return Outcome.SKIPPED, one_line(reasons[0])
    if status == "unexpected":
        return Outcome.FAIL, "expected to fail, but passed" if last == "passed" else ""
    if status not in _STATUS:
        return Outcome.ERROR, f"unknown status {one_line(status)!r}"
    if last != wanted:
        return Outcome.FAIL, f"status {status}, but its last result is {one_line(last)}"
    if status == "flaky":
        return Outcome.FLAKY, f"passed after {max(1, n_tries - 1)} reruns inside the suite"
    if wanted != "passed":
        return Outcome.SKIPPED, f"xfail: {one_line(notes.get('fail', '')) or 'it did fail'}"
    return Outcome.PASS, ""


def _texts(result: dict[str, Any]) -> tuple[str, str]:
    """(one line, all errors) of a result."""
    errors = result.get("errors")
    told = [e for e in errors if isinstance(e, dict)] if isinstance(errors, list) else []
    first = result.get("error") if isinstance(result.get("error"), dict) else None
    texts = [_text(error) for error in told or ([first] if first else [])]
    message, stack = texts[0] if texts else ("", "")
    status = one_line(str(result.get("status", "")))
    line = told_message("", message, stack) if texts else f"{status}, without a message"
    return line, "\n\n".join(stack or text for text, stack in texts)[:DETAIL_CHARS]


def _text(error: dict[str, Any]) -> tuple[str, str]:
    return plain(str(error.get("message") or "")), plain(str(error.get("stack") or ""))


def _ran(tries: list[dict[str, Any]], ended_at: datetime | None) -> Ran | None:
    """When its tries ran; what was skipped before a worker had it never did.

    A duration leaves out what has a time-out of its own, such as the start of the browser.
    """
    starts = [_ended_at(one.get("startTime"), 0.0) for one in tries if one.get("workerIndex") != -1]
    known = tuple(start.timestamp() for start in starts if start)
    if ended_at is None or not known or len(known) < len(starts):
        return None
    return Ran(known, ended_at.timestamp(), _WITHIN_S, f"worker {tries[-1].get('parallelIndex')}")


def _ended_at(start: object, duration_ms: float | None) -> datetime | None:
    try:
        began = datetime.fromisoformat(str(start))
        ended = began.replace(tzinfo=began.tzinfo or UTC) + timedelta(milliseconds=duration_ms or 0)
    except (ValueError, OverflowError):
        return None
    return ended.astimezone(UTC)

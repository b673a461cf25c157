"""One open suite and one open case of a JUnit file: what is told of them until they end."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from data.records.results import ReadCase
from data.records.words import Outcome
from data.rules.readers.result_names import junit_name
from data.rules.readers.result_texts import Capped, one_line, told_message, told_stage
from data.rules.readers.result_totals import Seen

_OUTPUT_CHARS = 2000
_RED = {"failure": Outcome.FAIL, "error": Outcome.ERROR}
_FLAKY = ("flakyFailure", "flakyError")
_SKIPPED = ("skipped", "disabled", "notrun", "ignored")
TOLD = (*_RED, *_FLAKY, "skipped", "disabled", "rerunFailure", "rerunError")
OUTPUT = ("system-out", "system-err")


class OpenSuite:
    """An open suite: its names from the outermost in, when its next case began, what it holds."""

    def __init__(self, attributes: Mapping[str, str], outer: OpenSuite | None, root: bool) -> None:
        self.name = attributes.get("name", "")
        above = (outer.path if outer else "", "" if root else self.name)
        self.path: str = " > ".join(part for part in above if part)
        self.hostname = attributes.get("hostname", "")
        began = _time(attributes.get("timestamp", ""))
        self.now: datetime | None = began or (outer.now if outer else None)
        self.seen = Seen(told=dict(attributes))

    def count(self, outcome: Outcome, double: bool) -> None:
        """One case more."""
        self.seen.n += 1
        self.seen.n_direct += 1
        self.seen.n_red += outcome in (Outcome.FAIL, Outcome.ERROR)
        self.seen.n_skipped += outcome is Outcome.SKIPPED
        self.seen.n_double += double


class OpenCase:
    """An open case, and what is told of it."""

    def __init__(self, suite: OpenSuite, attributes: Mapping[str, str]) -> None:
        get = attributes.get
        classname = get("classname") or get("class") or ""
        self._own_name = get("name", "")
        self.name = junit_name(suite.path, suite.hostname, classname, self._own_name)
        self._suite = suite
        self._status = (get("status") or get("result") or "").lower()
        self._time_s = _seconds(get("time", ""))
        self._odd_time = get("time", "") if self._time_s is None else ""
        self._began = _time(get("timestamp", ""))
        self._told: dict[str, tuple[Mapping[str, str], Capped]] = {}
        self._output = Capped(_OUTPUT_CHARS)
        self._n_flaky = 0

    def begin(self, tag: str, attributes: Mapping[str, str]) -> Capped:
        """Where the text of an element inside goes; the first of a kind is kept."""
        if tag in OUTPUT:
            return self._output
        self._n_flaky += tag in _FLAKY
        text = Capped()
        self._told.setdefault(tag, (attributes, text))
        return text

    @property
    def outcome(self) -> Outcome:
        """The worst that is told; a case of which nothing is told passed."""
        if not self._told and not self._status:
            return Outcome.PASS
        found = next((outcome for tag, outcome in _RED.items() if tag in self._told), None)
        if found:
            return found
        if self._status in _SKIPPED or any(tag in self._told for tag in _SKIPPED):
            return Outcome.SKIPPED
        if self._status in ("failed", "failure"):
            return Outcome.FAIL
        if self._status == "error":
            return Outcome.ERROR
        return Outcome.FLAKY if self._n_flaky else Outcome.PASS

    def read(self, test_id: str, doubled: str) -> ReadCase:
        """The case as a record."""
        outcome, findings = self.outcome, [doubled] if doubled else []
        if self._odd_time:
            findings.append(f"time {one_line(self._odd_time)!r} is no duration")
        message, detail, stage = self._texts(outcome)
        return ReadCase(
            test_id=test_id,
            outcome=outcome,
            duration_ms=None if self._time_s is None else round(self._time_s * 1000, 3),
            message=message,
            detail=detail,
            stage=stage,
            ended_at=self._ended_at(),
            findings=tuple(findings),
        )

    def _texts(self, outcome: Outcome) -> tuple[str, str, str]:
        if outcome is Outcome.PASS:
            return "", "", "call"
        if outcome is Outcome.SKIPPED:
            return self._skip_reason(), "", "call"
        tags = _FLAKY if outcome is Outcome.FLAKY else tuple(_RED)
        told, text = next((self._told[t] for t in tags if t in self._told), ({}, Capped()))
        raw = told.get("message", "")
        message = told_message(told.get("type", ""), raw, self._unnamed(text.text))
        if outcome is Outcome.FLAKY:
            return f"passed after {self._n_flaky} reruns inside the suite", message, "call"
        said = [text.text, self._printed()]
        return message, "\n".join(part for part in said if part), told_stage(raw)

    def _unnamed(self, text: str) -> str:
        """Without the test's own name, which PHPUnit puts into the first line."""
        first, _, rest = text.partition("\n")
        return rest if self._own_name and first.endswith(self._own_name) and rest else text

    def _printed(self) -> str:
        """What the case printed; more than the cap is dropped whole."""
        n = self._output.n_chars
        return f"(it printed {n} characters)" if n > _OUTPUT_CHARS else self._output.text

    def _skip_reason(self) -> str:
        told, text = next((self._told[t] for t in _SKIPPED if t in self._told), ({}, Capped()))
        reason = one_line(told.get("message", "") or text.text)
        return f"xfail: {reason}" if told.get("type") == "pytest.xfail" else reason

    def _ended_at(self) -> datetime | None:
        """By its own time stamp; else as if the cases of its suite ran one after the other."""
        began = self._began or self._suite.now
        if began is None:
            return None
        try:
            ended = began + timedelta(seconds=self._time_s or 0.0)
        except OverflowError:
            return None
        self._suite.now = ended
        return ended


def _seconds(text: str) -> float | None:
    """Seconds; Surefire groups thousands by locale."""
    try:
        value = float(text.replace(",", ""))
    except ValueError:
        return None
    return value if math.isfinite(value) and 0 <= value < 1e9 else None


def _time(text: str) -> datetime | None:
    """A time stamp; without a zone it is UTC, as Gradle, Jest and .NET mean it."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC)

"""One open suite and one open case of a JUnit file: what is told of them until they end."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from data.records.results import ReadCase
from data.records.words import Outcome
from data.rules.readers.junit_habits import Runner, is_extra, meaning, repeated, runner_of
from data.rules.readers.result_names import Ids, junit_name, stable
from data.rules.readers.result_texts import (
    Capped,
    one_line,
    skip_reason,
    told_message,
    told_stage,
)
from data.rules.readers.result_totals import Seen

_OUTPUT_CHARS = 2000
_RED = {"failure": Outcome.FAIL, "error": Outcome.ERROR}
_FLAKY = ("flakyFailure", "flakyError")
_SKIPPED = ("skipped", "disabled", "notrun", "ignored")
TOLD = frozenset((*_RED, *_FLAKY, "skipped", "disabled", "rerunFailure", "rerunError"))
OUTPUT = frozenset(("system-out", "system-err"))
_NOTES_MAX = 50
Told = dict[str, tuple[Mapping[str, str], Capped]]


class OpenSuite:
    """An open suite: its names from the outermost in, when its next case began, what it holds."""

    def __init__(self, attributes: Mapping[str, str], outer: OpenSuite | None, root: bool) -> None:
        self.name = stable(attributes.get("name", ""))
        above = (outer.path if outer else "", "" if root else self.name)
        self.path: str = " > ".join(part for part in above if part)
        self.hostname = attributes.get("hostname", "")
        self.runner: Runner = (outer.runner if outer else "") or runner_of(attributes, root)
        began = _time(attributes.get("timestamp", ""))
        self.now: datetime | None = began or (outer.now if outer else None)
        self.seen = Seen(told=dict(attributes), free_tests=self.runner == "pytest")


class OpenCase:
    """An open case, and what is told of it."""

    __slots__ = ("_classname", "_get", "_name", "_notes", "_output", "_suite", "_told", "_twice")

    def __init__(self, suite: OpenSuite, attributes: Mapping[str, str]) -> None:
        self._suite, self._get = suite, attributes.get
        self._name = attributes.get("name", "")
        self._classname = attributes.get("classname") or attributes.get("class") or ""
        self._told: Told = {}
        self._notes: dict[str, str] = {}
        self._output: Capped | None = None
        self._twice: list[str] = []

    @property
    def name(self) -> str:
        """Its id, if nobody else has it."""
        suite = self._suite
        project = suite.hostname if suite.runner == "playwright" else ""
        return junit_name(suite.path, project, self._classname, self._name, self._get("file", ""))

    def begin(self, tag: str, attributes: Mapping[str, str]) -> Capped:
        """Where the text of an element inside goes; the first of a kind is kept."""
        if tag in OUTPUT:
            self._output = self._output or Capped(_OUTPUT_CHARS)
            return self._output
        text = Capped()
        if tag in self._told:
            self._twice.append(tag)
        else:
            self._told[tag] = (attributes, text)
        return text

    def note(self, attributes: Mapping[str, str]) -> None:
        """A property of it."""
        if len(self._notes) < _NOTES_MAX:
            self._notes[attributes.get("name", "")] = one_line(attributes.get("value", ""))

    def read(self, ids: Ids, owner: str) -> ReadCase:
        """The case as a record, which its suite counts."""
        test_id, doubled = ids.claim(self.name, owner)
        outcome, why = self._ended()
        if doubled and outcome is Outcome.PASS:
            outcome, why = repeated(self._suite.runner, outcome)
        duration_s, odd = _seconds(self._get("time", ""))
        self._count(bool(doubled))
        message, detail, stage = self._texts(outcome, why)
        findings = (doubled, odd) if doubled or odd else ()
        return ReadCase(
            test_id,
            outcome,
            None if duration_s is None else round(duration_s * 1000, 3),
            message,
            detail,
            stage,
            self._ended_at(duration_s),
            tuple(one for one in findings if one),
        )

    def _ended(self) -> tuple[Outcome, str]:
        """The worst that is told, in the words of its runner; one of which nothing is told passed.

        A node test that is `todo` and fails is an expected failure.
        """
        suite, told = self._suite, self._told
        status = (self._get("status") or self._get("result") or "").lower()
        found = _worst(told, status) if told or status else Outcome.PASS
        if found in _RED.values() and "skipped" in told:
            told_skip = told["skipped"][0]
            if told_skip.get("type") == "todo":
                return Outcome.SKIPPED, f"xfail: todo: {one_line(told_skip.get('message', ''))}"
        node = suite.runner or ("node" if self._classname == "test" else "")
        if not node and found is not Outcome.NOT_RUN:
            return found, ""
        return meaning(node, self._name, found, told, self._notes)

    def _count(self, double: bool) -> None:
        """One case more in its suite: what is told, whatever it means."""
        seen, told = self._suite.seen, self._told
        seen.n += 1
        seen.n_direct += 1
        seen.n_double += double
        status = self._get("status") or self._get("result")
        if not told and not status:
            return
        worst = _worst(told, (status or "").lower())
        red = worst in _RED.values()
        seen.n_red += red
        seen.n_red_words += sum(tag in _RED for tag in self._twice)
        seen.n_red_words += len(told.keys() & _RED.keys()) or red
        seen.n_skipped += "skipped" in told or worst in (Outcome.SKIPPED, Outcome.NOT_RUN)
        seen.n_extra += is_extra(self._classname, self._name)

    def _texts(self, outcome: Outcome, why: str) -> tuple[str, str, str]:
        if outcome is Outcome.PASS:
            return "", "", "call"
        if outcome in (Outcome.SKIPPED, Outcome.NOT_RUN):
            told, text = self._first(_SKIPPED)
            return why or skip_reason(told.get("type", ""), told.get("message") or text), "", "call"
        told, text = self._first(_FLAKY if outcome is Outcome.FLAKY else tuple(_RED))
        raw = told.get("message", "")
        message = told_message(told.get("type", ""), raw, self._unnamed(text))
        if outcome is Outcome.FLAKY:
            n = sum(tag in _FLAKY for tag in (*self._told, *self._twice))
            return why or f"passed after {n} reruns inside the suite", message * bool(told), "call"
        said = [text, self._printed()]
        detail = "\n".join(part for part in said if part)
        return (message if text or not why else why), detail, told_stage(raw)

    def _first(self, tags: tuple[str, ...]) -> tuple[Mapping[str, str], str]:
        """Attributes and text of the first element of these that is there."""
        told, text = next((self._told[t] for t in tags if t in self._told), ({}, None))
        return told, text.text if text else ""

    def _unnamed(self, text: str) -> str:
        """Without the test's own name, which PHPUnit puts into the first line."""
        first, _, rest = text.partition("\n")
        return rest if self._name and first.endswith(self._name) and rest else text

    def _printed(self) -> str:
        """What the case printed; more than the cap is dropped whole."""
        if self._output is None:
            return ""
        n = self._output.n_chars
        return f"(it printed {n} characters)" if n > _OUTPUT_CHARS else self._output.text

    def _ended_at(self, duration_s: float | None) -> datetime | None:
        """By its own time stamp; else as if the cases of its suite ran one after the other."""
        own = self._get("timestamp")
        began = (_time(own) if own else None) or self._suite.now
        if began is None:
            return None
        try:
            ended = began + timedelta(seconds=duration_s or 0.0)
        except OverflowError:
            return None
        self._suite.now = ended
        return ended


def _worst(told: Told, status: str) -> Outcome:
    for tag, outcome in _RED.items():
        if tag in told:
            return outcome
    if status in _SKIPPED or any(tag in told for tag in _SKIPPED):
        return Outcome.NOT_RUN if status == "untested" else Outcome.SKIPPED
    if status in ("failed", "failure"):
        return Outcome.FAIL
    if status == "error":
        return Outcome.ERROR
    if status == "untested":  # behave, where a hook of the feature failed
        return Outcome.NOT_RUN
    return Outcome.FLAKY if any(tag in told for tag in _FLAKY) else Outcome.PASS


def _seconds(text: str) -> tuple[float | None, str]:
    """(seconds, what is odd about them); Surefire groups thousands by locale."""
    if not text:
        return None, ""
    try:
        value = float(text.replace(",", "") if "," in text else text)
    except ValueError:
        value = math.nan
    if 0 <= value < 1e9:
        return value, ""
    return None, f"time {one_line(text)!r} is no duration"


def _time(text: str) -> datetime | None:
    """A time stamp; without a zone it is UTC, as Gradle, Jest and .NET mean it."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC)

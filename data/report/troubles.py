"""Tests that a reader must look at, worst first, each with what is known of its ending."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from data.records.facts import TestResult
from data.records.record import Record
from data.records.words import Grade, Outcome
from data.report.sheet import Sheet
from data.rules.outcomes import RED, FinalTest, TestKey

_ORDER = ("FAIL", "ERROR", "NOT_RUN", "FLAKY", "VACUOUS", "INSENSITIVE", "SKIPPED")
_DETAIL_CHARS = 8_000


class Trouble(Record):
    """Tests that ended alike. `word` is their outcome, or the grade that makes a pass worth little.

    `attempts`, `stage` and `duration_ms` are of the first of them.
    """

    word: str
    phase: str
    suite: str
    test_ids: tuple[str, ...]
    message: str = ""
    detail: str = ""
    stage: str = ""
    signature: str = ""
    attempts: int = 0
    duration_ms: float | None = None
    findings: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The test's id, or how many they are."""
        if len(self.test_ids) == 1:
            return self.test_ids[0]
        return f"{self.suite}: {len(self.test_ids)} tests"

    @property
    def alike(self) -> tuple[object, ...]:
        """What has to be equal for two tests to be told as one."""
        return (self.word, self.phase, self.suite, self.message, self.detail, self.findings)


def troubles(sheet: Sheet) -> tuple[Trouble, ...]:
    """Every test that is no plain pass with contact, collected ones without a result included."""
    known = (_trouble(key, final, sheet) for key, final in sheet.finals.items())
    found = [*(trouble for trouble in known if trouble), *_unheard(sheet)]
    return tuple(sorted(_grouped(found), key=lambda t: _ORDER.index(t.word)))


def _grouped(found: Iterable[Trouble]) -> Iterator[Trouble]:
    groups: dict[tuple[object, ...], list[Trouble]] = defaultdict(list)
    for trouble in found:
        groups[trouble.alike].append(trouble)
    for group in groups.values():
        names = tuple(name for trouble in group for name in trouble.test_ids)
        yield group[0].model_copy(update={"test_ids": names})


def _trouble(key: TestKey, final: FinalTest, sheet: Sheet) -> Trouble | None:
    word = _word(final)
    if not word:
        return None
    told = _telling(key, final, sheet)
    return Trouble(
        word=word,
        phase=told.phase,
        suite=told.suite,
        test_ids=(told.test_id,),
        message=told.message or _MEANING.get(word, ""),
        detail=_clipped(told.detail),
        stage=told.stage,
        signature=told.signature,
        attempts=final.attempts,
        duration_ms=told.duration_ms,
        findings=told.findings,
    )


def _word(final: FinalTest) -> str:
    if final.outcome is not Outcome.PASS:
        return str(final.outcome)
    return str(final.grade) if final.grade in (Grade.VACUOUS, Grade.INSENSITIVE) else ""


def _telling(key: TestKey, final: FinalTest, sheet: Sheet) -> TestResult:
    """The attempt that says why: the last red one where there is one, else the last."""
    mine = (t for t in sheet.evidence.tests if (t.phase, t.suite, t.test_id) == key)
    red = [t for t in mine if t.outcome in RED]
    return max(red, key=lambda t: t.attempt, default=final.last)


def _unheard(sheet: Sheet) -> Iterator[Trouble]:
    for one in sheet.evidence.collected:
        for test_id in one.test_ids:
            if (one.phase, one.suite, test_id) not in sheet.finals:
                yield Trouble(
                    word="NOT_RUN",
                    phase=one.phase,
                    suite=one.suite,
                    test_ids=(test_id,),
                    message="collected, and nothing was heard of it",
                )


def _clipped(detail: str) -> str:
    cut = len(detail) - _DETAIL_CHARS
    return detail if cut <= 0 else f"… {cut} characters left out\n{detail[-_DETAIL_CHARS:]}"


_MEANING = {
    "VACUOUS": "passed without touching the target",
    "INSENSITIVE": "passed, and stays green against every negative control",
    "NOT_RUN": "did not end",
}

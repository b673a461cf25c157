"""What a file counts itself, against the cases that are in it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

_CTRF = ("passed", "failed", "skipped", "other")


@dataclass
class Seen:
    """What was met below one suite element, the suites inside it included.

    Attributes:
        n_red: cases that are told to have failed; n_red_words: how often they are told to (pytest
            counts each failed subtest).
        n_direct: cases and suites right below it; node counts these.
        n_double: cases under an id that was there before: pytest counts a test that failed twice
            (in its call and in its tear-down) once.
        n_extra: cases that their runner added without counting them.
        free_tests: whether more may be counted than have a case: pytest counts subtests.
    """

    n: int = 0
    n_red: int = 0
    n_red_words: int = 0
    n_skipped: int = 0
    n_direct: int = 0
    n_double: int = 0
    n_extra: int = 0
    free_tests: bool = False
    told: Mapping[str, str] = field(default_factory=dict)

    def take(self, inner: Seen) -> None:
        """Add what a suite inside this one holds."""
        self.n += inner.n
        self.n_red += inner.n_red
        self.n_red_words += inner.n_red_words
        self.n_extra += inner.n_extra
        self.free_tests |= inner.free_tests
        self.n_skipped += inner.n_skipped
        self.n_double += inner.n_double
        self.n_direct += 1

    def contradictions(self, where: str) -> list[str]:
        """One sentence for each number that the cases do not bear out.

        Skipped cases need not be counted (Jest leaves `todo` out). A number that is absent, or is
        none, says nothing.
        """
        tests, red = _number(self.told, "tests"), _red(self.told)
        skipped = _number(self.told, "skipped")
        most = math.inf if self.free_tests and self.n else max(self.n, self.n_direct)
        fewest = self.n - self.n_skipped - self.n_double - self.n_extra
        reds = range(self.n_red - self.n_extra, max(self.n_red, self.n_red_words) + 1)
        found = []
        if tests is not None and tests != self.n_direct and not fewest <= tests <= most:
            found.append(f"{where} says tests={tests}, but {self.n} are in it")
        if red is not None and red not in reds and not self._counts_direct(red):
            found.append(f"{where} says {red} failures and errors, but {self.n_red} are in it")
        if skipped is not None and skipped > self.n_skipped and skipped > 0:
            found.append(f"{where} says skipped={skipped}, but {self.n_skipped} are in it")
        return found

    def _counts_direct(self, red: int) -> bool:
        """Where only what is right below is counted, a red suite inside counts as one."""
        return self.n_direct != self.n and 0 < red <= self.n_direct and self.n_red > 0


def summary_contradictions(
    told: Mapping[str, object], seen: Counter[str], n_expected: int
) -> list[str]:
    """The same for the `summary` of a CTRF report.

    Args:
        seen: tests by the status that each is told with.
        n_expected: tests that were expected to fail: Playwright's reporter gives them another
            status than it counts them with.
    """
    found = []
    n, tests = seen.total(), told.get("tests")
    if isinstance(tests, int) and tests != n:
        found.append(f"the summary says tests={tests}, but {n} are in it")
    for word in _CTRF:
        said, n = told.get(word), seen[word]
        if word == "skipped":
            n += seen["pending"]
            if isinstance(pending := told.get("pending"), int):
                said = said + pending if isinstance(said, int) else pending
        spare = n_expected if word in ("passed", "failed") else 0
        if isinstance(said, int) and abs(said - n) > spare:
            found.append(f"the summary says {word}={said}, but {n} are in it")
    return found


def _red(told: Mapping[str, str]) -> int | None:
    failures, errors = _number(told, "failures"), _number(told, "errors")
    return None if failures is None and errors is None else (failures or 0) + (errors or 0)


def _number(told: Mapping[str, str], name: str) -> int | None:
    text = told.get(name, "").strip()
    return int(text) if text.isdecimal() and len(text) < 12 else None

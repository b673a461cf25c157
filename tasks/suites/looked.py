"""Reads the files of tests for the static look, within bounds and without a word of its own."""

from __future__ import annotations

import time
from pathlib import Path

from data.rules.look.looking import Source, name_of
from data.rules.look.tree import Finding, Place

MOST_BYTES = 400_000
BUDGET_S = 2.0
_KEPT = 4


class Looking:
    """The static look at the tests of one process of a suite.

    A file that is not there, too large or unreadable has no findings, and after `BUDGET_S` of
    processor time nothing is looked at any more: it informs, and nobody waits for it. Files are
    read when the first of their tests passes, and the last few are kept.
    """

    def __init__(self, budget_s: float = BUDGET_S, most_bytes: int = MOST_BYTES) -> None:
        self._left_s = budget_s
        self._most_bytes = most_bytes
        self._sources: dict[str, Source | None] = {}
        self._known: dict[tuple[str, Place], tuple[Finding, ...]] = {}

    def __call__(self, test_id: str, place: Place) -> tuple[Finding, ...]:
        """Findings of one test; the cases of a parametrised test share theirs."""
        name = name_of(test_id)
        if (name, place) not in self._known and self._left_s > 0:
            began_s = time.thread_time()
            source = self._source(place.path)
            self._known[name, place] = source.findings(name, place.line) if source else ()
            self._left_s -= time.thread_time() - began_s
        return self._known.get((name, place), ())

    def _source(self, path: str) -> Source | None:
        if path not in self._sources:
            self._sources[path] = self._read(Path(path))
            for old in list(self._sources)[:-_KEPT]:
                del self._sources[old]
        return self._sources[path]

    def _read(self, path: Path) -> Source | None:
        try:
            if not path.is_file() or path.stat().st_size > self._most_bytes:
                return None
            return Source(path.read_bytes())
        except (OSError, ValueError):
            return None

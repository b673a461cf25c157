"""Flakiness over history: by revision, with an interval; a broken test is not a flaky one."""

from __future__ import annotations

import pytest
from scipy.stats import binomtest

from data.store.connect import in_memory
from data.store.fold import fold
from data.store.load import bundle_of, store
from tests.store.runs import run, test_result

Row = tuple[int, int, bool]
HISTORIES: dict[
    str, tuple[str, str, Row | None]
] = {  # revisions, outcomes, (flips, chances, broken)
    "always good": ("aaaa", "PPPP", None),
    "one change with the revision": ("aabb", "PPFF", None),
    "changes on one revision": ("aaaa", "PFPF", (3, 3, False)),
    "flaky in one run": ("abc", "PXP", (1, 1, False)),
    "red in most runs": ("a" * 12, "FFFFFFPFFFFF", (2, 11, True)),
    "always red": ("aaaa", "FFFF", None),
    "not run says nothing": ("aaa", "PNP", None),
}
WORDS = {"P": ["PASS"], "F": ["FAIL"], "X": ["FAIL", "PASS"], "N": ["NOT_RUN"]}


@pytest.mark.parametrize("name", HISTORIES)
def test_a_flip_is_a_change_that_no_revision_explains(name: str) -> None:
    revisions, outcomes, expected = HISTORIES[name]
    with in_memory() as connection:
        for n, (revision, letter) in enumerate(zip(revisions, outcomes, strict=True), 1):
            tries = [test_result(n, "c", word, k) for k, word in enumerate(WORDS[letter], 1)]
            facts = run(n, "HOLD", *tries)
            facts[0] = facts[0].model_copy(update={"revision": revision})
            store(connection, bundle_of(f"run-{n}", fold(facts)))
        found = connection.execute(
            "SELECT n_flips, n_flip_chances, is_broken, flip_share_low, flip_share_high "
            "FROM flaky_tests"
        ).fetchall()
    assert [row[:3] for row in found] == ([expected] if expected else [])
    for n_flips, n, _, low, high in found:
        wilson = binomtest(n_flips, n).proportion_ci(method="wilson")
        assert (low, high) == pytest.approx((wilson.low, wilson.high), abs=1e-4)

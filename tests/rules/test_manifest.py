"""New and vanished tests, and a word for each way to end."""

from __future__ import annotations

from typing import Any

import pytest

from data.records.facts import Collected
from data.rules.manifest import Changes, changes, manner_of, named
from data.rules.outcomes import final_outcomes
from tests.rules.matters import at, matter, test


def collected(*ids: str, deselected: tuple[str, ...] = (), suite: str = "auth") -> Collected:
    return Collected(
        run_id="run-2", phase="core", suite=suite, test_ids=ids, deselected=deselected, at=at(10)
    )


@pytest.mark.parametrize(
    ("known", "now", "new", "vanished"),
    [
        (("a", "b"), collected("a", "b"), (), ()),
        (("a", "b"), collected("b", "c"), ("c",), ("a",)),
        (("a", "b"), collected(), (), ("a", "b")),
        (("a", "b"), collected("a", deselected=("b",)), (), ()),  # it is there, and left out
        (("p[1]", "p[2]"), collected("p[2]", "p[1]"), (), ()),  # order says nothing
    ],
)
def test_what_differs_from_the_last_promoted_run(
    known: tuple[str, ...], now: Collected, new: tuple[str, ...], vanished: tuple[str, ...]
) -> None:
    found = changes({"core/auth": known}, [now], [])
    assert found == {("core", "auth"): Changes(new=new, vanished=vanished)}


def test_of_a_suite_that_one_run_does_not_know_nothing_is_said() -> None:
    assert changes({}, [collected("a")], []) == {}
    assert changes({"core/auth": ("a",)}, [], []) == {}


def test_tests_of_a_module_that_cannot_be_imported_have_not_vanished() -> None:
    known = {"core/auth": ("m.py::t1", "n.py::t1")}
    found = changes(known, [collected()], ["m.py"])
    assert found[("core", "auth")].vanished == ("n.py::t1",)


@pytest.mark.parametrize(
    ("outcome", "more", "word"),
    [
        ("PASS", {}, ""),
        ("PASS", {"findings": ("xpass: expected to fail and passed: why",)}, "xpass"),
        ("SKIPPED", {"message": "no browser"}, ""),
        ("SKIPPED", {"message": "xfail: known"}, "xfail"),
        ("ERROR", {"stage": "setup"}, "set-up error"),
        ("ERROR", {"stage": "teardown"}, "tear-down error"),
        ("ERROR", {"stage": "collect"}, "cannot be collected"),
        ("FAIL", {}, ""),
    ],
)
def test_each_ending_has_its_own_word(outcome: str, more: dict[str, Any], word: str) -> None:
    one = test(outcome=outcome).model_copy(update=more)
    (final,) = final_outcomes([one]).values()
    assert manner_of(final) == word


def test_the_verdict_says_what_vanished_and_what_is_new_and_history_decides_nothing() -> None:
    known = {"core/auth": ("t1", "t2", "gone")}
    plain, told = matter().verdict(), matter(history_={"tests": known}).verdict()
    assert told.verdict == plain.verdict
    assert "p1/auth: 1 test has vanished since the last promoted run: gone" in told.not_seen
    assert "auth: 1 new since the last promoted run: t3" in told.notes


def test_a_suite_whose_end_nobody_saw_is_no_pass() -> None:
    verdict = matter(suites=()).verdict()
    assert not verdict.verdict.approves
    assert any("nobody saw the runner end" in reason for reason in verdict.reasons)


@pytest.mark.parametrize(
    ("codes", "n_shards", "approves"),
    [
        ((0, 0), 2, True),
        ((0, 5), 2, True),  # what it ought to have run is missing by its own name
        ((0, 1), 2, False),
        ((0, None), 2, True),
        ((0,), 2, False),  # nobody saw the second end
    ],
)
def test_shards_are_told_as_one_the_worst_of_each(
    codes: tuple[int | None, ...], n_shards: int, approves: bool
) -> None:
    good = matter()
    first, *rest = good.evidence.suites
    split = [
        first.model_copy(update={"shard": i, "n_shards": n_shards, "exit_code": code})
        for i, code in enumerate(codes, 1)
    ]
    assert matter(suites=(*split, *rest)).verdict().verdict.approves is approves


def test_named_says_how_many_more() -> None:
    assert named(("a", "b", "c", "d", "e")) == "a, b, c and 2 more"

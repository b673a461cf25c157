"""Laws of the line and of the fold."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.records.facts import Fact, Sample
from data.store.facts import KINDS, decode, encode, key_of
from data.store.fold import evidence_of, fold, run_view_of
from tests.store.runs import run, started, test_result, verdict
from tests.store.strategies import facts, journals


@given(facts())
def test_a_fact_survives_its_line(fact: Fact) -> None:
    line = encode(fact)
    assert "\n" not in line
    assert decode(line) == fact
    assert json.loads(line)["v"] == 1


def test_every_kind_of_fact_is_known() -> None:
    assert set(KINDS.values()) == set(Fact.__subclasses__())


@pytest.mark.parametrize(
    "line",
    [
        "",
        "{",
        "[]",
        '{"v":2,"kind":"run","body":{}}',
        '{"v":1,"kind":"novel","body":{}}',
        '{"v":1,"kind":"test","body":{}}',
        '{"v":1,"kind":["run"],"body":null}',
    ],
)
def test_a_line_that_is_no_fact_is_a_value_error(line: str) -> None:
    with pytest.raises(ValueError):
        decode(line)


def test_a_number_that_is_not_finite_is_refused() -> None:
    nan = Sample(
        run_id="r",
        phase="p",
        probe="j",
        metric="m",
        ordinal=0,
        value=float("nan"),
        at=datetime.now(UTC),
    )
    with pytest.raises(ValueError, match=r"sample\.value is nan"):
        encode(nan)


def test_undecodable_output_of_a_test_is_kept_with_question_marks() -> None:
    fact = test_result(1, "a", "FAIL").model_copy(update={"message": "bad \udc80 byte"})
    kept = decode(encode(fact))
    assert getattr(kept, "message", "") == "bad ? byte"


@given(journals())
def test_folding_twice_changes_nothing(journal: list[Fact]) -> None:
    once = fold(journal)
    assert fold(once) == once
    assert fold([*journal, *journal]) == fold([*once, *once]) == once
    assert len({key_of(f) for f in once}) == len(once)


@given(journals(), st.randoms(use_true_random=False))
def test_order_of_recording_does_not_change_the_rows(journal: list[Fact], random: object) -> None:
    unique = list(fold(journal))
    mixed = list(unique)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    assert {key_of(f): f for f in fold(mixed)} == {key_of(f): f for f in unique}


def test_a_later_fact_replaces_the_earlier_one_at_its_place() -> None:
    first, other = test_result(1, "a", "FAIL"), test_result(1, "b", "PASS")
    later = first.model_copy(update={"outcome": "PASS"})
    assert fold([first, other, later]) == (later, other)


def test_a_view_has_verdict_and_actions_of_the_run() -> None:
    view = run_view_of(run(1))
    assert view.verdict == verdict(1)
    assert len(view.evidence.samples) == 20
    assert view.evidence.run == started(1)


def test_a_journal_without_a_start_is_no_evidence() -> None:
    with pytest.raises(ValueError, match="no RunStarted"):
        evidence_of([test_result(1, "a", "PASS")])

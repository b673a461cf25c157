"""A person can hold what was approved and watch what was held; nobody can prove by saying so."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.records.approval import Approval, Decision
from data.records.verdict import Coverage, CriterionResult, Verdict
from data.records.words import Mark, Priority, VerdictWord
from data.rules.deciding import asks, carried, is_decided, refusals, sentence, settled
from tests.rules.making import at

WATCH, HOLD = VerdictWord.PROMOTE_WITH_WATCH, VerdictWord.HOLD


def verdict(word: VerdictWord, *criteria: tuple[Priority, Mark], input_hash: str = "h") -> Verdict:
    return Verdict(
        run_id="run-1", verdict=word, rule="", reasons=(), coverage=Coverage(expected=1, seen=1),
        criteria=tuple(
            CriterionResult(id=f"c{i}", priority=p, outcome=m, sentence="1 > 0")
            for i, (p, m) in enumerate(criteria)
        ),
        input_hash=input_hash, at=at(0),
    )  # fmt: skip


def decision(
    word: Literal["promote", "hold"],
    of: VerdictWord = WATCH,
    how: Literal["waiting", "prefect", "cli", "time-out"] = "cli",
    input_hash: str = "h",
) -> Decision:
    return Decision(
        run_id="run-1", verdict=of, input_hash=input_hash, decision=word, by="Ann",
        reason="seen before", how=how, at=at(1),
    )  # fmt: skip


WORDS = st.sampled_from(list(VerdictWord))
CRITERIA = st.lists(
    st.tuples(st.sampled_from(list(Priority)), st.sampled_from(list(Mark))), max_size=4
)
DECISIONS = st.builds(
    decision,
    st.sampled_from(["promote", "hold"]),
    WORDS,
    st.sampled_from(["waiting", "prefect", "cli", "time-out"]),
    st.sampled_from(["h", "other"]),
)


@settings(max_examples=40, deadline=None)
@given(WORDS, CRITERIA, st.none() | DECISIONS)
def test_nobody_makes_more_of_a_rollback_or_an_unproven_p1(
    word: VerdictWord, criteria: list[tuple[Priority, Mark]], decided: Decision | None
) -> None:
    made = verdict(word, *criteria)
    end = settled(made, decided)
    first = [mark for priority, mark in criteria if priority is Priority.P1]
    proven = bool(first) and all(mark in (Mark.PASS, Mark.FLAKY) for mark in first)
    if end.approves and not word.approves:
        assert word is HOLD
        assert proven
        assert decided is not None
        assert decided.by
    if word in (VerdictWord.ROLL_BACK, VerdictWord.SUPERSEDED):
        assert end is word


@settings(max_examples=40, deadline=None)
@given(WORDS, CRITERIA, DECISIONS)
def test_who_was_asked_and_did_not_say_promote_of_this_evidence_holds_it(
    word: VerdictWord, criteria: list[tuple[Priority, Mark]], decided: Decision
) -> None:
    made = verdict(word, *criteria)
    said = decided.decision == "promote" and decided.how in ("prefect", "cli")
    same = (decided.verdict, decided.input_hash) == (word, "h")
    if same and (word.approves or word is HOLD):
        assert settled(made, decided) is (WATCH if said and not refusals(made) else HOLD)
    if not same:  # about the evidence of before a resume, or of a verdict that a kill kept away
        assert settled(made.model_copy(update={"at": at(2)}), decided) is word
        assert settled(made, decided) is (HOLD if word.approves else word)


P1, P2 = (Priority.P1, Mark.PASS), (Priority.P2, Mark.FAIL)
REFUSED: dict[str, tuple[Verdict, tuple[str, ...]]] = {
    "watched": (verdict(WATCH, (Priority.P1, Mark.FAIL)), ()),
    "held for P2": (verdict(HOLD, P1, P2), ()),
    "held for P1": (verdict(HOLD, (Priority.P1, Mark.FAIL), P2), ("c0 of P1 is FAIL: 1 > 0",)),
    "vacuous": (verdict(HOLD, P1, (Priority.P1, Mark.VACUOUS)), ("c1 of P1 is VACUOUS: 1 > 0",)),
    "nothing": (verdict(HOLD, P2), ("nothing of P1 was judged",)),
    "rolled back": (verdict(VerdictWord.ROLL_BACK, P1), ("the verdict is ROLL_BACK",)),
    "overtaken": (verdict(VerdictWord.SUPERSEDED, P1), ("the verdict is SUPERSEDED",)),
}


@pytest.mark.parametrize("case", REFUSED)
def test_it_is_said_why_nobody_may_promote(case: str) -> None:
    made, said = REFUSED[case]
    assert refusals(made) == said
    assert asks(Approval(verdicts=(WATCH, HOLD)), made) is (not said)


def test_nobody_is_asked_who_was_not_meant_to_be() -> None:
    assert not asks(None, verdict(WATCH))
    assert not asks(Approval(), verdict(HOLD, P1, P2))
    assert asks(Approval(), verdict(WATCH))
    assert not asks(Approval(verdicts=(WATCH, HOLD)), verdict(VerdictWord.PROMOTE))


def test_a_decision_is_about_the_evidence_that_was_seen() -> None:
    assert is_decided(decision("promote"), verdict(WATCH))
    assert not is_decided(decision("promote"), verdict(WATCH, input_hash="more"))
    assert not is_decided(decision("hold", how="time-out"), verdict(WATCH))
    assert not is_decided(None, verdict(WATCH))


def test_an_answer_stands_for_a_resumed_run_whose_case_is_the_same() -> None:
    asked = verdict(WATCH, P1, (Priority.P3, Mark.FAIL))
    again = asked.model_copy(update={"input_hash": "later", "at": at(2)})
    stands = carried(decision("promote"), asked, again)
    assert stands is not None
    assert (stands.by, stands.at, settled(again, stands)) == ("Ann", at(1), WATCH)
    held = carried(decision("hold"), asked, again)
    assert held is not None and settled(again, held) is HOLD


ANOTHER_CASE: dict[str, dict[str, object]] = {
    "more was seen": {"coverage": Coverage(expected=2, seen=2)},
    "another rule decided": {"rule": "another"},
    "another verdict": {"verdict": HOLD},
    "another criterion failed": {"criteria": verdict(WATCH, P1, P2).criteria},
    "a number moved": {"reasons": ("2 > 0",)},
}


@pytest.mark.parametrize("change", ANOTHER_CASE)
def test_another_case_is_asked_about_again(change: str) -> None:
    asked = verdict(WATCH, P1, (Priority.P3, Mark.FAIL))
    again = asked.model_copy(update={"input_hash": "later", **ANOTHER_CASE[change]})
    assert carried(decision("promote"), asked, again) is None


def test_what_nobody_said_is_carried_nowhere() -> None:
    asked = verdict(WATCH, P1)
    for unsaid in (None, decision("hold", how="waiting"), decision("hold", how="time-out")):
        assert carried(unsaid, asked, asked) is None
    assert carried(decision("promote", input_hash="older"), asked, asked) is None
    assert carried(decision("promote"), None, asked) is None


def test_it_is_said_who_decided_and_why() -> None:
    assert sentence(decision("promote")) == "promoted by Ann (cli): seen before"
    nobody = decision("hold", how="time-out").model_copy(
        update={"by": "", "reason": "nobody in 4 h"}
    )
    assert sentence(nobody) == "held (time-out): nobody in 4 h"

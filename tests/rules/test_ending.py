"""Whoever goes on after exit code 0 can believe that users get what was approved, where it was promoted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.records.evidence import Evidence, RunView
from data.records.verdict import Acted
from data.records.words import VerdictWord
from data.rules.ending import approves, ending_of, exit_code_of, promotion_failed, sentence_of
from tests.rules.making import at
from tests.rules.test_deciding import verdict
from tests.store.runs import started

ACTIONS = ("promote v2", "read back", "roll back to v1", "tell TEAM", "watch")
OUTCOMES = ("done", "failed", "refused", "dry run")


def acted(*done: tuple[str, str]) -> tuple[Acted, ...]:
    return tuple(
        Acted(
            run_id="run-1",
            action=action,
            outcome=outcome,
            message=f"{action} is {outcome}",
            at=at(1),
        )
        for action, outcome in done
    )


def view(word: VerdictWord | None, *done: tuple[str, str]) -> RunView:
    made = verdict(word) if word else None
    return RunView(evidence=Evidence(run=started(1)), verdict=made, acted=acted(*done))


FAILED: dict[str, tuple[list[tuple[str, str]], bool]] = {
    "nothing done": ([], False),
    "promoted and seen": ([("promote v2", "done"), ("read back", "done")], False),
    "promoted and not seen": ([("promote v2", "done"), ("read back", "failed")], True),
    "not promoted": ([("promote v2", "failed")], True),
    "refused": ([("promote v2", "refused")], False),
    "dry run": ([("promote v2", "dry run")], False),
    "rolled back in vain": ([("roll back to v1", "done"), ("read back", "failed"), ("promote v2", "refused")], False),
    "nobody was told": ([("promote v2", "done"), ("read back", "done"), ("tell TEAM", "failed")], False),
}  # fmt: skip


@pytest.mark.parametrize("case", FAILED)
def test_what_counts_as_a_failed_promotion(case: str) -> None:
    done, failed = FAILED[case]
    assert promotion_failed(acted(*done)) is failed


@given(
    st.none() | st.sampled_from(list(VerdictWord)),
    st.lists(st.tuples(st.sampled_from(ACTIONS), st.sampled_from(OUTCOMES)), max_size=5),
)
def test_only_an_approval_that_did_not_fail_is_zero(
    word: VerdictWord | None, done: list[tuple[str, str]]
) -> None:
    made = view(word, *done)
    ending = ending_of(made)
    fine = word is not None and word.approves and not promotion_failed(made.acted)
    assert (exit_code_of(ending) == 0) is fine
    assert approves(ending) is fine


def test_each_ending_has_an_exit_code_of_its_own() -> None:
    codes = {
        ending: exit_code_of(ending) for ending in (*VerdictWord, "PROMOTION_FAILED", "", "Crashed")
    }
    assert codes == {
        "PROMOTE": 0, "PROMOTE_WITH_WATCH": 0, "HOLD": 10, "ROLL_BACK": 11, "SUPERSEDED": 12,
        "PROMOTION_FAILED": 13, "": 1, "Crashed": 1,
    }  # fmt: skip


def test_it_is_said_what_failed() -> None:
    made = view(
        VerdictWord.PROMOTE, ("promote v2", "done"), ("read back", "failed"), ("tell X", "failed")
    )
    assert sentence_of(made) == "read back: read back is failed"

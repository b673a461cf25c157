"""Laws of nonces: each is known wherever it turns up in its run, and nothing else is taken for one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from data.rules.journey.nonces import LETTERS, N_FREE, nonce, stranger
from data.rules.journey.signatures import words

FREE = st.text(LETTERS, min_size=N_FREE, max_size=N_FREE)
AROUND = st.text(
    st.characters(codec="utf-8", exclude_characters=LETTERS + LETTERS.lower() + "01IOio")
)


@given(FREE, FREE, AROUND, AROUND)
def test_another_executions_nonce_is_found_in_any_text(
    mine: str, theirs: str, before: str, after: str
) -> None:
    names = {"nonce": nonce(mine, "r1"), "run_id": "r1"}
    text = f"{before}{nonce(theirs, 'r1')}{after}"
    assert stranger(text, names) == ("" if mine == theirs else nonce(theirs, "r1"))


@given(FREE, FREE)
def test_a_text_with_the_own_nonce_is_no_strangers(mine: str, theirs: str) -> None:
    names = {"nonce": nonce(mine, "r1"), "run_id": "r1"}
    assert stranger(f"{nonce(theirs, 'r1')} then {nonce(mine, 'r1')}", names) == ""


def test_a_nonce_of_another_run_or_a_text_of_its_shape_is_not_taken_for_one() -> None:
    names = {"nonce": nonce("AAAAA", "r1"), "run_id": "r1"}
    others = [nonce("BCDEF", f"r{number}") for number in range(2, 200)]
    assert [one for one in others if stranger(one, names)] == []
    assert stranger("TASK-NAME, x" + nonce("BCDEF", "r1") + "y", names) == ""


@given(FREE)
def test_a_nonce_never_stands_in_a_signature(letters: str) -> None:
    one = nonce(letters, "r1")
    assert one not in words(f"no answer for {one}", [one])


@given(FREE)
def test_a_nonce_reads_like_one(letters: str) -> None:
    first, second = nonce(letters, "r1").split("-")
    assert len(first) == len(second) == 4 and set(first + second) <= set(LETTERS)

"""What goes back, and what goes forward again: the one definition of a return."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.rules.returning import Served, deployed_revision, is_return
from tests.rules.making import NEW, deployed, green, reads, seen

# what served before, one letter a promoted run, "<x" where the gate rolled back to x; what is deployed
TRUTH = [
    ("", "a", False),
    ("a", "a", False),  # the same again
    ("a", "b", False),
    ("a b", "b", False),
    ("a b", "c", False),
    ("a b", "a", True),
    ("a b a", "a", True),  # a return that is tried again is still one
    ("a b a", "b", False),  # forward once more: nobody has found anything against b
    ("a b a b", "a", True),
    ("a b a b", "b", False),
    ("a b a", "c", False),
    ("a b a c", "a", True),
    ("a b c", "a", True),
    ("a b c", "b", True),
    ("a b c a", "b", False),  # from a to b is forward, though c was in between
    ("a b c b", "c", False),
    ("a a b b", "a", True),  # how often each was promoted says nothing
    ("b", "a", False),  # a was deployed before b and held: it never served
    ("a <a", "a", True),  # the gate went back to a from something that never served
    ("a <a a", "a", True),
    ("a <a a b", "b", False),
    ("a b <a", "a", True),
    ("a b <a", "b", False),
    ("a b <a b", "a", True),
    ("a b", None, False),
]


def line_of(text: str) -> list[Served]:
    return [Served(word.removeprefix("<"), word.startswith("<")) for word in text.split()]


@pytest.mark.parametrize(("line", "revision", "expected"), TRUTH)
def test_what_goes_back(line: str, revision: str | None, expected: bool) -> None:
    assert is_return(revision, line_of(line)) is expected


NAMES = st.sampled_from("abc")
LINES = st.lists(NAMES.map(Served), max_size=8)


@given(LINES, NAMES)
def test_of_two_that_take_turns_only_one_goes_back(line: list[Served], name: str) -> None:
    other = next((one.revision for one in reversed(line) if one.revision != name), None)
    if other and is_return(name, line):
        assert not is_return(other, [*line, Served(name)])


@given(LINES)
def test_what_never_served_does_not_go_back(line: list[Served]) -> None:
    assert not is_return("new", line)


def test_the_revision_is_the_one_asked_for_else_deployed_else_the_only_one_seen() -> None:
    case = green()
    assert deployed_revision(case.evidence) == NEW
    unasked = case.evidence.run.model_copy(update={"revision": None})
    case = seen(run=unasked)(deployed(revision="told")(case))
    assert deployed_revision(case.evidence) == "told"
    case = deployed(revision=None)(case)
    assert deployed_revision(case.evidence) == NEW
    assert deployed_revision(reads("end", "api", "other")(case).evidence) is None

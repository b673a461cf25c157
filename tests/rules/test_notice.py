"""What is told of a verdict, and when it is news."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.records.notify import Notify
from data.rules.notice import Said, is_due, notice_of, said_by
from tests.rules.making import TESTS, green, outcome

HOLD = said_by("HOLD", "P2 FAIL fast: p95(chat) < 2 s: 2100 ms → HOLD", frozenset({"a"}))
ALL = Notify(to="CHAT")
SAID = st.builds(
    Said,
    verdict=st.sampled_from(["PROMOTE", "HOLD"]),
    about=st.sampled_from(["x", "y"]),
    signatures=st.frozensets(st.sampled_from("ab")),
)


@pytest.mark.parametrize(
    ("before", "due"),
    [
        (None, True),
        (HOLD, False),
        (said_by("HOLD", "P2 FAIL fast: p95(chat) < 2 s: 2400 ms → HOLD", frozenset("a")), False),
        (said_by("HOLD", "P1 FAIL core: 3 failed → HOLD", frozenset("a")), True),
        (said_by("HOLD", "P2 FAIL fast: p95(chat) < 2 s: 2100 ms → HOLD", frozenset("b")), True),
        (said_by("PROMOTE", "all 9 criteria satisfied → PROMOTE", frozenset()), True),
    ],
)
def test_what_was_said_before_is_no_news(before: Said | None, due: bool) -> None:
    assert is_due(ALL, HOLD, before) is due


@given(SAID, st.none() | SAID)
def test_who_wants_repeats_hears_everything_of_theirs(now: Said, before: Said | None) -> None:
    assert is_due(Notify(to="CHAT", repeat=True), now, before)
    only = Notify.model_validate({"to": "CHAT", "repeat": True, "verdicts": ["ROLL_BACK"]})
    assert not is_due(only, now, before)
    assert is_due(ALL, now, before) is (now != before)


def test_a_notice_has_the_verdict_the_deciding_sentence_the_money_and_a_link() -> None:
    case = outcome(("p1", "core"), TESTS[0], "FAIL")(green())
    verdict = case.judged()
    notice = notice_of(case.evidence.run, verdict, "https://ci/{{run_id}}.html")
    assert notice.title == "ROLL BACK: shop on staging, r2"
    lines = notice.body.splitlines()
    assert lines[0] == verdict.rule
    assert "at risk: 150,000 USD a year" in lines
    assert any(line.startswith("P1 ") for line in lines[1:])
    assert lines[-1] == "https://ci/run-1.html"


@pytest.mark.parametrize("to", ["slack://token/a/b", "", "A B", "https://hooks.test/x"])
def test_an_address_in_the_plan_is_refused(to: str) -> None:
    with pytest.raises(ValueError, match="to"):
        Notify(to=to)

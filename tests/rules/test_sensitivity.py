"""What turns red under a control, what cannot be audited, and what that proves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import UsageError
from data.records.facts import SensitivityCell, SuiteAudit
from data.records.plan import Plan
from data.records.words import Outcome
from data.rules.sensitivity import (
    Seen,
    Trial,
    audited,
    budget_per_test_s,
    controls_of,
    fresh,
    movable,
    reds_of,
    scores,
    turned_red,
    unmoved,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PLACE = ("p1", "chat")


def seen(outcome: str, touched: bool | None = True) -> Seen:
    return Seen(outcome=Outcome(outcome), touched=touched, duration_s=0.1)


def trial(control: str = "broken", broken: bool = False, **results: Seen) -> Trial:
    return Trial(control=control, results=results, broken=broken, at=NOW)


@pytest.mark.parametrize(
    ("result", "broken", "red"),
    [
        (seen("FAIL"), False, True),
        (seen("ERROR"), False, True),
        (seen("PASS"), False, False),
        (seen("FLAKY"), False, False),
        (seen("SKIPPED"), False, False),  # what skips itself never turns red
        (seen("NOT_RUN"), False, None),  # the suite's time was up: nobody knows
        (seen("NOT_RUN"), True, True),  # the suite could not even start
        (None, False, None),
        (None, True, True),
    ],
)
def test_red_is_what_noticed_and_nothing_else(
    result: Seen | None, broken: bool, red: bool | None
) -> None:
    found = trial(broken=broken, **({"a": result} if result else {}))
    assert turned_red("a", found) is red


@pytest.mark.parametrize(
    ("before", "under", "apart"),
    [
        (seen("PASS"), seen("PASS", touched=False), True),  # talked to the real target still
        (seen("PASS"), seen("PASS", touched=True), False),  # talked to the control and was content
        (seen("PASS"), seen("FAIL", touched=False), False),  # refused: no contact, and it noticed
        (seen("PASS", touched=False), seen("PASS", touched=False), False),  # never touched a thing
        (seen("PASS", touched=None), seen("PASS", touched=None), True),  # nobody could look
        (seen("PASS", touched=None), seen("FAIL", touched=None), False),
    ],
)
def test_a_test_with_an_address_of_its_own_is_unknown_and_not_blind(
    before: Seen, under: Seen, apart: bool
) -> None:
    assert bool(unmoved({"a": before}, [trial(a=under)])) is apart


def test_a_matrix_has_cells_for_what_was_green_and_moved_only() -> None:
    sound = {"good": seen("PASS"), "red": seen("FAIL"), "own": seen("PASS")}
    trials = [
        trial("refused", good=seen("FAIL"), red=seen("FAIL"), own=seen("PASS", False)),
        trial("empty", good=seen("PASS"), red=seen("PASS"), own=seen("PASS", False)),
    ]
    head, *cells = audited("r", PLACE, sound, trials)
    assert isinstance(head, SuiteAudit)
    assert (head.audited, head.n_tests, head.red_before, head.unmoved) == (
        True, 1, ("red",), ("own",),
    )  # fmt: skip
    assert [
        (c.test_id, c.fault, c.turned_red) for c in cells if isinstance(c, SensitivityCell)
    ] == [
        ("good", "refused", True),
        ("good", "empty", False),
    ]


@pytest.mark.parametrize(
    ("sound", "word"),
    [
        ({"a": seen("FAIL")}, "green on the sound target"),
        ({"a": seen("PASS")}, "did not follow"),
        ({}, "green on the sound target"),
    ],
)
def test_a_suite_without_a_test_to_audit_is_unknown_and_says_why(
    sound: dict[str, Seen], word: str
) -> None:
    head, *cells = audited("r", PLACE, sound, [trial(a=seen("PASS", touched=False))])
    assert isinstance(head, SuiteAudit)
    assert not cells
    assert not head.audited
    assert word in head.reason


def cell(
    test: str, fault: str, red: bool, suite: str = "chat", age_s: float = 0
) -> SensitivityCell:
    at = NOW - timedelta(seconds=age_s)
    return SensitivityCell(
        run_id="r", suite=suite, test_id=test, fault=fault, turned_red=red, at=at
    )


def test_a_score_counts_controls_that_turn_any_test_red() -> None:
    cells = [
        cell("a", "refused", True), cell("b", "refused", False),
        cell("a", "empty", False), cell("b", "empty", False),
    ]  # fmt: skip
    (score,) = scores(cells)
    assert (score.n_tests, score.n_red, score.n_controls, score.share) == (2, 1, 2, 0.5)
    assert score.blind_to == ("empty",)
    assert score.never_red == ("b",)


def test_answers_expire() -> None:
    cells = [cell("a", "refused", True, age_s=100), cell("b", "refused", True, age_s=101)]
    assert [c.test_id for c in fresh(cells, NOW, max_age_s=100)] == ["a"]


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xy"), st.booleans())))
def test_one_red_is_enough_and_more_cells_never_take_it_back(
    drawn: list[tuple[str, str, bool]],
) -> None:
    cells = [cell(*one) for one in drawn]
    whole, part = reds_of(cells), reds_of(cells[: len(cells) // 2])
    assert all(red <= whole[name] for name, red in part.items())
    assert {name[1] for name, red in whole.items() if red} == {t for t, _, red in drawn if red}


@given(st.lists(st.floats(0, 100), max_size=5), st.floats(0.1, 60))
def test_a_test_gets_time_in_proportion_and_never_more_than_the_plan_allows(
    durations_s: list[float], most_s: float
) -> None:
    sound = {str(i): Seen(outcome=Outcome.PASS, duration_s=s) for i, s in enumerate(durations_s)}
    assert 0 < budget_per_test_s(sound, most_s) <= most_s


def plan(**audit: object) -> Plan:
    suite = {"id": "chat", "command": ["pytest"], "env": {"URL": "{{services.api.url}}/x"}}
    alone = {"id": "alone", "command": ["pytest"], "env": {"URL": "http://127.0.0.1:9"}}
    other = {"id": "other", "command": ["pytest", "{{revision}}"]}
    return Plan.model_validate(
        {
            "plan": "p",
            "environment": "e",
            "services": {"api": {"url": "http://127.0.0.1:1"}},
            "phases": [{"id": "p1", "priority": "P1", "suites": [suite, alone, other]}],
            "audit": audit,
        }
    )


def test_a_target_can_be_moved_where_a_service_is_named_by_template() -> None:
    chat, alone, other = plan().phases[0].suites
    assert movable(plan(), chat) == ""
    assert "cannot be moved" in movable(plan(), alone)
    assert "cannot be moved" in movable(plan(), other)


def test_controls_are_the_built_in_ones_that_are_named_and_the_plans_own() -> None:
    every = [c.id for c in controls_of(plan())]
    assert {"refused", "forbidden", "empty", "silent", "closed"} <= set(every)
    assert [c.id for c in controls_of(plan(controls=["silent"]))] == ["silent"]
    with pytest.raises(UsageError, match=r"no such control: nope; this plan has .*refused"):
        controls_of(plan(), ["nope"])

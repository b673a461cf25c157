"""What an analyst reads as a test's grade is what the judge gave it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.records.facts import Fact, SensitivityCell, TestResult
from data.records.plan import Baseline
from data.records.words import Grade
from data.rules.outcomes import final_outcomes
from data.rules.sensitivity import fresh, reds_of
from data.store.connect import Connection, in_memory
from data.store.fold import fold
from data.store.history import Before, history_of
from data.store.load import bundle_of, store
from tests.store.runs import at, cell, started, test_result

DEFAULT_AGE_S = 30 * 24 * 3600.0
HOUR_S = 3600.0


class Drawn(NamedTuple):
    """One run of an hour, be it an audit (with cells) or a validation (with tests)."""

    hour: int
    plan: str
    max_age_s: float | None
    facts: tuple[Fact, ...]


cells = st.lists(
    st.builds(
        lambda test, red, fault, suite, late: cell(1, test, red).model_copy(
            update={"fault": fault, "suite": suite, "at": at(late)}
        ),
        st.sampled_from("ab"), st.booleans(), st.sampled_from("xy"), st.sampled_from(["chat", "mail"]),
        st.integers(0, 9),
    ),
    max_size=6,
    unique_by=lambda one: (one.suite, one.test_id, one.fault),
)  # fmt: skip
tests = st.lists(
    st.builds(
        lambda test, outcome, seen, suite: test_result(1, test, outcome, 1, seen).model_copy(
            update={"suite": suite}
        ),
        st.sampled_from("ab"), st.sampled_from(["PASS", "PASS", "FAIL"]),
        st.sampled_from([True, True, False, None]), st.sampled_from(["chat", "mail"]),
    ),
    max_size=4,
    unique_by=lambda one: (one.suite, one.test_id),
)  # fmt: skip
runs = st.lists(
    st.builds(
        Drawn,
        st.integers(0, 9),
        st.sampled_from(["shop", "shop", "desk"]),
        st.sampled_from([None, HOUR_S, 3 * HOUR_S, 1e15]),
        st.one_of(cells, tests).map(tuple),
    ),
    min_size=1,
    max_size=6,
)


@pytest.fixture(scope="module")
def scratch() -> Iterator[Connection]:
    with in_memory() as connection:
        yield connection


def empty(connection: Connection) -> None:
    for table in ("test", "place", "run", "sensitivity", "number", "commits"):
        connection.execute(f"DELETE FROM store.{table}")


def put(connection: Connection, n: int, one: Drawn) -> list[Fact]:
    age = {} if one.max_age_s is None else {"audit": {"max_age": one.max_age_s}}
    head = started(n, plan=one.plan, plan_json=json.dumps(age)).model_copy(
        update={"started_at": at(one.hour)}
    )
    facts = [head, *(f.model_copy(update={"run_id": head.run_id}) for f in one.facts)]
    store(connection, bundle_of(head.run_id, fold(facts)))
    return facts


def judged(
    connection: Connection, n: int, one: Drawn, facts: list[Fact]
) -> set[tuple[object, ...]]:
    """Each pass of one run with the grade that the judge's own rules give it."""
    before = Before(one.plan, "staging", f"run-{n}", at(one.hour))
    known = history_of(connection, before, Baseline()).sensitivity
    age_s = DEFAULT_AGE_S if one.max_age_s is None else min(one.max_age_s, 1e9)
    reds = reds_of(fresh(known, at(one.hour), age_s))
    sensitive = {name: bool(red) for name, red in reds.items()}
    finals = final_outcomes([f for f in facts if isinstance(f, TestResult)], sensitive)
    return {(f"run-{n}", suite, test, t.grade) for (_, suite, test), t in finals.items()}


@pytest.mark.soak
@settings(max_examples=60, deadline=None)
@given(drawn=runs)
def test_the_view_grades_as_the_judge_does(scratch: Connection, drawn: list[Drawn]) -> None:
    empty(scratch)
    stored = [(n, one, put(scratch, n, one)) for n, one in enumerate(drawn)]
    want = set().union(*(judged(scratch, n, one, facts) for n, one, facts in stored))
    seen = scratch.execute("SELECT run_id, suite, test_id, grade FROM tests").fetchall()
    assert {(*row[:3], row[3] and Grade(row[3])) for row in seen} == want


passes = tuple(test_result(1, name, "PASS", 1, True) for name in "ab")


@pytest.mark.parametrize(
    ("max_age_s", "grade"),
    [(None, "PROVEN"), (1e15, "PROVEN"), (3 * HOUR_S, "INSENSITIVE"), (HOUR_S / 2, "WITNESSED")],
)
def test_an_answer_counts_as_long_as_the_runs_own_plan_says(
    scratch: Connection, max_age_s: float | None, grade: str
) -> None:
    """Red at midnight, green under another control at five; asked at six."""
    empty(scratch)
    green = cell(1, "a", False).model_copy(update={"fault": "other", "at": at(5)})
    red = cell(1, "a", True).model_copy(update={"at": at(0)})
    put(scratch, 0, Drawn(0, "shop", None, (red, green)))
    put(scratch, 1, Drawn(6, "shop", max_age_s, passes[:1]))
    assert scratch.execute("SELECT grade FROM tests").fetchall() == [(grade,)]


def test_a_run_before_the_audit_keeps_the_grade_of_its_time(scratch: Connection) -> None:
    empty(scratch)
    audit: tuple[SensitivityCell, ...] = (cell(1, "a", True), cell(1, "b", False))
    for n, facts in enumerate((passes, audit, passes)):
        put(scratch, n, Drawn(n, "shop", None, facts))
    found = scratch.execute("SELECT run_id, test_id, grade FROM tests ORDER BY ALL").fetchall()
    assert found == [
        ("run-0", "a", "WITNESSED"), ("run-0", "b", "WITNESSED"),
        ("run-2", "a", "PROVEN"), ("run-2", "b", "INSENSITIVE"),
    ]  # fmt: skip

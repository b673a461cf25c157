"""A watch ends well only after good looks, and never by looking away."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.records.evidence import Evidence, RunView
from data.records.facts import RevisionReading
from data.records.plan import Plan
from data.records.verdict import Acted, Verdict
from data.records.watch import Watch
from data.records.words import Priority, VerdictWord
from data.rules.watching import Look, end_of, found, is_watched, looks_of, plan_of_look
from tests.rules.making import at
from tests.rules.test_deciding import decision, verdict
from tests.store.runs import started

LOOKS = st.lists(st.sampled_from(list(Look)), max_size=8)
WATCH = VerdictWord.PROMOTE_WITH_WATCH


@given(LOOKS, st.integers(1, 4), st.floats(0, 200))
def test_a_watch_ends_well_only_after_good_looks_or_where_users_get_something_else(
    looks: list[Look], needed: int, passed_s: float
) -> None:
    terms = Watch.model_validate({"looks": needed, "most": "100s"})
    end = end_of(terms, looks, "said", at(0), at(0) + timedelta(seconds=passed_s))
    good = looks[-needed:] == [Look.GOOD] * needed
    if not looks:
        assert end is None
    elif looks[-1] is Look.ELSEWHERE or good:
        assert end is not None
        assert end[0]
    elif looks[-1] is Look.BAD or passed_s >= 100:
        assert end is not None
        assert not end[0]
    else:
        assert end is None


def reading(*seen: str, expected: str | None = "v2") -> RevisionReading:
    return RevisionReading(
        run_id="run-1", stage="start", service="api", expected=expected, seen=seen, at=at(0)
    )


FOUND: dict[str, tuple[Verdict, list[RevisionReading], Look]] = {
    "good": (verdict(VerdictWord.PROMOTE), [reading("v2")], Look.GOOD),
    "nobody tells": (verdict(VerdictWord.PROMOTE), [reading("v9", expected=None)], Look.GOOD),
    "flaky": (verdict(WATCH), [reading("v2")], Look.UNCLEAR),
    "changed meanwhile": (verdict(VerdictWord.SUPERSEDED), [reading("v2")], Look.UNCLEAR),
    "held": (verdict(VerdictWord.HOLD), [reading("v2")], Look.BAD),
    "two revisions": (verdict(VerdictWord.HOLD), [reading("v2", "v3")], Look.BAD),
    "silent": (verdict(VerdictWord.HOLD), [reading()], Look.BAD),
    "another one": (verdict(VerdictWord.HOLD), [reading("v3")], Look.ELSEWHERE),
}


@pytest.mark.parametrize("case", FOUND)
def test_what_a_look_finds(case: str) -> None:
    made, readings, look = FOUND[case]
    assert found(made, readings)[0] is look


def plan(**more: Any) -> Plan:
    probe = {"kind": "http", "request": {"url": "http://a.test/"}, "repeat": 20}
    return Plan.model_validate(
        {
            "plan": "site", "environment": "test",
            "services": {"api": {"url": "http://a.test"}, "db": {"url": "http://d.test"}},
            "phases": [
                {"id": "one", "priority": "P1", "probes": [{**probe, "id": "ask", "metric": "fast"}]},
                {"id": "two", "priority": "P2", "probes": [{**probe, "id": "more", "metric": "slow"}]},
            ],
            "criteria": [
                {"id": "a", "priority": "P1", "rule": "p95(fast) < 1 s"},
                {"id": "b", "priority": "P1", "rule": "p95(slow) < 1 s"},
                {"id": "c", "priority": "P2", "rule": "p95(fast) < 1 s"},
            ],
            "rollback": {"armed": True, "execute": True}, "deploy": {"deployer": "command", "command": ["up"], "rollback": ["down"]},
            "approval": {}, **more,
        }
    )  # fmt: skip


def test_a_look_tries_p1_alone_and_moves_nothing() -> None:
    narrow = plan_of_look(plan(), {"api": "v2"})
    assert [phase.priority for phase in narrow.phases] == [Priority.P1]
    assert [criterion.id for criterion in narrow.criteria] == ["a"]
    assert narrow.services["api"].expect_revision == "v2"
    assert narrow.services["db"].expect_revision is None
    assert not (narrow.rollback.armed or narrow.promotion or narrow.approval or narrow.notify)


def acted(action: str, outcome: str = "good") -> Acted:
    return Acted(run_id="run-1", action=action, outcome=outcome, at=at(1))


@pytest.mark.parametrize(
    ("word", "decided", "done", "watched"),
    [
        (WATCH, None, [], True),
        (WATCH, None, [acted("watch: look 1")], True),
        (WATCH, None, [acted("watch: look 1"), acted("watch", "done")], False),
        (WATCH, decision("hold"), [], False),
        (WATCH, decision("promote"), [], True),
        (VerdictWord.PROMOTE, None, [], False),
        (VerdictWord.ROLL_BACK, None, [], False),
        (None, None, [], False),
    ],
)
def test_watched_is_what_was_approved_with_watch_until_that_ends(
    word: VerdictWord | None, decided: Any, done: list[Acted], watched: bool
) -> None:
    made = verdict(word) if word else None
    view = RunView(
        evidence=Evidence(run=started(1)), verdict=made, decision=decided, acted=tuple(done)
    )
    assert is_watched(view) is watched


def test_looks_are_counted_apart_from_all_else_that_was_done() -> None:
    done = [acted("promote v2", "done"), acted("watch: look 1"), acted("watch: look 2", "unclear")]
    assert looks_of(done) == ("good", "unclear")

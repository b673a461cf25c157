"""Contact by time alone: neither credited nor accused where nobody can say."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.records.facts import TestResult
from data.records.results import Ran
from data.records.words import Outcome
from data.rules.attribution import Contact, Moved, Window
from data.rules.contact_by_time import (
    BLIND,
    ELSEWHERE,
    SHARED,
    SLACK_S,
    WEAKER,
    Reported,
    Sight,
    windows_of,
    witnessed_by_time,
)

T0 = datetime(2026, 1, 1, tzinfo=UTC)


def ended(name: str, at_s: float, took_s: float = 1.0, outcome: str = "PASS") -> TestResult:
    """A test that ended `at_s` after the start."""
    return TestResult(
        run_id="r", phase="p", suite="s", test_id=name, outcome=Outcome(outcome),
        duration_ms=took_s * 1000, at=T0 + timedelta(seconds=at_s),
    )  # fmt: skip


def window(test: TestResult) -> Window:
    """When it ran."""
    end_s = test.at.timestamp()
    return Window(test.test_id, end_s - (test.duration_ms or 0.0) / 1000, end_s)


def contact(*at_s: float) -> list[Contact]:
    return [Contact("api", T0.timestamp() + at) for at in at_s]


APART = [ended("a", 10), ended("b", 20)]
BESIDE = [ended("a", 10), ended("b", 10)]


@pytest.mark.parametrize(
    ("tests", "contacts", "found"),
    [
        (APART, contact(9.5, 19.5), {"a": (True, WEAKER), "b": (True, WEAKER)}),
        (APART, contact(9.5), {"a": (True, WEAKER), "b": (False, WEAKER)}),
        (APART, contact(), {"a": (False, WEAKER), "b": (False, WEAKER)}),
        (BESIDE, contact(9.5), {"a": (None, SHARED), "b": (None, SHARED)}),
        (BESIDE, contact(), {"a": (False, WEAKER), "b": (False, WEAKER)}),
        (
            [ended("a", 10), ended("b", 10.5)],
            contact(9.2),
            {"a": (True, WEAKER), "b": (False, WEAKER)},
        ),
        (
            [ended("a", 10), ended("b", 10.5)],
            contact(9.2, 9.8),
            {"a": (True, WEAKER), "b": (None, SHARED)},
        ),
        # a session's set-up, or a runner that tells everything at its end
        (APART, contact(2.0, 9.5), {"a": (True, WEAKER), "b": (None, ELSEWHERE)}),
        (APART, contact(2.0), {"a": (None, ELSEWHERE), "b": (None, ELSEWHERE)}),
    ],
)
def test_contact_counts_for_who_ran_then(
    tests: list[TestResult],
    contacts: list[Contact],
    found: dict[str, tuple[bool | None, str]],
) -> None:
    windows = [window(test) for test in tests]
    told = witnessed_by_time(tests, windows, contacts)
    assert {t.test_id: (t.witnessed, t.findings[-1]) for t in told} == found


def test_what_did_not_run_is_not_told_again() -> None:
    tests = [ended("a", 10, outcome="NOT_RUN"), ended("b", 10, outcome="SKIPPED")]
    windows = [window(test) for test in tests]
    assert list(witnessed_by_time(tests, windows, contact(9.5))) == []


def told(name: str, took_s: float | None, ended_s: float | None, seen_s: float) -> Reported:
    """One that was missing 0.2 s before it was seen; its own time may be 0.1 s off."""
    ran = None if ended_s is None else Ran((ended_s - (took_s or 0.0),), ended_s, 0.1)
    return Reported(name, took_s, ran, seen_s - 0.2, seen_s)


def in_lane(name: str, *starts_s: float, took_s: float = 0.1, lane: str = "1") -> Reported:
    ran = Ran(starts_s, starts_s[-1] + took_s, 0.0, lane)
    return Reported(name, took_s, ran, 0.0, 99.0)


@pytest.mark.parametrize(
    ("reported", "found"),
    [
        # its own time, whenever it was seen
        ([told("a", 1.0, 5.0, 9.0)], {"a": (3.9, 5.1)}),
        ([told("a", None, 5.0, 9.0)], {"a": (4.9, 5.1)}),
        # it ended between two looks, and somewhat before
        ([told("a", 0.4, None, 9.0)], {"a": (8.8 - 0.4 - SLACK_S, 9.0)}),
        # of two that came together each can have been first
        (
            [told("a", 0.1, None, 9.0), told("b", 0.2, None, 9.0)],
            {"a": (8.8 - 0.3 - SLACK_S, 9.0), "b": (8.8 - 0.3 - SLACK_S, 9.0)},
        ),
        # a look that brings more than can have run since the last one: a buffer
        (
            [told("a", 0.1, None, 4.0), told("b", 2.0, None, 9.0)],
            {"a": (0, 4.0), "b": (0, 9.0)},
        ),
        (
            [told("a", 0.1, None, 4.0), told("b", None, None, 9.0), told("c", 1.0, 8.0, 9.0)],
            {"a": (0, 4.0), "b": (0, 9.0), "c": (6.9, 8.1)},
        ),
    ],
)
def test_a_window_is_the_longest_time_in_which_a_test_can_have_run(
    reported: list[Reported], found: dict[str, tuple[float, float]]
) -> None:
    windows = {w.test_id: (w.start, w.end) for w in windows_of(reported, 0.0)}
    assert windows == {name: pytest.approx(window) for name, window in found.items()}


def test_one_of_a_lane_may_have_gone_on_until_the_next_began() -> None:
    reported = [in_lane("b", 5.0), in_lane("a", 1.0, 4.0), in_lane("c", 2.0, lane="2")]
    assert sorted(windows_of(reported, 0.0)) == [
        Window("a", 1.0, 4.0),
        Window("a", 4.0, 5.0),
        Window("b", 5.0, 99.0),
        Window("c", 2.0, 99.0),
    ]


SERIAL = st.lists(
    st.tuples(st.floats(0, 3), st.booleans(), st.floats(0, SLACK_S)), min_size=1, max_size=8
)


@given(SERIAL, st.lists(st.floats(0, 20), max_size=8))
def test_an_idle_test_is_never_credited(
    tests: list[tuple[float, bool, float]], looks: list[float]
) -> None:
    """Serial tests, each written soon after its end; those that talk do so from end to end."""
    now_s, written_s = T0.timestamp(), T0.timestamp()
    times = [*sorted(now_s + look for look in looks), now_s + 100]
    facts, reported, contacts, talkers = [], [], [], set()
    for index, (took_s, talks, late_s) in enumerate(tests):
        name, began_s = str(index), now_s
        now_s = began_s + took_s + 0.001
        written_s = max(written_s, began_s + took_s + late_s)
        seen_s = next(time for time in times if time >= written_s)
        missed_s = max((time for time in times if time < written_s), default=T0.timestamp())
        reported.append(Reported(name, took_s, None, missed_s, seen_s))
        facts.append(ended(name, began_s + took_s - T0.timestamp(), took_s))
        if talks:
            talkers.add(name)
            moved = Moved(began_s, began_s + took_s, 1, 1)
            contacts.append(Contact("api", began_s, (moved,)))
    windows = windows_of(reported, T0.timestamp())
    credited = {t.test_id for t in witnessed_by_time(facts, windows, contacts) if t.witnessed}
    assert credited <= talkers


@given(SERIAL, st.floats(0.001, 0.5), st.floats(0, 0.5))
def test_nor_is_one_by_contact_that_was_somewhere_between_two_looks(
    tests: list[tuple[float, bool, float]], every_s: float, first_s: float
) -> None:
    """Serial tests with exact times; sockets are looked at from time to time."""
    zero = T0.timestamp()

    def looks(at_s: float) -> tuple[float, float]:
        n = math.floor((at_s - zero - first_s) / every_s)
        return zero + first_s + n * every_s, zero + first_s + (n + 1) * every_s

    now_s, facts, reported, contacts, talkers = zero, [], [], [], set()
    for index, (took_s, talks, _) in enumerate(tests):
        name, began_s, now_s = str(index), now_s, now_s + took_s + 0.001
        ran = Ran(starts_s=(began_s,), end_s=began_s + took_s, within_s=0.005)
        reported.append(Reported(name, took_s, ran, zero, now_s))
        facts.append(ended(name, began_s + took_s - zero, took_s))
        if talks:
            talkers.add(name)
            since_s, to_s = looks(began_s + took_s / 2)
            moved = Moved(since_s, to_s, 1, 1)
            contacts.append(Contact("api", to_s, (moved,), within_s=to_s - since_s))
    windows = windows_of(reported, zero)
    found = list(witnessed_by_time(facts, windows, contacts))
    assert {t.test_id for t in found if t.witnessed} <= talkers
    assert not {t.test_id for t in found if t.witnessed is False} & talkers


def test_where_nobody_looked_nobody_is_accused() -> None:
    at_s = T0.timestamp()
    sight = Sight(blind=((at_s + 9.2, at_s + 9.3),))
    found = list(witnessed_by_time(APART, map(window, APART), contact(19.5), sight))
    assert [(t.witnessed, t.findings[-1]) for t in found] == [(None, BLIND), (True, WEAKER)]


def test_a_doubt_accuses_nobody_and_takes_nothing_away() -> None:
    found = list(witnessed_by_time(APART, map(window, APART), contact(9.5), Sight(doubt="why")))
    assert [(t.witnessed, t.findings[-1]) for t in found] == [(True, WEAKER), (None, "why")]

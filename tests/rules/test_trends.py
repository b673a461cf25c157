"""Bands, comparison and places: what is usual never knows the future, nor what was refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.records.trends import Series, Step, TestTrack, TrendPoint, Trends
from data.rules.bands import band, rolling_share
from data.rules.quantiles import MIN_SAMPLES
from data.rules.trends import compared, of_suite, outside, place_of, settled

NUMBERS = st.lists(
    st.tuples(st.one_of(st.none(), st.floats(0, 1e6)), st.booleans()), min_size=1, max_size=60
)


def trends(values: list[float | None], verdict: str = "PROMOTE", suite: str = "") -> Trends:
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    points = tuple(
        TrendPoint(
            deployment_id=f"d{i}", revision=f"r{i}", run_id=f"run-{i}", verdict=verdict,
            started_at=begin + timedelta(hours=i),
        )
        for i in range(len(values))
    )  # fmt: skip
    one = Series(metric="cost", name="it", unit="s", worse="up", suite=suite, values=tuple(values))
    track = TestTrack(suite="a", test_id="t", outcomes="P" * (len(values) - 1) + "F")
    return Trends(environment="e", plan="p", points=points, series=(one,), tests=(track,))


@given(NUMBERS, st.floats(0, 1e6))
def test_a_band_does_not_know_its_own_nor_a_later_value(
    told: list[tuple[float | None, bool]], other: float
) -> None:
    values, approved = [v for v, _ in told], [a for _, a in told]
    changed = [*values[:-1], other]
    assert band(values, approved) == band(changed, approved)


@given(NUMBERS)
def test_a_band_is_ordered_and_made_of_approved_values_only(
    told: list[tuple[float | None, bool]],
) -> None:
    values, approved = [v for v, _ in told], [a for _, a in told]
    for i, (low, middle, high) in enumerate(band(values, approved)):
        known = [v for v, a in told[:i] if a and v is not None][-20:]
        if len(known) < MIN_SAMPLES:
            assert (low, middle, high) == (None, None, None)
        else:
            assert low is not None and middle is not None and high is not None
            assert low <= middle <= high
            assert {low, middle, high} <= set(known)


@given(NUMBERS)
def test_what_was_refused_never_becomes_usual(told: list[tuple[float | None, bool]]) -> None:
    values = [v for v, _ in told]
    assert set(band(values, [False] * len(values))) == {(None, None, None)}


@pytest.mark.parametrize(
    ("value", "worse", "said"),
    [(10.0, "up", ""), (30.0, "up", "worse"), (30.0, "down", "better"), (1.0, "up", "better"),
     (1.0, "down", "worse"), (None, "up", "")],
)  # fmt: skip
def test_outside_the_band_is_worse_or_better_by_its_direction(
    value: float | None, worse: str, said: str
) -> None:
    read = trends([10.0, 10.0, 10.0, 10.0, 10.0, value])
    turned = read.series[0].model_copy(update={"worse": worse})
    series = settled(read.model_copy(update={"series": (turned,)})).series[0]
    assert outside(series, 5) == said
    assert outside(series, 3) == "", "no band yet: nothing can be outside"


def test_a_bad_label_takes_a_deployment_out_of_what_is_usual() -> None:
    read = trends([1.0] * 6)
    bad = tuple(p.model_copy(update={"label": "bad"}) for p in read.points[:2])
    labelled = read.model_copy(update={"points": (*bad, *read.points[2:])})
    assert settled(read).series[0].low[5] == 1.0
    assert settled(labelled).series[0].low[5] is None, "four are too few"


def test_steps_are_told_by_their_place_among_all_deployments() -> None:
    found = settled(
        trends([None, 1.0, None, 2.0]),
        lambda known: (Step(index=known.index(2.0), before=1.0, after=2.0, p=0.01),),
    )
    assert [step.index for step in found.series[0].steps] == [3]


def test_a_share_rolls_over_the_last_known_ones() -> None:
    assert rolling_share([True, None, True, True, True, False], 5)[-1] == 0.8
    assert rolling_share([True] * 4, 5)[-1] is None


def test_a_comparison_names_what_turned_and_by_how_much() -> None:
    found = compared(settled(trends([10.0, 15.0])), 0, 1)
    assert [(n.name, n.shift) for n in found.numbers] == [("it", 0.5)]
    assert [(t.test_id, t.before, t.after) for t in found.tests] == [("t", "P", "F")]


@pytest.mark.parametrize(("name", "at"), [("d1", 1), ("r0", 0), ("run-1", 1), ("x", None)])
def test_a_deployment_is_found_by_id_revision_or_run(name: str, at: int | None) -> None:
    assert place_of(trends([1.0, 2.0]), name) == at


def test_a_suite_alone_keeps_no_number_of_another() -> None:
    read = trends([1.0, 2.0], suite="a")
    assert [s.suite for s in of_suite(read, "a").series] == [""]
    assert of_suite(read, "b").series == ()
    assert of_suite(read, "b").tests == ()

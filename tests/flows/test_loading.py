"""A load from the command line: inside the plan's limits, and told while it runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.errors import UsageError
from data.records.load import LoadTerms
from data.records.load_order import LoadProgress
from data.rules.load.histogram import Histogram
from flows.commands.probing import _chosen, _terms, _within_limits
from flows.loading import LiveLoad, bars
from flows.wiring import read_plan

PLAN = str(Path(__file__).parents[2] / "examples" / "staging" / "plan.yaml")


def load(rate: str | None, users: str | None, connections: int | None, duration: str) -> LoadTerms:
    """The terms of a command line, or why the reference plan does not allow them."""
    plan = read_plan(PLAN)
    most = plan.load.in_flight if plan.load else None
    terms = _terms(rate, users, connections, duration, 1, most)
    phase, probe = _chosen(plan, PLAN, "chat")
    _within_limits(plan, phase, probe.model_copy(update={"load": terms}))
    return terms


def test_the_documented_loads_are_allowed_by_the_reference_plan() -> None:
    assert load("20/s", None, None, "10s").most_in_flight == 100
    assert [s.duration for s in load(None, "1,5,20", None, "10s").stages] == [10.0] * 3
    assert len(load(None, None, None, "10s").stages) == 1


REFUSED = [
    (("500/s", None, None, "10s"), "a rate of 500/s is more than the 100/s allowed"),
    ((None, "1,500", None, "10s"), "executions at once of 500 is more than the 100 allowed"),
    (("1/s", None, None, "1h"), "a duration of 3600 s is more than the 120 s allowed"),
    (("fast", None, None, "10s"), "expected a rate"),
    ((None, "1,x", None, "10s"), "cannot make a load"),
]


@pytest.mark.parametrize(("words", "said"), REFUSED)
def test_what_the_plan_does_not_allow_is_refused_with_both_numbers(
    words: tuple[str | None, str | None, int | None, str], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        load(*words)


def test_a_load_tells_how_far_it_is() -> None:
    recent = Histogram()
    for value in (10.0, 20.0, 30.0):
        recent.add(value)
    terms = LoadTerms.model_validate({"stages": [{"users": 2, "for": "10s"}]})
    told = LoadProgress(
        elapsed_s=2.0, stage=0, n=3, n_failed=1, in_flight=2, recent=recent.spread()
    )
    text = str(LiveLoad(terms).picture([told, told]))
    assert "6 done, 2 failed, 4 under way" in text
    assert "2.0 s of 10 s   2 users" in text and "p50 20.0 ms" in text


def test_bars_rise_with_their_values() -> None:
    assert bars([0.0, 5.0, 10.0]) == "▁▄█" and bars([]) == ""

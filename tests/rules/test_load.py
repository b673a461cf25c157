"""Laws of loads: when executions start, what histograms say, and whose slowness it was."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.records.facts import Failure
from data.records.load import Arrivals, LoadTerms
from data.records.load_figures import GeneratorWatch, Spread, StageFigures
from data.records.load_order import CountedFailure, LoadEnd, StageTold
from data.records.plan import Plan
from data.records.words import Outcome
from data.rules.load.findings import first_failing, invalid, judge_stage, knee
from data.rules.load.histogram import Histogram, bucket_of, merged, over, percentile, value_of
from data.rules.load.merge import conclusion, figures
from data.rules.load.schedule import arrivals, label_of, share_of, starts_of
from data.rules.planning.loads import load_faults
from data.rules.quantiles import percentile as exact


def stages(*told: dict[str, Any]) -> tuple[Arrivals, ...]:
    return tuple(Arrivals.model_validate(one) for one in told)


def spread(*values_ms: float) -> Spread:
    histogram = Histogram()
    for value in values_ms:
        histogram.add(value)
    return histogram.spread()


# Schedules

RATES = st.floats(0.5, 500).map(lambda r: f"{r:.3f}/s")
STAGES = st.lists(
    st.fixed_dictionaries({"rate": RATES, "for": st.floats(0.1, 5).map(lambda t: f"{t:.3f}s")},
                          optional={"to": RATES}),
    min_size=1, max_size=3,
)  # fmt: skip


def test_a_fixed_rate_starts_at_even_times() -> None:
    assert [at for _, at in arrivals(stages({"rate": "4/s", "for": "1s"}))] == [0, 0.25, 0.5, 0.75]


def test_a_ramp_starts_as_many_as_the_area_under_it() -> None:
    found = list(arrivals(stages({"rate": "10/s", "to": "30/s", "for": "2s"})))
    assert len(found) == 40
    gaps = [b - a for (_, a), (_, b) in itertools.pairwise(found)]
    assert gaps == sorted(gaps, reverse=True)
    assert gaps[0] == pytest.approx(1 / 10, rel=0.06) and gaps[-1] == pytest.approx(
        1 / 30, rel=0.02
    )


def test_a_stage_that_is_cut_in_two_starts_the_same() -> None:
    whole = [at for _, at in arrivals(stages({"rate": "7/s", "for": "3s"}))]
    halves = [
        at
        for _, at in arrivals(
            stages({"rate": "7/s", "for": "1.3s"}, {"rate": "7/s", "for": "1.7s"})
        )
    ]
    assert halves == pytest.approx(whole)


@given(STAGES)
def test_starts_are_in_order_and_inside_their_stage(told: list[dict[str, Any]]) -> None:
    made = stages(*told)
    ends = list(itertools.accumulate(s.duration for s in made))
    found = list(arrivals(made))
    assert [at for _, at in found] == sorted(at for _, at in found)
    for number, at in found:
        assert (ends[number - 1] if number else 0) - 1e-6 <= at <= ends[number] + 1e-6
    assert abs(len(found) - sum(s.n for s in made)) < 1 + 1e-6


@given(STAGES, st.integers(1, 7))
def test_processes_share_the_very_same_starts(told: list[dict[str, Any]], parts: int) -> None:
    made = stages(*told)
    shared = [list(starts_of(made, part, parts)) for part in range(parts)]
    assert sorted(itertools.chain(*shared)) == sorted(arrivals(made))
    assert max(map(len, shared)) - min(map(len, shared)) <= 1


@given(st.integers(0, 10_000), st.integers(1, 64))
def test_shares_add_up(n: int, parts: int) -> None:
    found = [share_of(n, part, parts) for part in range(parts)]
    assert sum(found) == n and max(found) - min(found) <= 1


@pytest.mark.parametrize(
    ("told", "label"),
    [({"rate": "50/s", "for": "1s"}, "50/s"), ({"rate": "60/min", "to": "2/s", "for": "1s"}, "1/s to 2/s"),
     ({"users": 1, "for": "1s"}, "1 user"), ({"users": 20, "for": "1s"}, "20 users")],
)  # fmt: skip
def test_a_stage_has_a_name(told: dict[str, Any], label: str) -> None:
    assert label_of(LoadTerms.model_validate({"stages": [told]}).stages[0]) == label


@pytest.mark.parametrize(
    "bad",
    [{"stages": []}, {"stages": [{"rate": "50", "for": "1s"}]}, {"stages": [{"rate": "0/s", "for": "1s"}]},
     {"stages": [{"users": 0, "for": "1s"}]}, {"stages": [{"users": 1, "for": "0s"}]},
     {"stages": [{"users": 1, "for": "1s"}, {"rate": "1/s", "for": "1s"}]},
     {"stages": [{"rate": "1/s", "for": "1s"}], "soak": {"every": "1s"}},
     {"stages": [{"users": 1, "for": "1s"}], "soak": {"every": "0s"}}],
)  # fmt: skip
def test_a_load_that_cannot_be_is_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        LoadTerms.model_validate(bad)


# Histograms

TIMES = st.lists(st.floats(0.001, 3_600_000), min_size=1, max_size=200)


@given(st.floats(0, 86_400_000))
def test_a_bucket_is_as_wide_as_a_thousandth(value_ms: float) -> None:
    assert abs(value_of(bucket_of(value_ms)) - value_ms) <= max(0.0005, value_ms * 0.0005) + 1e-9


def test_every_time_has_a_bucket_and_they_follow_each_other() -> None:
    found = [bucket_of(us / 1000) for us in range(70_000)]
    assert all(b - a in (0, 1) for a, b in itertools.pairwise(found))


@given(TIMES, st.sampled_from([0.5, 0.9, 0.95, 0.99, 1.0]))
def test_a_percentile_is_the_exact_one_within_a_thousandth(
    times: list[float], share: float
) -> None:
    assert percentile(spread(*times), share) == pytest.approx(
        exact(times, share), rel=1e-3, abs=1e-3
    )


@given(st.lists(TIMES, min_size=1, max_size=5), st.randoms())
def test_merging_is_exact_in_any_order(parts: list[list[float]], random: Any) -> None:
    whole = spread(*itertools.chain(*parts))
    shuffled = random.sample(parts, len(parts))
    found = merged(spread(*part) for part in shuffled)
    assert (found.n, found.counts, found.min_ms, found.max_ms) == (
        whole.n, whole.counts, whole.min_ms, whole.max_ms,
    )  # fmt: skip


def test_of_nothing_there_is_no_percentile() -> None:
    assert percentile(Spread(), 0.5) is None and merged([]) == Spread()


def test_how_many_are_over_a_limit() -> None:
    assert over(spread(1, 2, 3, 100), 2.0) == 2


# Findings


def watch(late_ms: float = 0.1, lag_ms: float = 0.1) -> GeneratorWatch:
    return GeneratorWatch(late=spread(*[late_ms] * 100), lag=spread(*[lag_ms] * 100), cpu_share=0.5)


VALID = [
    (watch(), [20.0], True),
    (watch(late_ms=4.9), [20.0], True),
    (watch(late_ms=6), [20.0], False),
    (watch(lag_ms=6), [20.0], False),
    (watch(late_ms=6), [100.0], True),  # a tenth of the median may be the generator's
    (watch(late_ms=11), [100.0], False),
    (watch(late_ms=11), [100.0, 500.0], False),
]


@pytest.mark.parametrize(("own", "medians", "is_valid"), VALID)
def test_a_generator_that_was_late_measured_itself(
    own: GeneratorWatch, medians: list[float], is_valid: bool
) -> None:
    assert (invalid(own, [spread(m) for m in medians]) == "") is is_valid


def stage(label: str, p95_ms: float = 10.0, **told: Any) -> StageFigures:
    spreads = {"whole": spread(*[p95_ms] * 20)}
    return StageFigures(label=label, duration_s=1.0, spreads=spreads, **told)


def test_the_knee_is_the_last_stage_before_latency_doubled() -> None:
    found = [stage("1", 10), stage("5", 12), stage("20", 19), stage("100", 25), stage("200", 90)]
    assert knee(found, "whole") == "20"
    assert knee(found[:3], "whole") == "" and knee(found, "other") == "" and knee([], "whole") == ""


FAILING = [(0, 0, "NOT_RUN"), (100, 0, "PASS"), (100, 1, "PASS"), (100, 2, "FAIL"), (1, 1, "FAIL")]


@pytest.mark.parametrize(("n", "n_failed", "outcome"), FAILING)
def test_a_stage_fails_when_more_fail_than_allowed(n: int, n_failed: int, outcome: str) -> None:
    judged = judge_stage(stage("x", n=n, n_failed=n_failed), 0.01, "")
    assert judged.outcome == outcome and judged.reason


def test_figures_of_a_generator_that_was_too_slow_are_neither_good_nor_bad() -> None:
    assert judge_stage(stage("x", n=9, n_failed=9), 0.01, "late").outcome == "INVALID"


def end(*told: tuple[int, int], own: GeneratorWatch | None = None) -> LoadEnd:
    one = Failure(ordinal=1, step="1 open", signature="tcp/refused", message="no")
    n_failed = sum(failed for _, failed in told)
    return LoadEnd(
        stages=tuple(
            StageTold(n=n, n_failed=failed, duration_s=1.0, n_intended=n,
                      spreads={"whole": spread(*[20.0] * (n - failed))})
            for n, failed in told
        ),
        watch=own or watch(),
        failures=(CountedFailure(n=n_failed, first=one),) if n_failed else (),
    )  # fmt: skip


USERS = {"users": 5, "for": "1s"}
EXPLORING = {**USERS, "explore": True}
ENDS = [
    ([USERS], [end((10, 0))], Outcome.PASS),
    ([USERS, USERS], [end((10, 0), (10, 5))], Outcome.FAIL),
    ([USERS, EXPLORING], [end((10, 0), (10, 5))], Outcome.PASS),
    ([USERS, USERS], [end((10, 0), (0, 0))], Outcome.NOT_RUN),
    ([USERS, EXPLORING], [end((10, 0), (0, 0))], Outcome.PASS),
    ([USERS], [end((10, 0)), end((10, 9))], Outcome.FAIL),
    ([USERS], [end((10, 9), own=watch(late_ms=50))], Outcome.ERROR),
]


@pytest.mark.parametrize(("told", "ends", "outcome"), ENDS)
def test_a_load_is_worth_what_its_stages_are(
    told: list[dict[str, Any]], ends: list[LoadEnd], outcome: Outcome
) -> None:
    terms = LoadTerms.model_validate({"stages": told})
    whole = figures(terms, ends, "whole")
    found = conclusion("journey", terms, whole, ends)
    assert found.outcome is outcome
    assert found.n == sum(s.n for e in ends for s in e.stages)


def test_one_process_that_lagged_spoils_the_measurement() -> None:
    """A hundredth of all timers is what counts: half of them late is far beyond it."""
    terms = LoadTerms.model_validate({"stages": [USERS], "processes": 2})
    ends = [end((10, 0)), end((10, 0), own=watch(lag_ms=50))]
    assert conclusion("http", terms, figures(terms, ends, "whole"), ends).outcome is Outcome.ERROR


def test_failures_of_all_processes_are_counted_by_cause() -> None:
    terms = LoadTerms.model_validate({"stages": [USERS]})
    ends = [end((10, 3)), end((10, 4))]
    found = conclusion("journey", terms, figures(terms, ends, "whole"), ends)
    assert [f.message for f in found.failures] == ["no (7 times)"]
    assert "tcp/refused" in found.message and first_failing(figures(terms, ends, "whole").stages)


# A soak in a plan

TALK = [{"send": {"text": "{{nonce}}"}},
        {"expect": {"events": ["a"], "answer": {"event": "a", "path": "b", "uses": ["{{nonce}}"]}}}]  # fmt: skip
OPENS = {"open": {"url": "{{services.x.ws}}/chat"}}
DEAF: list[Any] = [{"expect": {"events": ["a"]}}]


@pytest.mark.parametrize(
    ("probe", "said"),
    [({"kind": "journey", "steps": [OPENS, *TALK, {"close": {}}]}, []),
     ({"kind": "http", "request": {"url": "{{services.x.url}}/"}}, ["opens no socket"]),
     ({"kind": "journey", "steps": [{"open": {**OPENS["open"], "refused": {}}}]}, ["opens no socket"]),
     ({"kind": "journey", "steps": [OPENS, TALK[1]]}, ["no message is sent"]),
     ({"kind": "journey", "steps": [OPENS, TALK[0], *DEAF]}, ["known by its nonce"]),
     ({"kind": "journey", "steps": [OPENS, {"close": {}}, {"think": "1s"}]},
      ["no message is sent", "known by its nonce", "closes the socket"])],
)  # fmt: skip
def test_check_says_what_a_soak_lacks(probe: dict[str, Any], said: list[str]) -> None:
    load = {"stages": [{"users": 1, "for": "1s"}], "soak": {"every": "1s"}}
    plan = Plan.model_validate({
        "plan": "p", "environment": "e", "services": {"x": {"url": "http://127.0.0.1:1"}},
        "load": {"services": ["x"]},
        "phases": [{"id": "one", "priority": "P3", "probes": [{"id": "s", "load": load, **probe}]}],
    })  # fmt: skip
    found = list(load_faults(plan))
    assert len(found) == len(said)
    assert all(words in fault for words, (_, fault, _) in zip(said, found, strict=True))
    assert all(place[-1] == "soak" and hint for place, _, hint in found)

"""What a load came to, asked of the warehouse: the same numbers as the rules say of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from data.records.facts import Fact, ProbeResult
from data.records.load_figures import LoadFigures, SoakFigures, Spread, StageFigures
from data.records.words import Outcome
from data.report.loads import figures_of
from data.rules.load.histogram import Histogram, merged
from data.store.connect import Connection, in_memory
from data.store.fold import fold
from data.store.load import bundle_of, store
from tests.store.runs import at, started

LATE = "the generator was the bottleneck"
NAMES = ("n", "p50_ms", "p90_ms", "p95_ms", "p99_ms", "p99_9_ms", "max_ms")


def spread(times_ms: Sequence[float]) -> Spread:
    found = Histogram()
    for time_ms in times_ms:
        found.add(time_ms)
    return found.spread()


def step(label: str, n: int, times_ms: Sequence[float] = (), **more: object) -> StageFigures:
    told = {"label": label, "duration_s": 2.0, "n_intended": 100, "n": n, "outcome": "PASS"}
    spreads = {"spreads": {"journey": spread(times_ms)} if times_ms else {}}
    return StageFigures.model_validate({**told, **spreads, **more})


def loaded(
    n: int, load: LoadFigures | None, attempt: int = 1, deployment: str = "dep"
) -> list[Fact]:
    probe = ProbeResult(
        run_id=f"run-{n}", phase="p2", probe="ladder", kind="journey", attempt=attempt,
        outcome=Outcome.PASS, n=1, load=load, duration_s=4.0, started_at=at(n),
    )  # fmt: skip
    one = started(n).model_copy(update={"deployment_id": deployment})
    return [one, probe]


def put(connection: Connection, *runs: list[Fact]) -> None:
    for facts in runs:
        store(connection, bundle_of(facts[0].run_id, fold(facts)))


@pytest.fixture(scope="module")
def shared() -> Iterator[tuple[Connection, Iterator[int]]]:
    """One warehouse for all examples of a law, and numbers for their runs."""
    with in_memory() as connection:
        yield connection, count(1)


@pytest.fixture
def connection() -> Iterator[Connection]:
    with in_memory() as connection:
        yield connection


def ask(connection: Connection, sql: str) -> list[tuple[Any, ...]]:
    return connection.execute(sql).fetchall()


times = st.lists(
    st.one_of(st.floats(0, 5, width=32), st.floats(0, 90_000, width=32)), min_size=1, max_size=40
)


@settings(max_examples=8, deadline=None)
@given(parts=st.lists(times, min_size=1, max_size=3), n_each=st.sampled_from([1, 30]))
@example(parts=[[float(ms) for ms in range(1, 2001)]], n_each=1)
def test_percentiles_of_a_deployment_are_those_of_its_runs_histograms_added(
    shared: tuple[Connection, Iterator[int]], parts: list[list[float]], n_each: int
) -> None:
    connection, numbers = shared
    deployment = f"dep-{next(numbers)}"
    parts = [part * n_each for part in parts]
    loads = [LoadFigures(model="open", stages=(step("50/s", len(p), p),)) for p in parts]
    wanted = figures_of(merged(spread(part) for part in parts))
    put(connection, *(loaded(next(numbers), load, deployment=deployment) for load in loads))
    where = f"WHERE deployment_id = '{deployment}'"
    [found] = ask(connection, f"SELECT {', '.join(NAMES)} FROM load_by_deployment {where}")
    rounded = {name: v if v is None else round(v, 3) for name, v in zip(NAMES, found, strict=True)}
    assert rounded == wanted


def test_a_step_says_what_was_asked_and_what_was_achieved(connection: Connection) -> None:
    stages = (
        step("50/s", 100, [1.0]),
        step("90/s", 90, [1.0], n_intended=180, n_failed=9, outcome="FAIL", in_flight=7),
        step("200/s", 0, n_intended=0, outcome="NOT_RUN"),
    )
    load = LoadFigures(model="open", stages=stages, knee="50/s", first_failing="90/s")
    put(connection, loaded(1, load))
    sql = (
        "SELECT step, step_label, asked_per_s, achieved_per_s, achieved_share, n_failed, "
        "n_in_flight_max, step_outcome, is_knee, is_first_failing, is_invalid FROM load_steps ORDER BY step"
    )
    assert ask(connection, sql) == [
        (1, "50/s", 50.0, 50.0, 1.0, 0, 0, "PASS", True, False, False),
        (2, "90/s", 90.0, 45.0, 0.5, 9, 7, "FAIL", False, True, False),
        (3, "200/s", None, None, None, 0, 0, "NOT_RUN", False, False, False),
    ]


def test_the_closed_model_asks_for_no_rate(connection: Connection) -> None:
    load = LoadFigures(model="closed", stages=(step("5 users", 40, [1.0], n_intended=None),))
    put(connection, loaded(1, load))
    sql = "SELECT load_model, asked_per_s, achieved_per_s, achieved_share FROM load_steps"
    assert ask(connection, sql) == [("closed", None, 20.0, None)]


def test_figures_of_a_bottleneck_generator_are_told_and_are_in_no_percentile(
    connection: Connection,
) -> None:
    good = LoadFigures(model="open", stages=(step("50/s", 100, [1.0] * 100),))
    slow = step("50/s", 100, [900.0] * 100, outcome="INVALID", reason=LATE)
    bad = LoadFigures(model="open", stages=(slow,), invalid=LATE, knee="50/s")
    put(connection, loaded(1, good), loaded(2, bad))
    sql = "SELECT n_runs, n_runs_invalid, n, p99_ms, n_executions FROM load_by_deployment"
    assert ask(connection, sql) == [(1, 1, 100, 1.0, 100)]
    told = ask(
        connection,
        "SELECT is_invalid, invalid_reason, step_outcome, is_knee, is_first_failing "
        "FROM load_steps ORDER BY 1",
    )
    assert told == [(False, "", "PASS", False, False), (True, LATE, "INVALID", None, None)]


def test_only_bad_figures_are_no_figures_and_still_a_row(connection: Connection) -> None:
    slow = step("50/s", 100, [900.0] * 100, outcome="INVALID", reason=LATE)
    put(connection, loaded(1, LoadFigures(model="open", stages=(slow,), invalid=LATE)))
    sql = "SELECT metric, n_runs, n_runs_invalid, n, p50_ms, achieved_per_s FROM load_by_deployment"
    assert ask(connection, sql) == [(None, 0, 1, 0, None, None)]


def test_a_run_in_which_all_failed_is_not_hidden_by_one_that_passed(connection: Connection) -> None:
    good = LoadFigures(model="open", stages=(step("50/s", 100, [1.0] * 100),))
    outage = step("50/s", 100, n_failed=100, outcome="FAIL")
    unreached = step("50/s", 0, n_intended=0, outcome="NOT_RUN")
    put(
        connection,
        loaded(1, good),
        loaded(2, LoadFigures(model="open", stages=(outage,))),
        loaded(3, LoadFigures(model="open", stages=(unreached,))),
    )
    sql = "SELECT n_runs, n_runs_not_run, n_executions, n_failed, n, achieved_per_s FROM load_by_deployment"
    assert ask(connection, sql) == [(2, 1, 200, 100, 100, 50.0)]


def test_the_last_attempt_counts_and_probes_without_load_have_no_row(
    connection: Connection,
) -> None:
    first = LoadFigures(model="open", stages=(step("50/s", 100, [900.0] * 5),))
    last = LoadFigures(model="open", stages=(step("50/s", 100, [1.0] * 5),))
    put(connection, [*loaded(1, first), loaded(1, last, attempt=2)[1]], loaded(2, None))
    sql = "SELECT n_runs, n, p50_ms FROM load_by_deployment"
    assert ask(connection, sql) == [(1, 5, 1.0)]
    assert ask(connection, "SELECT count(*) FROM load_steps") == [(1,)]


def test_a_soak_accounts_for_each_message_and_other_loads_have_no_row(
    connection: Connection,
) -> None:
    soak = SoakFigures(
        n_drops=4, n_returns=3, n_vain=2, n_late=5, n_lost=6, n_unsent=1, n_duplicated=1
    )
    stages = (step("5 users", 80, n_failed=6, n_intended=None), step("9 users", 20, n_failed=2))
    put(connection, loaded(1, LoadFigures(model="closed", stages=stages, soak=soak)))
    put(connection, loaded(2, LoadFigures(model="closed", stages=stages)))
    put(connection, loaded(3, None))
    sql = (
        "SELECT run_id, n_messages, n_failed, n_late, n_lost, n_unsent, n_duplicated, lost_share, "
        "n_drops, n_returns, n_vain FROM soaks"
    )
    assert ask(connection, sql) == [("run-1", 100, 8, 5, 6, 1, 1, 0.07, 4, 3, 2)]

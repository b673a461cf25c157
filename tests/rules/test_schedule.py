"""Longest first, each test in exactly one shard, and a phase that stops when nothing can change."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.records.facts import ProbeResult, TestResult
from data.records.plan import Phase
from data.records.words import Outcome
from data.rules.fail_fast import settled_because
from data.rules.schedule import Job, enough_shards, shards, starting_order

SECONDS = st.floats(0.001, 100, allow_nan=False)
AT = datetime(2026, 1, 1, tzinfo=UTC)
tests_s = st.dictionaries(
    st.builds(
        lambda file, place, name: f"test_{file}.py::{place}test_{name}",
        st.sampled_from("abc"),
        st.sampled_from(["", "TestA::", "TestB::", "TestA::TestInner::"]),
        st.sampled_from([*"uvwxyz", "p[1]", "p[2]", "p[a::b]"]),
    ),
    st.none() | SECONDS,
    max_size=30,
)


@pytest.mark.parametrize(
    ("jobs", "expected"),
    [
        ([], []),
        ([Job("a", 1), Job("b", 3), Job("c", 2)], ["b", "c", "a"]),
        ([Job("a", 2), Job("b", 2)], ["a", "b"]),
        ([Job("a", None), Job("b", None)], ["a", "b"]),
        ([Job("a", 1), Job("new", None), Job("c", 9), Job("d", 5)], ["c", "new", "d", "a"]),
        ([Job("a", 4), Job("g1", 3, "g"), Job("g2", 2, "g")], ["g1", "a", "g2"]),
    ],
)
def test_longest_first_and_the_plans_order_between_equals(
    jobs: list[Job], expected: list[str]
) -> None:
    assert list(starting_order(jobs)) == expected


@given(tests_s, st.integers(1, 8))
def test_every_test_is_in_exactly_one_shard_in_the_given_order(
    durations: dict[str, float | None], n: int
) -> None:
    shares = shards(durations, n)
    assert sorted(t for share in shares for t in share) == sorted(durations)
    assert len(shares) <= n and all(shares)
    order = list(durations)
    assert all([t for t in order if t in share] == list(share) for share in shares)
    assert shares == shards(dict(durations), n)


@given(tests_s, st.integers(1, 8))
def test_tests_of_one_class_stay_together(durations: dict[str, float | None], n: int) -> None:
    for share in shards(durations, n):
        classes = {t.partition("[")[0].rpartition("::")[0] for t in share if _in_class(t)}
        for name in classes:
            whole = {t for t in durations if t.partition("[")[0].rpartition("::")[0] == name}
            assert whole <= set(share)


def _in_class(test: str) -> bool:
    return test.partition("[")[0].count("::") > 1


@given(st.lists(SECONDS, min_size=1, max_size=40), st.integers(1, 6))
def test_no_split_is_longer_than_an_even_share_and_its_longest_piece(
    lengths: list[float], n: int
) -> None:
    """Graham 1969: total/n + (1 - 1/n) of the longest."""
    bound = sum(lengths) / n + (1 - 1 / n) * max(lengths)
    assert _makespan(lengths, n) <= bound + 1e-6


@given(st.lists(SECONDS, min_size=1, max_size=7), st.integers(2, 3))
def test_a_split_is_within_four_thirds_of_the_best_one(lengths: list[float], n: int) -> None:
    best = min(_loads(lengths, places, n) for places in product(range(n), repeat=len(lengths)))
    assert _makespan(lengths, n) <= (4 / 3 - 1 / (3 * n)) * best + 1e-6


def _makespan(lengths: list[float], n: int) -> float:
    durations = {f"t{i}.py::test": length for i, length in enumerate(lengths)}
    return max(sum(durations[t] for t in share) for share in shards(durations, n))


def _loads(lengths: list[float], places: tuple[int, ...], n: int) -> float:
    return max(
        sum(s for s, p in zip(lengths, places, strict=True) if p == place) for place in range(n)
    )


@pytest.mark.parametrize(
    ("work_s", "start_s", "total_s", "workers", "n"),
    [
        (10, 0.5, 10.5, 4, 4),  # alone: as many as there are workers
        (10, 0.5, 42, 4, 1),  # no longer than an even part: whole
        (30, 0.5, 40, 4, 4),
        (20, 0.5, 40, 4, 3),
        (0.5, 0.6, 1.1, 8, 1),  # starts longer than it runs
        (0, 0, 0, 2, 1),
    ],
)
def test_auto_splits_only_what_would_hold_its_phase_up(
    work_s: float, start_s: float, total_s: float, workers: int, n: int
) -> None:
    assert enough_shards(work_s, start_s, total_s, workers) == n


def _phase(tolerance: int, retries: int) -> Phase:
    suite = {"id": "s", "command": ["pytest"], "retries": retries}
    return Phase.model_validate(
        {"id": "p", "priority": "P1", "tolerance": tolerance, "suites": [suite]}
    )


def _test(name: str, outcome: str, attempt: int) -> TestResult:
    return TestResult(
        run_id="r", phase="p", suite="s", test_id=name, attempt=attempt,
        outcome=Outcome(outcome), at=AT,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("tolerance", "retries", "seen", "settled"),
    [
        (0, 0, [("a", "FAIL", 1)], True),
        (0, 1, [("a", "FAIL", 1)], False),  # its retry may pass
        (0, 1, [("a", "FAIL", 1), ("a", "FAIL", 2)], True),
        (1, 0, [("a", "FAIL", 1)], False),
        (1, 0, [("a", "FAIL", 1), ("b", "FAIL", 1)], True),
        (0, 0, [("a", "ERROR", 1), ("b", "NOT_RUN", 1), ("c", "PASS", 1)], False),
    ],
)
def test_a_phase_is_settled_once_more_has_definitely_failed_than_tolerated(
    tolerance: int, retries: int, seen: list[tuple[str, str, int]], settled: bool
) -> None:
    assert (
        bool(settled_because(_phase(tolerance, retries), [_test(*s) for s in seen], [])) == settled
    )


@pytest.mark.parametrize(
    ("outcome", "settled"), [("FAIL", True), ("FLAKY", False), ("ERROR", False)]
)
def test_a_probe_that_failed_settles_its_phase(outcome: str, settled: bool) -> None:
    probe = ProbeResult(
        run_id="r", phase="p", probe="b", kind="http", outcome=Outcome(outcome), n=1,
        duration_s=1.0, started_at=AT,
    )  # fmt: skip
    assert bool(settled_because(_phase(9, 1), [], [probe])) == settled

"""How long suites took is remembered by medians, of earlier runs of the same plan alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from data.records.evidence import SuitePace
from data.records.facts import Collected, Fact, SuiteResult
from data.store.connect import Connection, in_memory
from data.store.fold import fold
from data.store.history import Before
from data.store.load import bundle_of, store
from data.store.pace import paces_of
from tests.store.runs import at, started, test_result, verdict


@pytest.fixture
def connection() -> Iterator[Connection]:
    with in_memory() as connection:
        yield connection


def ran(n: int, tests_ms: dict[str, float | None], total_s: float, **more: Any) -> list[Fact]:
    """Run `n` of one suite: what its tests took, and its process (or its shards, `n_shards`)."""
    n_shards = more.get("n_shards", 1)
    manifest = Collected(
        run_id=f"run-{n}", phase="p1", suite="chat", test_ids=tuple(tests_ms), at=at(n)
    )
    facts: list[Fact] = [started(n), manifest]
    for name, took_ms in tests_ms.items():
        outcome = "NOT_RUN" if took_ms is None else "PASS"
        facts.append(test_result(n, name, outcome).model_copy(update={"duration_ms": took_ms}))
    for shard in range(1, n_shards + 1):
        told = {"exit_code": 0, "duration_s": total_s, "started_at": at(n), **more}
        facts.append(SuiteResult(run_id=f"run-{n}", phase="p1", suite="chat", command=("pytest",),
                                 shard=shard, **told))  # fmt: skip
    return [*facts, verdict(n)]


def paces(connection: Connection, n: int, *runs: list[Fact]) -> dict[str, SuitePace]:
    for facts in runs:
        store(connection, bundle_of(facts[0].run_id, fold(facts)))
    return paces_of(connection, Before("shop", "staging", f"run-{n}", at(n)))


def test_nothing_is_known_before_the_first_run(connection: Connection) -> None:
    assert paces(connection, 1, ran(1, {"a": 500}, 2)) == {}


def test_medians_of_the_last_runs_for_the_tests_of_the_last_manifest(
    connection: Connection,
) -> None:
    runs = [
        ran(1, {"a": 1000, "gone": 1000}, 3),
        ran(2, {"a": 2000}, 3),
        ran(3, {"a": 9000, "b": None}, 10),
    ]
    pace = paces(connection, 9, *runs)["p1/chat"]
    assert pace.tests_s == {"a": 2.0, "b": None}
    assert (pace.work_s, pace.start_s) == (2.0, 1.0)


def test_shards_of_one_attempt_are_one_work_with_as_many_starts(connection: Connection) -> None:
    pace = paces(connection, 9, ran(1, {"a": 2000, "b": 2000}, 3, n_shards=2))["p1/chat"]
    assert (pace.work_s, pace.start_s) == (4.0, 1.0)


@pytest.mark.parametrize(
    "spoiled", [{"timed_out": True}, {"exit_code": None}, {"broken": "no such file"}]
)
def test_a_suite_that_did_not_end_by_itself_tells_no_duration(
    connection: Connection, spoiled: dict[str, Any]
) -> None:
    assert paces(connection, 9, ran(1, {"a": 500}, 2, **spoiled)) == {}

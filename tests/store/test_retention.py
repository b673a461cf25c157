"""Compacting old samples: what stays exactly, what stays nearly, and what is never touched."""

from __future__ import annotations

import random
from typing import Any

import pytest

from data.records.facts import Fact
from data.store.connect import writing
from data.store.derived import fill_anew
from data.store.lock import Deadline
from data.store.mend import damage_of
from data.store.retention import Compacted, compact
from data.store.upkeep import keep_up
from data.store.warehouse import Warehouse
from tests.store.runs import at, run, samples, started
from tests.store.test_upkeep import scribble

NUMBERS = "SELECT deployment_id, probe, n, n_failed, min, round(mean, 6), p50, p95, p99, max FROM metric_by_deployment ORDER BY ALL"  # fmt: skip


def one(n: int, deployment: str | None = None) -> list[Fact]:
    """A run with 300 samples of a journey, one of them 0."""
    dice = random.Random(n)
    values = [0.0, *(dice.lognormvariate(4, 1) for _ in range(299))]
    head = started(n)
    if deployment:
        head = head.model_copy(update={"deployment_id": deployment})
    return [head, *run(n)[1:], *samples(n, values, "journey")]


@pytest.fixture
def filled(warehouse: Warehouse) -> Warehouse:
    for n in range(1, 5):
        warehouse.commit(one(n, "together" if n < 3 else None))
    return warehouse


def asked(warehouse: Warehouse, sql: str) -> list[tuple[Any, ...]]:
    return warehouse.query(sql)[1]


def test_only_samples_of_old_runs_that_no_baseline_needs_are_compacted_and_only_once(
    filled: Warehouse,
) -> None:
    others = "SELECT * EXCLUDE (duration_s) FROM runs ORDER BY ALL"
    before = asked(filled, others), asked(filled, "FROM tests ORDER BY ALL")
    assert compact(filled, at(9), 5.0) == (0, 0, 0)  # the newest 200 runs are never touched
    done = compact(filled, at(4), 5.0, n_kept_raw=2)
    assert done.n_runs == 2 and done.n_samples == 640 and 0 < done.n_bins < 640
    assert compact(filled, at(4), 5.0, n_kept_raw=2) == Compacted(0, 0, 0)
    assert asked(filled, "SELECT DISTINCT run_id FROM samples ORDER BY 1") == [
        ("run-3",),
        ("run-4",),
    ]
    assert (asked(filled, others), asked(filled, "FROM tests ORDER BY ALL")) == before
    assert damage_of(filled.path) == ""


def test_numbers_of_a_run_stay_exactly_and_of_several_runs_within_a_hundredth(
    filled: Warehouse,
) -> None:
    before = asked(filled, NUMBERS)
    compact(filled, at(9), 5.0, n_kept_raw=1)
    after = asked(filled, NUMBERS)
    assert [row for row in after if row[0] != "together"] == [
        r for r in before if r[0] != "together"
    ]
    for was, now in zip(before, after, strict=True):
        assert now[:4] == was[:4]
        known = [
            (n, w) for n, w in zip(now[4:], was[4:], strict=True) if w is not None or n is not None
        ]
        assert [n for n, _ in known] == pytest.approx([w for _, w in known], rel=0.0101)


def test_what_was_computed_of_compacted_runs_outlives_a_filling_anew(filled: Warehouse) -> None:
    compact(filled, at(9), 5.0, n_kept_raw=0)
    before = asked(filled, NUMBERS)
    with writing(filled.path, Deadline(5)) as connection:
        fill_anew(connection)
    assert asked(filled, NUMBERS) == before


def test_a_run_that_is_stored_anew_has_its_raw_samples_again(filled: Warehouse) -> None:
    compact(filled, at(9), 5.0, n_kept_raw=0)
    filled.commit([*one(3), *samples(3, [1.0], "more")])
    assert asked(filled, "SELECT count(*) FROM samples") == [(321,)]
    assert asked(filled, "SELECT count(*) FROM store.histogram WHERE run_id = 'run-3'") == [(0,)]
    assert damage_of(filled.path) == ""


@pytest.mark.soak
def test_numbers_of_compacted_runs_without_a_journal_outlive_a_rebuilding(
    filled: Warehouse,
) -> None:
    compact(filled, at(9), 5.0, n_kept_raw=0)
    before = asked(filled, NUMBERS)
    scribble(filled.path)
    assert keep_up(filled, 5.0).mended is not None
    assert asked(filled, NUMBERS) == before
    assert damage_of(filled.path) == ""

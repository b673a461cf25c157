"""What the judge is told of earlier runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from data.records.evidence import History
from data.records.plan import Baseline
from data.store.connect import Connection, in_memory
from data.store.fold import fold
from data.store.history import Before, history_of
from data.store.load import bundle_of, store
from tests.store.runs import at, cell, failed_probe, plan_with, run, started, test_result, verdict


@pytest.fixture
def connection() -> Iterator[Connection]:
    with in_memory() as connection:
        yield connection


def put(connection: Connection, *runs: list) -> None:  # type: ignore[type-arg]
    for facts in runs:
        store(connection, bundle_of(facts[0].run_id, fold(facts)))


def ask(connection: Connection, n: int, n_baseline: int = 20, **kept: Any) -> History:
    before = Before("shop", "staging", f"run-{n}", at(n))
    return history_of(connection, before, Baseline(runs=n_baseline, **kept))


def names(history: History) -> list[str]:
    return [run.run_id for run in history.baseline]


def test_a_first_deployment_has_none(connection: Connection) -> None:
    assert ask(connection, 1) == History()


def test_the_baseline_is_the_newest_promoted_runs_before_this_one(connection: Connection) -> None:
    put(connection, run(1), run(2, "HOLD"), run(3), run(4, "ROLL_BACK"), run(5), run(6), run(7))
    assert names(ask(connection, 6)) == ["run-5", "run-3", "run-1"]
    assert names(ask(connection, 6, n_baseline=2)) == ["run-5", "run-3"]


def test_other_plans_and_environments_are_strangers(connection: Connection) -> None:
    other = [started(1, plan="mail"), *run(1)[1:]]
    put(connection, other)
    assert ask(connection, 5) == History()


def test_baseline_samples_are_those_that_ended_well_by_metric(connection: Connection) -> None:
    facts = [
        f.model_copy(update={"ok": False}) if getattr(f, "value", 0) == 20.0 else f for f in run(1)
    ]
    put(connection, facts)
    (one,) = ask(connection, 2).baseline
    assert one.samples == {"message": tuple(float(v) for v in range(1, 20))}
    assert one.failed == {"message": (1, 20)}


@pytest.mark.parametrize(
    ("rule", "outcome", "is_yardstick"),
    [
        ("shift(message) < 10 %", "FAIL", False),
        ("shift(message) < 10 %", "PASS", True),
        ("shift(message) < 10 %", "NOT_EVALUATED", True),
        ("p95(message) < +10 %", "FAIL", False),
        ("p95(message) < 2 s or shift(message) < 5 %", "FAIL", False),
        ("p95(message) < 2 s", "FAIL", True),
    ],
)
def test_a_run_watched_for_a_shift_is_no_yardstick(
    connection: Connection, rule: str, outcome: str, is_yardstick: bool
) -> None:
    facts = [started(1, plan_with(rule)), verdict(1, "PROMOTE_WITH_WATCH", [("speed", outcome)])]
    put(connection, facts)
    assert bool(names(ask(connection, 2))) is is_yardstick


def test_a_run_that_people_found_bad_is_forgotten(connection: Connection) -> None:
    put(connection, run(1), run(2))
    connection.execute("INSERT INTO store.labels VALUES ('run-2', 'bad', '', 'ann', now())")
    history = ask(connection, 3)
    assert names(history) == ["run-1"]
    assert history.known_good is not None and history.known_good.run_id == "run-1"


def test_known_good_is_the_newest_plain_promote_else_the_newest_watch(
    connection: Connection,
) -> None:
    put(connection, run(1, "PROMOTE_WITH_WATCH"), run(2, "PROMOTE_WITH_WATCH"))
    first = ask(connection, 9).known_good
    put(connection, run(3), run(4, "PROMOTE_WITH_WATCH"))
    second = ask(connection, 9).known_good
    assert first is not None and (first.run_id, first.revision) == ("run-2", "rev-2")
    assert second is not None and (second.run_id, second.revision) == ("run-3", "rev-3")


def test_known_good_names_a_revision_or_nothing(connection: Connection) -> None:
    seen_only = [started(1, revision=None), *run(1)[1:]]
    unknown = [started(2, revision=None), verdict(2)]
    put(connection, seen_only)
    good = ask(connection, 9).known_good
    assert good is not None and good.revision == "rev-1"  # the only revision that answered
    put(connection, unknown)
    assert ask(connection, 9).known_good is None


def test_signatures_of_known_good_are_of_final_failures_only(connection: Connection) -> None:
    more = (
        test_result(1, "flaky", "FAIL", 1, signature="s-flaky"),
        test_result(1, "flaky", "PASS", 2),
        test_result(1, "red", "ERROR", signature="s-red"),
        test_result(1, "unsigned", "FAIL"),
        failed_probe(1, "s-probe"),
    )
    put(connection, run(1, "PROMOTE", *more))
    history = ask(connection, 2)
    assert history.known_good is not None
    assert history.known_good.signatures == ("s-probe", "s-red")
    assert history.first_seen == {"s-flaky": "dep-1", "s-red": "dep-1", "s-probe": "dep-1"}


def test_a_signature_is_first_seen_in_the_oldest_run_whatever_came_of_it(
    connection: Connection,
) -> None:
    for n in (3, 1, 2):
        put(connection, run(n, "HOLD", test_result(n, "c", "FAIL", signature="s")))
    assert ask(connection, 3).first_seen == {"s": "dep-1"}
    assert ask(connection, 3).last_seen == {"s": "dep-2"}
    assert ask(connection, 1).first_seen == {}


def test_tests_and_cells_are_of_the_last_promoted_run_and_the_last_audit(
    connection: Connection,
) -> None:
    put(
        connection,
        run(1, "PROMOTE", cell(1, "a", True)),
        run(2, "PROMOTE", cell(2, "a", False)),
        run(3),
    )
    put(connection, run(4, "HOLD", test_result(4, "new", "FAIL")))
    history = ask(connection, 5)
    assert history.tests == {"p1/chat": ("a", "b")}
    assert history.sensitivity == (cell(2, "a", False),)


def test_the_anchor_is_what_was_promoted_in_its_window_and_is_older(
    connection: Connection,
) -> None:
    put(connection, *(run(n, "HOLD" if n == 4 else "PROMOTE") for n in range(1, 10)))
    history = ask(connection, 10, n_baseline=3, anchor="8h")
    assert names(history) == ["run-9", "run-8", "run-7"]
    assert [r.run_id for r in history.anchor] == ["run-6", "run-5", "run-3", "run-2"]
    assert all(r.at is not None and r.samples for r in history.anchor)


def test_a_long_anchor_is_thinned_evenly_and_keeps_its_ends(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("data.store.history._N_ANCHOR", 3)
    put(connection, *(run(n) for n in range(1, 10)))
    found = [r.run_id for r in ask(connection, 10, n_baseline=2).anchor]
    assert found == ["run-7", "run-4", "run-1"]


def test_the_reference_is_the_promoted_run_of_that_name(connection: Connection) -> None:
    put(connection, run(1), run(2, "HOLD"), run(3))
    frozen = ask(connection, 4, n_baseline=1, reference="run-1").reference
    assert frozen is not None and frozen.run_id == "run-1"
    assert ask(connection, 4, reference="run-2").reference is None
    assert ask(connection, 1, reference="run-1").reference is None

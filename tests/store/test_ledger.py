"""How deployments turned out: what labels say by themselves, and criteria that never decide."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from data.records.facts import Fact, RunStarted
from data.records.verdict import Verdict
from data.store.connect import Connection, in_memory
from data.store.fold import fold
from data.store.load import bundle_of, store
from tests.store.runs import at, run, verdict


@pytest.fixture
def connection() -> Iterator[Connection]:
    with in_memory() as connection:
        yield connection


def put(
    connection: Connection, n: int, revision: str, word: str, rule: str = "", **said: Any
) -> None:
    facts: list[Fact] = []
    for fact in run(n, word):
        if isinstance(fact, RunStarted):
            fact = fact.model_copy(update={"revision": revision, **said})
        if isinstance(fact, Verdict):
            fact = fact.model_copy(update={"rule": rule})
        facts.append(fact)
    store(connection, bundle_of(f"run-{n}", fold(facts)))


def labels(connection: Connection) -> dict[str, tuple[str, str]]:
    found = connection.execute("SELECT run_id, label, source FROM labels ORDER BY run_id")
    return {run_id: (label, source) for run_id, label, source in found.fetchall()}


HISTORIES: dict[str, tuple[list[tuple[str, str]], dict[str, tuple[str, str]]]] = {
    "nothing disagreed": ([("a", "PROMOTE"), ("b", "PROMOTE")], {}),
    "an earlier revision came back": (
        [("a", "PROMOTE"), ("b", "PROMOTE"), ("a", "PROMOTE")], {"run-2": ("bad", "rollback")}),
    "a later run of it was red": (
        [("a", "PROMOTE"), ("b", "PROMOTE_WITH_WATCH"), ("b", "ROLL_BACK")],
        {"run-2": ("bad", "later_run")}),
    "held, then promoted": ([("a", "HOLD"), ("a", "PROMOTE")], {"run-1": ("good", "later_run")}),
    "rolled back, as the gate said": ([("a", "PROMOTE"), ("b", "ROLL_BACK"), ("a", "PROMOTE")], {}),
    "promoted, red, promoted": (
        [("a", "PROMOTE"), ("a", "HOLD"), ("a", "PROMOTE")], {"run-2": ("good", "later_run")}),
    "superseded says nothing": ([("a", "PROMOTE"), ("a", "SUPERSEDED")], {}),
    "held twice": ([("a", "HOLD"), ("a", "HOLD")], {}),
}  # fmt: skip


@pytest.mark.parametrize("name", HISTORIES)
def test_what_happened_later_labels_a_verdict(connection: Connection, name: str) -> None:
    history, expected = HISTORIES[name]
    for n, (revision, word) in enumerate(history, 1):
        put(connection, n, revision, word)
    assert labels(connection) == expected


def test_a_p1_incident_later_makes_an_approval_bad_and_missing_evidence_does_not(
    connection: Connection,
) -> None:
    put(connection, 1, "a", "PROMOTE")
    put(connection, 2, "a", "HOLD", "P1 NOT_RUN p1/chat: cut off → HOLD")
    assert labels(connection) == {}
    put(connection, 3, "a", "HOLD", "P1 FAIL p1/chat: 1 failed → HOLD")
    assert labels(connection) == {"run-1": ("bad", "later_run")}


def test_imports_and_audits_label_nothing(connection: Connection) -> None:
    put(connection, 1, "a", "PROMOTE")
    put(connection, 2, "a", "ROLL_BACK", purpose="audit")
    assert labels(connection) == {}


def test_a_person_beats_what_happened_by_itself_and_is_counted_apart(
    connection: Connection,
) -> None:
    for n, revision in enumerate("aba", 1):
        put(connection, n, revision, "PROMOTE")
    ask = (
        "SELECT n_false_promote, n_auto_false_promote, wrong_share, minutes_per_check "
        "FROM gate_accuracy"
    )
    (found,) = connection.execute(ask).fetchall()
    assert found[:3] == (0, 1, None) and found[3] == pytest.approx(1 / 3)
    connection.execute("INSERT INTO store.labels VALUES ('run-2', 'good', 'fine', 'ann', now())")
    assert labels(connection) == {"run-2": ("good", "person")}
    assert connection.execute(ask).fetchall()[0][:3] == (0, 0, 0.0)


def test_criteria_that_decided_nothing_in_ninety_days_are_listed(connection: Connection) -> None:
    day = 24
    marks = {0: ("FAIL", "PASS"), 80: ("PASS", "FAIL"), 100: ("PASS", "PASS")}
    for n, (old, young) in marks.items():
        facts = [f for f in run(n * day) if not isinstance(f, Verdict)]
        told = verdict(n * day, "HOLD", [("old", old), ("young", young)])
        store(connection, bundle_of(f"run-{n * day}", fold([*facts, told])))
    found = connection.execute(
        "SELECT criterion, n_runs, epoch(last_fired_at) FROM idle_criteria"
    ).fetchall()
    assert found == [("old", 2, at(0).timestamp())]

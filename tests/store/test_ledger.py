"""How deployments turned out: what labels say by themselves, and criteria that never decide."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import pytest

from data.records.approval import Decision
from data.records.facts import Fact, RunStarted
from data.records.verdict import Acted, Verdict
from data.records.words import VerdictWord
from data.rules.deciding import settled
from data.rules.returning import Served, is_return
from data.store import migrate
from data.store.connect import Connection, in_memory
from data.store.fold import fold
from data.store.history import Before
from data.store.load import bundle_of, store
from data.store.serving import served_before
from tests.store.runs import at, run, started, verdict


@pytest.fixture
def connection() -> Iterator[Connection]:
    with in_memory() as connection:
        yield connection


def put(
    connection: Connection,
    n: int,
    revision: str,
    word: str,
    rule: str = "",
    decided: str = "",
    **said: Any,
) -> None:
    """One run, which records whether it goes back as every run does when it is judged."""
    before = Before(said.get("plan", "shop"), "staging", f"run-{n}", at(n))
    told = {"is_rollback": is_return(revision, served_before(connection, before))}
    facts: list[Fact] = []
    for fact in run(n, word, tests=False):
        if isinstance(fact, RunStarted):
            fact = fact.model_copy(update={"revision": revision, **told, **said})
        if isinstance(fact, Verdict):
            proven = verdict(n, word, [("p1/chat", "PASS")]).criteria
            fact = fact.model_copy(update={"rule": rule, "criteria": proven})
        facts.append(fact)
    if decided:
        facts.append(decision(n, word, decided))
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
    "an earlier revision came back, and forward again": (
        [("a", "PROMOTE"), ("b", "PROMOTE"), ("a", "PROMOTE"), ("b", "PROMOTE")],
        {"run-2": ("bad", "rollback")}),
    "what was held had not served": ([("a", "HOLD"), ("b", "PROMOTE"), ("a", "HOLD")], {}),
    "back over what was held": (
        [("a", "PROMOTE"), ("b", "PROMOTE"), ("c", "HOLD"), ("a", "PROMOTE")],
        {"run-2": ("bad", "rollback")}),
    "a return that was tried again": (
        [("z", "PROMOTE"), ("a", "PROMOTE"), ("b", "PROMOTE"), ("a", "HOLD"), ("c", "HOLD"), ("a", "HOLD")],
        {"run-3": ("bad", "rollback")}),
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


def test_what_the_gate_rolled_back_to_serves_and_its_next_run_is_a_return(
    connection: Connection,
) -> None:
    put(connection, 1, "z", "PROMOTE")
    put(connection, 2, "a", "PROMOTE")
    facts = [*run(3, "ROLL_BACK"), *(acted("roll back to a", word) for word in ("failed", "done"))]
    store(connection, bundle_of("run-3", fold(facts)))
    before = Before("shop", "staging", "run-4", at(4))
    line = served_before(connection, before)
    assert line == (Served("z"), Served("a"), Served("a", rolled_back=True))
    put(connection, 4, "a", "PROMOTE")
    asked = "SELECT run_id FROM runs WHERE is_rollback"
    assert connection.execute(asked).fetchall() == [("run-4",)]
    assert labels(connection) == {}  # z is not what a came back from


# history (revision, verdict, what a person decided) → labels
DECIDED: dict[str, tuple[list[tuple[str, str, str]], dict[str, tuple[str, str]]]] = {
    "promoted by a person, and went back": (
        [("a", "PROMOTE", ""), ("b", "HOLD", "promote"), ("a", "PROMOTE", "")],
        {"run-2": ("bad", "rollback")}),
    "held by a person, so nothing went back": (
        [("a", "PROMOTE", ""), ("b", "PROMOTE_WITH_WATCH", "hold"), ("a", "PROMOTE", "")], {}),
    "back over what a person held": (
        [("a", "PROMOTE", ""), ("b", "PROMOTE", ""), ("c", "PROMOTE_WITH_WATCH", "hold"),
         ("a", "PROMOTE", "")],
        {"run-2": ("bad", "rollback")}),
    "back over what a person promoted": (
        [("a", "PROMOTE", ""), ("b", "PROMOTE", ""), ("c", "HOLD", "promote"), ("a", "PROMOTE", "")],
        {"run-3": ("bad", "rollback")}),
    "what a person held approves no earlier run": (
        [("a", "HOLD", ""), ("a", "PROMOTE_WITH_WATCH", "hold")], {}),
    "a person's promotion is no later run": ([("a", "HOLD", ""), ("a", "HOLD", "promote")], {}),
    "promoted by a person, then by the gate": (
        [("a", "HOLD", "promote"), ("a", "PROMOTE", "")], {"run-1": ("good", "later_run")}),
    "promoted by a person, then red": ([("a", "HOLD", "promote"), ("a", "ROLL_BACK", "")], {}),
}  # fmt: skip


def test_what_a_person_decided_says_what_served(connection: Connection) -> None:
    wanted, n = {}, 0
    for name, (history, expected) in DECIDED.items():
        wanted |= {f"run-{n + int(run.removeprefix('run-'))}": one for run, one in expected.items()}
        for revision, word, decided in history:
            n += 1
            put(connection, n, revision, word, decided=decided, plan=name)
    assert labels(connection) == wanted


def test_the_view_of_what_served_is_the_rule_of_what_is_settled(connection: Connection) -> None:
    criteria: list[list[tuple[str, str]]] = [
        [], [("p1/a", "PASS"), ("p1/b", "FLAKY")], [("p1/a", "FAIL"), ("p1/b", "PASS")],
    ]  # fmt: skip
    hows, hashes = ("waiting", "prefect", "cli", "time-out"), ("", "other")
    hours = (0, 2)  # before and after the verdict
    ways = [None, *product(("HOLD", "PROMOTE"), ("promote", "hold"), hows, hashes, hours)]
    wanted, verdicts, decisions = {}, [], []
    for n, (word, marks, way) in enumerate(product(VerdictWord, criteria, ways)):
        said, told = verdict(1, word, marks), decision(1, *way) if way else None
        wanted[f"run-{n}"] = (word.approves, settled(said, told).approves)
        verdicts.append(said.model_dump(mode="json") | {"run_id": f"run-{n}"})
        decisions += [told.model_dump(mode="json") | {"run_id": f"run-{n}"}] if told else []
    for table, rows in (("verdict", verdicts), ("decision", decisions)):
        fields = ("run_id", "verdict", "input_hash", "criteria", "decision", "how", "at")
        known = {
            name: json.dumps([row[name] for row in rows]) for name in fields if name in rows[0]
        }
        kinds = {"criteria": "JSON[]", "at": "TIMESTAMPTZ[]"}
        each = ", ".join(
            f"unnest(CAST(${name}::JSON AS {kinds.get(name, 'VARCHAR[]')})) AS '{name}'"
            for name in known
        )
        connection.execute(f"INSERT INTO store.{table} BY NAME SELECT {each}", known)
    rows = connection.execute("SELECT run_id, approved, served FROM store.served").fetchall()
    assert {run_id: (approved, served) for run_id, approved, served in rows} == wanted
    assert {(False, True), (True, False)} <= set(wanted.values())


def decision(
    n: int, word: str, decided: str, how: Any = "cli", input_hash: str = "", hours: int = 1
) -> Decision:
    return Decision(
        run_id=f"run-{n}", verdict=VerdictWord(word), input_hash=input_hash, decision=decided,
        by="Ann", reason="known", how=how, at=at(n + hours),
    )  # fmt: skip


def acted(action: str, outcome: str) -> Acted:
    return Acted(run_id="run-3", action=action, outcome=outcome, at=at(3, 55))


def test_the_migration_marks_runs_of_the_past_by_the_same_rule(connection: Connection) -> None:
    draw, expected, n = Random(5), set(), 0
    for plan in (f"plan-{k}" for k in range(30)):
        line: list[Served] = []
        for _ in range(draw.randrange(3, 9)):
            n, revision = n + 1, draw.choice("abc")
            word = draw.choice(("PROMOTE", "PROMOTE_WITH_WATCH", "HOLD", "ROLL_BACK"))
            _past(connection, plan, n, revision, word)
            if is_return(revision, line):
                expected.add(f"run-{n}")
            if word.startswith("PROMOTE"):
                line.append(Served(revision))
            elif word == "ROLL_BACK" and line and draw.random() < 0.7:
                line.append(Served(line[0].revision, rolled_back=True))
                action = [f"run-{n}", f"roll back to {line[0].revision}", at(n, 30)]
                put_acted = "INSERT INTO store.acted (run_id, action, outcome, \"at\") VALUES (?, ?, 'done', ?)"
                connection.execute(put_acted, action)
    connection.execute((MIGRATIONS / "0011_returns.sql").read_text(encoding="utf-8"))
    asked = (
        "SELECT run_id, is_rollback, body FROM store.run"
        " WHERE is_rollback OR json_extract(body, '$.is_rollback')::BOOLEAN"
    )
    found = connection.execute(asked).fetchall()
    assert {row[0] for row in found} == expected and len(expected) > 10
    for _, typed, body in found:
        fact = RunStarted.model_validate_json(body)
        assert (typed, fact.is_rollback, fact.plan_json) == (True, True, PLAN_JSON)


PLAN_JSON = json.dumps({"note": '"is_rollback":false'})
MIGRATIONS = Path(migrate.__file__).parent / "migrations"


def _past(connection: Connection, plan: str, n: int, revision: str, word: str) -> None:
    fact = started(n, PLAN_JSON, revision, plan)
    connection.execute(
        "INSERT INTO store.run (run_id, plan, environment, revision, started_at, is_rollback, body)"
        " VALUES (?, ?, ?, ?, ?, false, ?)",
        [fact.run_id, plan, fact.environment, revision, at(n), fact.model_dump_json()],
    )
    connection.execute(
        'INSERT INTO store.verdict (run_id, verdict, "at") VALUES (?, ?, ?)',
        [fact.run_id, word, at(n, 20)],
    )

"""The recorded history, imported: what the views name is what the file says, counted by hand."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from data.store.warehouse import Warehouse
from flows.imported import source_of
from flows.tabled import import_tables
from tests.docs.views import PAGE
from tests.history import HISTORY, MAPPED, SESSIONS, needs_history

pytestmark = [needs_history, pytest.mark.soak]  # the import takes half a minute and more

Test = tuple[str, str]  # suite and test id
WORDS = {"passed": "PASS", "failed": "FAIL", "skipped": "SKIPPED"}


class Row(NamedTuple):
    """One line of the file: a test in one run, which is told by its time and revision."""

    at: str
    revision: str
    test: Test
    outcome: str
    error: str


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    path = tmp_path_factory.mktemp("history") / "w.duckdb"
    source = source_of(
        format="results", files=(str(HISTORY), str(SESSIONS)), plan="netra",
        environment="staging", warehouse=str(path),
    )  # fmt: skip
    done = import_tables(source, MAPPED)
    tests, sessions = lines(HISTORY), lines(SESSIONS)
    assert (done.n_tests, done.n_totals, done.n_rejected) == (len(tests), len(sessions), 0)
    assert done.n_runs == done.n_new == len(runs_in(tests) | runs_in(sessions))
    told = Counter(WORDS[row["outcome"]] for row in tests)
    assert done.outcomes == told
    again = import_tables(source, MAPPED)
    assert again == done.model_copy(update={"n_new": 0})
    return Warehouse(path)


def lines(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as text:
        return list(csv.DictReader(text))


def runs_in(rows: list[dict[str, str]]) -> set[tuple[str, str]]:
    return {(row["generated"], row["commit"]) for row in rows}


@pytest.fixture(scope="module")
def told() -> list[Row]:
    return sorted(read(), key=lambda row: (row.at, row.revision))


def read() -> Iterator[Row]:
    """The file's rows; a name that one run tells twice is a second test of that name."""
    seen: Counter[tuple[str, ...]] = Counter()
    with HISTORY.open(newline="") as file:
        for row in csv.DictReader(file):
            run, test = (row["generated"], row["commit"]), (row["file"], row["test"])
            seen[*run, *test] += 1
            again = f"#{seen[*run, *test]}" if seen[*run, *test] > 1 else ""
            name = (test[0], f"{test[1]}{again}")
            yield Row(*run, name, row["outcome"], row["error"])


def by_test(told: list[Row]) -> dict[Test, list[Row]]:
    """Each test's rows in order of time, without those that were skipped."""
    found: dict[Test, list[Row]] = defaultdict(list)
    for row in told:
        if row.outcome != "skipped":
            found[row.test].append(row)
    return found


def asked(warehouse: Warehouse, title: str) -> list[dict[str, Any]]:
    """Every row of a question of the cookbook."""
    sql = PAGE.read_text().split(f"\n## {title}\n")[1].split("```sql\n")[1].split("```")[0]
    columns, rows = warehouse.query(sql)
    return [dict(zip(columns, row, strict=True)) for row in rows]


def test_the_streak_of_each_red_test_began_where_the_file_says(
    warehouse: Warehouse, told: list[Row]
) -> None:
    expected = {}
    for test, rows in by_test(told).items():
        streak = 0
        while streak < len(rows) and rows[-1 - streak].outcome == "failed":
            streak += 1
        if streak:
            good = rows[-1 - streak].revision if streak < len(rows) else None
            expected[test] = (rows[-streak].revision, rows[-streak].at, good, streak)
    sql = (
        "SELECT suite, test_id, first_bad_revision, strftime(first_bad_at, '%Y-%m-%d %H:%M:%S'),"
        " last_good_revision, n_runs_bad FROM first_bad_deployment"
    )
    _, rows = warehouse.query(sql)
    assert {(suite, name): tuple(rest) for suite, name, *rest in rows} == expected
    assert len(expected) > 100


@pytest.mark.parametrize("code", ["1011", "HTTP 503", "HTTP 403", "status 401"])
def test_where_a_kind_of_failure_began_is_what_the_file_says(
    warehouse: Warehouse, told: list[Row], code: str
) -> None:
    rows = [row for row in told if row.outcome == "failed" and code in row.error]
    found = [
        r for r in asked(warehouse, "When each failure of a test began") if code in r["signature"]
    ]
    first = min(found, key=lambda r: (r["first_at"], r["first_revision"]))
    assert (first["first_revision"], f"{first['first_at']:%Y-%m-%d %H:%M:%S}") == (
        rows[0].revision,
        rows[0].at,
    )


def test_closes_with_1011_began_with_the_deployment_that_the_file_names(
    warehouse: Warehouse,
) -> None:
    found = [
        r
        for r in asked(warehouse, "When each failure of a test began")
        if "received 1011" in r["signature"]
    ]
    first = min(found, key=lambda r: r["first_at"])
    assert first["first_revision"] == "1131c97c2"
    assert not [
        r for r in found if "cleanup" in r["signature"]
    ]  # that close is in no row of the file


def test_totals_are_told_as_in_the_file_and_confirmed_where_its_tests_say_the_same(
    warehouse: Warehouse,
) -> None:
    counted: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for row in lines(HISTORY):
        counted[row["generated"], row["commit"]][row["outcome"]] += 1
    expected = {}
    for row in lines(SESSIONS):
        run, told = (row["generated"], row["commit"]), [row[name] for name in ("total", *WORDS)]
        seen = counted.get(run)
        same = seen and [str(seen.total()), *(str(seen[name]) for name in WORDS)] == told
        expected[run] = (
            *(int(text) if text else None for text in told),
            bool(same) if seen else None,
        )
    _, rows = warehouse.query(
        "SELECT strftime(started_at, '%Y-%m-%d %H:%M:%S'), revision, n_told, n_told_passed,"
        " n_told_failed, n_told_skipped, is_confirmed FROM reported_totals"
    )
    assert {tuple(row[:2]): tuple(row[2:]) for row in rows} == expected
    assert {row[-1] for row in rows} == {True, False, None}


def test_flaky_are_those_that_changed_their_mind_on_one_revision(
    warehouse: Warehouse, told: list[Row]
) -> None:
    runs: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for row in told:
        runs[row.at, row.revision][row.outcome] += 1
    outages = {run for run, n in runs.items() if n["failed"] > 0.8 * n.total()}
    expected = {}
    for test, rows in by_test(told).items():
        on: dict[str, list[bool]] = defaultdict(list)
        for row in rows:
            if (row.at, row.revision) not in outages:
                on[row.revision].append(row.outcome == "failed")
        pairs = [pair for reds in on.values() for pair in pairwise(reds)]
        if n_flips := sum(one != next_one for one, next_one in pairs):
            expected[test] = (n_flips, len(pairs))
    _, found = warehouse.query("SELECT suite, test_id, n_flips, n_flip_chances FROM flaky_tests")
    assert {(suite, name): (n, of) for suite, name, n, of in found} == expected
    # each revision was run once, or nearly: the file cannot tell a flake from a change
    assert len(runs) - len({revision for _, revision in runs}) < 10


def test_those_that_keep_turning_are_those_of_the_file(
    warehouse: Warehouse, told: list[Row]
) -> None:
    expected = {}
    for test, rows in by_test(told).items():
        reds = [row.outcome == "failed" for row in rows]
        n_turns = sum(one != then for one, then in pairwise(reds))
        if n_turns >= 1:
            expected[test] = (round(n_turns / (len(reds) - 1), 3), len(reds), n_turns)
    found = asked(warehouse, "Tests that keep turning, whatever the revision")
    named = {
        (r["suite"], r["test_id"]): (r["turn_share"], r["n_runs"], r["n_turns"]) for r in found
    }
    assert len(named) == 20 and named.items() <= expected.items()
    assert sorted(named.values())[0][:2] >= sorted(expected.values())[-20][:2]


def test_those_that_never_failed_are_those_of_the_file(
    warehouse: Warehouse, told: list[Row]
) -> None:
    outcomes: dict[Test, list[str]] = defaultdict(list)
    for row in told:
        outcomes[row.test].append(row.outcome)
    expected = {t: len(o) for t, o in outcomes.items() if len(o) > 1 and set(o) == {"passed"}}
    found = asked(warehouse, "Tests that never failed")
    assert {(r["suite"], r["test_id"]): r["n_runs"] for r in found} == expected
    assert [r["n_runs"] for r in found] == sorted(expected.values(), reverse=True)

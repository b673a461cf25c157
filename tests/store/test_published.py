"""Analysts at work while runs end: neither waits for the other, and nobody misses a row."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from random import Random

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.records.facts import Fact
from data.store.connect import Connection, in_memory
from data.store.derived import TABLES
from data.store.facts import KINDS
from data.store.fold import fold
from data.store.load import bundle_of, store
from data.store.published import published_path
from data.store.warehouse import Warehouse
from tests.store.runs import run, test_result

ANALYST = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1], read_only=sys.argv[2] == "reads")
if sys.argv[2] == "writes":
    connection.execute("CREATE TABLE mine AS SELECT 1")
print("open", flush=True)
for _ in sys.stdin:
    print(connection.execute("SELECT count(*) FROM runs").fetchone()[0], flush=True)
"""


def spooled(warehouse: Warehouse, n: int) -> None:
    with warehouse.open_spool(f"run-{n}") as spool:
        spool.append_all(run(n))


@contextmanager
def analyst(path: Path, mode: str = "reads") -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", ANALYST, str(path), mode],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout and process.stdout.readline() == "open\n"
        yield process
    finally:
        process.kill()
        process.wait()


def n_runs_of(process: subprocess.Popen[str]) -> int:
    assert process.stdin and process.stdout
    process.stdin.write("\n")
    process.stdin.flush()
    return int(process.stdout.readline())


def n_runs_in(path: Path) -> int:
    with duckdb.connect(str(path), read_only=True) as connection:
        row = connection.execute("SELECT count(*) FROM runs").fetchone()
    assert row is not None
    return int(row[0])


def test_an_analyst_of_the_copy_keeps_nobody_out_and_the_next_one_sees_the_run(
    warehouse: Warehouse,
) -> None:
    spooled(warehouse, 1)
    assert warehouse.take_in()
    with analyst(published_path(warehouse.path)) as early:
        spooled(warehouse, 2)
        assert warehouse.take_in()
        assert n_runs_of(early) == 1  # whole, as it was opened
        assert n_runs_in(published_path(warehouse.path)) == 2


def test_what_an_analyst_writes_into_the_copy_is_gone_with_the_next_one(
    warehouse: Warehouse,
) -> None:
    warehouse.commit(run(1))
    copy = published_path(warehouse.path)
    copy.chmod(0o644)
    with analyst(copy, "writes"):
        assert copy.with_name(f"{copy.name}.wal").exists()
        warehouse.commit(run(2))
        assert n_runs_in(copy) == 2


def test_a_held_warehouse_costs_a_run_no_time_and_a_reader_no_row(warehouse: Warehouse) -> None:
    warehouse.commit(run(1))
    with analyst(warehouse.path):
        spooled(warehouse, 2)
        began = time.monotonic()
        assert not warehouse.take_in()
        assert time.monotonic() - began < 5  # it would wait 10 s for the lock
        assert warehouse.query("SELECT run_id FROM runs ORDER BY 1")[1] == [("run-1",), ("run-2",)]
        assert warehouse.history("shop", "staging", "run-3").readable
    assert warehouse.take_in()
    assert n_runs_in(published_path(warehouse.path)) == 2


def test_a_copy_that_cannot_be_made_leaves_the_commit_and_the_old_copy(
    warehouse: Warehouse,
) -> None:
    warehouse.commit(run(1))
    copy = published_path(warehouse.path)
    (copy.parent / f".{copy.name}.new").mkdir()  # in the way
    warehouse.commit(run(2))
    assert (n_runs_in(warehouse.path), n_runs_in(copy)) == (2, 1)


WRITER = """
import sys, time
from pathlib import Path
from data.store.warehouse import Warehouse
from tests.store.runs import run, test_result
warehouse = Warehouse(Path(sys.argv[1]))
first, n_runs, n_tests = map(int, sys.argv[2:])
for n in range(first, first + n_runs):
    tests = [test_result(n, f"t{i}", "PASS") for i in range(n_tests)]
    began = time.perf_counter()
    with warehouse.open_spool(f"run-{n}") as spool:
        spool.append_all([*run(n), *tests])
    print(time.perf_counter() - began, flush=True)
    warehouse.take_in()
"""


def writer(warehouse: Warehouse, first: int, n_runs: int, n_tests: int) -> subprocess.Popen[str]:
    numbers = map(str, (first, n_runs, n_tests))
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(warehouse.path), *numbers],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def writers(warehouse: Warehouse, n: int, n_runs: int, n_tests: int) -> list[subprocess.Popen[str]]:
    return [writer(warehouse, i * n_runs, n_runs, n_tests) for i in range(n)]


def n_tests_in(path: Path) -> tuple[int, int]:
    with duckdb.connect(str(path), read_only=True) as connection:
        row = connection.execute(
            "SELECT count(*), count(DISTINCT (run_id, test_id)) FROM store.test"
        ).fetchone()
    assert row is not None
    return row[0], row[1]


def test_the_last_of_many_processes_leaves_nothing_behind(warehouse: Warehouse) -> None:
    processes = writers(warehouse, 4, 2, 10)
    assert [p.wait(60) for p in processes] == [0] * 4
    # nobody looks afterwards: whoever found it busy was seen by who held it
    assert n_runs_in(published_path(warehouse.path)) == 8
    assert n_tests_in(warehouse.path) == (96, 96)


@pytest.mark.soak
def test_200_kills_at_any_moment_lose_and_double_nothing(warehouse: Warehouse) -> None:
    chance, acknowledged = Random(18), 0
    for kill in range(200):
        process = writer(warehouse, kill * 50, 50, 10)
        assert process.stdout and process.stdout.readline()
        time.sleep(chance.uniform(0, 0.4))
        process.kill()
        acknowledged += 1 + len(process.stdout.read().splitlines())
        process.wait()
    while not warehouse.take_in():
        time.sleep(0.1)
    with duckdb.connect(str(warehouse.path), read_only=True) as connection:
        sizes = connection.execute(
            "SELECT count(*), count(DISTINCT (phase, suite, test_id, attempt)) "
            "FROM store.test JOIN store.verdict USING (run_id) GROUP BY run_id"
        ).fetchall()
        whole = [row for row in sizes if row == (12, 12)]
    assert len(whole) >= acknowledged
    assert all(n == distinct <= 12 for n, distinct in sizes)


READER = """
import sys
from pathlib import Path
from data.store.warehouse import Warehouse
warehouse = Warehouse(Path(sys.argv[1]))
while True:
    warehouse.query("SELECT count(*) FROM tests")
    print(".", end="", flush=True)
"""


@pytest.mark.soak
def test_32_processes_4_readers_and_a_held_session_lose_and_double_nothing(
    warehouse: Warehouse,
) -> None:
    warehouse.commit(run(10_000))
    readers = [
        subprocess.Popen(
            [sys.executable, "-c", READER, str(warehouse.path)], stdout=subprocess.DEVNULL
        )
        for _ in range(4)
    ]
    try:
        with analyst(published_path(warehouse.path)) as held:
            processes = writers(warehouse, 32, 3, 1_000)
            printed = [p.communicate(timeout=500)[0] for p in processes]
            assert [p.returncode for p in processes] == [0] * 32
            assert [r.poll() for r in readers] == [None] * 4
            assert n_runs_of(held) == 1
    finally:
        for reader in readers:
            reader.kill()
            reader.wait()
    latencies = sorted(float(line) for out in printed for line in out.split())
    print(f"commit of 1,000 rows: p99 {latencies[int(len(latencies) * 0.99) - 1] * 1000:.0f} ms")
    while not warehouse.take_in():
        time.sleep(0.1)
    assert n_tests_in(warehouse.path) == (96 * 1_002 + 2,) * 2


def tables(connection: Connection) -> dict[str, list[tuple[object, ...]]]:
    """All that was stored and all that was computed of it; numbers only say what came first."""
    sources = {kind: f'FROM store."{kind}"' for kind in KINDS} | {
        name: f"FROM store.{name} JOIN store.number USING (run_no)" for name in TABLES
    }
    for name in ("ended", "trouble"):
        sources[name] += " JOIN store.test_name USING (test_no)"
    numbers = "COLUMNS(c -> c NOT IN ('run_no', 'test_no'))"
    return {
        name: sorted(connection.execute(f"SELECT {numbers} {source}").fetchall(), key=repr)
        for name, source in sources.items()
    }


JOURNALS: list[list[Fact]] = [
    run(1), run(2)[:8], run(3, "HOLD", test_result(3, "c", "FAIL"), test_result(3, "c", "PASS", 2)),
]  # fmt: skip


@pytest.fixture(scope="module")
def once() -> Iterator[dict[str, list[tuple[object, ...]]]]:
    with in_memory() as connection:
        for facts in JOURNALS:
            store(connection, bundle_of(facts[0].run_id, fold(facts)))
        yield tables(connection)


@settings(max_examples=5, deadline=None)
@given(st.permutations([0, 1, 2]), st.lists(st.sampled_from([0, 1, 2]), max_size=3), st.booleans())
def test_any_order_and_repetition_of_replay_gives_the_same_tables(
    once: dict[str, list[tuple[object, ...]]], order: list[int], again: list[int], lines: bool
) -> None:
    with in_memory() as connection:
        for i in chain(order, again):
            facts = JOURNALS[i] * 2 if lines else JOURNALS[i]  # a journal whose lines came twice
            store(connection, bundle_of(facts[0].run_id, fold(facts)))
        assert tables(connection) == once

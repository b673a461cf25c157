"""`make bench`: the warehouse beside SQLite and PostgreSQL, with the same rows, in one run.

How fast rows go in, how large the file is, and how long the five questions of trends take *through the
documented views*, cold (a new process, the file dropped from the page cache) and warm (median of five).
The peers are asked plain tables with the indexes that fit, and must give the same answers.

`--full`: 10,000 deployments × 1,000 tests and a million samples, and growth at 1, 10 and 30 million.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import duckdb

from data.store.connect import writing
from data.store.derived import fill
from data.store.lock import Deadline
from data.store.warehouse import Warehouse
from tests.many import Many
from tests.many_rows import Size, write_rows
from tests.peers import QUESTIONS, Peer, Postgres, Sqlite, lacks_postgres, postgres

ASKED = {
    "pass rate of the last 50 deployments": (
        "SELECT deployment_id, n_tests, n_passed, n_flaky FROM pass_rate_by_deployment "
        "ORDER BY started_at DESC LIMIT 50"
    ),
    "p95 by journey and deployment, beside the 20 before": (
        "SELECT deployment_id, probe, p95, avg(p95) OVER (PARTITION BY environment, plan, phase, probe, "
        "metric ORDER BY started_at ROWS BETWEEN 20 PRECEDING AND 1 PRECEDING) "
        "FROM metric_by_deployment WHERE p95 IS NOT NULL"
    ),
    "20 flakiest tests over 500 deployments": (
        "SELECT suite, test_id, count(*) AS n, count(*) FILTER (outcome = 'FLAKY') AS n_flaky FROM tests "
        "WHERE started_at >= (SELECT min(started_at) FROM (SELECT started_at FROM runs "
        "ORDER BY started_at DESC LIMIT 500)) AND outcome NOT IN ('NOT_RUN', 'SKIPPED') "
        "GROUP BY ALL ORDER BY n_flaky DESC, test_id LIMIT 20"
    ),
    "first bad deployment of a test": (
        "SELECT first_bad_deployment_id, first_bad_at FROM first_bad_deployment WHERE test_id = {test}"
    ),
    "two deployments compared": (
        "WITH sides AS (SELECT max(deployment_id) FILTER (back = 2) AS a, "
        "max(deployment_id) FILTER (back = 1) AS b FROM (SELECT deployment_id, "
        "row_number() OVER (ORDER BY max(started_at) DESC) AS back FROM runs GROUP BY deployment_id)) "
        "SELECT probe, before.p50, after.p50 "
        "FROM (FROM metric_by_deployment WHERE deployment_id = (SELECT a FROM sides)) AS before "
        "JOIN (FROM metric_by_deployment WHERE deployment_id = (SELECT b FROM sides)) AS after "
        "USING (plan, environment, phase, probe, metric)"
    ),
}
MORE = {"20 flakiest tests of all time": "FROM flaky_tests ORDER BY flaky_share_low DESC LIMIT 20"}
SMALL_FACTS = """
INSERT INTO store.number SELECT run_id, run_no FROM run;
INSERT INTO store.commits SELECT run_id, 0, '', NULL, started_at FROM run;
INSERT INTO store.run BY NAME SELECT 0 AS seq, run_id, 'shop' AS plan, 'staging' AS environment,
    run_id AS deployment_id, revision, false AS is_rollback, started_at FROM run;
INSERT INTO store.run_end BY NAME SELECT 9 AS seq, run_id, started_at + INTERVAL 5 MINUTE AS finished_at FROM run;
INSERT INTO store.deploy BY NAME SELECT 1 AS seq, run_id, 'command' AS deployer, 'PASS' AS outcome, revision,
    map {'api': revision, 'web': revision} AS revisions, started_at AS "at" FROM run;
INSERT INTO store.revision BY NAME SELECT 2 AS seq, run_id, 'end' AS stage, service, revision AS expected,
    [revision] AS seen, started_at AS "at" FROM run, (SELECT unnest(['api', 'web', 'auth', 'mail']) AS service);
INSERT INTO store.phase BY NAME SELECT p AS seq, run_id, 'p' || p AS phase, p AS ordinal, 'P' || p AS priority,
    started_at FROM run, (SELECT unnest([1, 2, 3]) AS p);
INSERT INTO store.verdict BY NAME SELECT 8 AS seq, run_id, 'PROMOTE' AS verdict, started_at AS "at" FROM run;
INSERT INTO store.test BY NAME SELECT t.*, r.run_no IS NOT NULL AS retried, '' AS detail,
    []::VARCHAR[] AS findings FROM test AS t
    LEFT JOIN (SELECT DISTINCT run_no, phase, suite, test_id FROM test WHERE attempt <> 1) AS r
        USING (run_no, phase, suite, test_id) ORDER BY t.run_no, t.seq;
INSERT INTO store.sample BY NAME FROM sample;
"""
COLD = """
import sys, time
import duckdb
connection = duckdb.connect(sys.argv[1], read_only=True)
connection.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
began = time.perf_counter()
connection.execute(sys.argv[2]).fetchall()
print(time.perf_counter() - began)
"""


class Asked(Protocol):
    """Whoever answers SQL."""

    def ask(self, sql: str) -> list[tuple[Any, ...]]: ...


class Ours:
    """The warehouse, loaded with what Parquet files hold and with all that is computed of it."""

    name = "Golden Path"

    def __init__(self, folder: Path, size: Size) -> None:
        self.path = folder / "warehouse.duckdb"
        began = time.perf_counter()
        with writing(self.path, Deadline(1)) as connection:
            for table in ("run", "test", "sample"):
                connection.execute(f"CREATE TEMP VIEW {table} AS FROM '{folder}/{table}.parquet'")
            connection.execute("BEGIN")
            connection.execute(SMALL_FACTS)
            fill(connection, 1, size.n_deployments)
            connection.execute("COMMIT")
        self.load_s = time.perf_counter() - began
        self.size_bytes = self.path.stat().st_size
        self.open()

    def open(self) -> None:
        """For asking; a closed one is opened again."""
        self._connection = duckdb.connect(str(self.path), read_only=True)
        self._connection.execute("SET TimeZone = 'UTC'")

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql).fetchall()

    def cold_ms(self, sql: str) -> float:
        """In a new process, of a file that is not in the page cache."""
        with self.path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        asked = [sys.executable, "-c", COLD, str(self.path), sql]
        return (
            float(subprocess.run(asked, check=True, capture_output=True, text=True).stdout) * 1000
        )

    def close(self) -> None:
        self._connection.close()


def main() -> None:
    """Measure and print tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--full", action="store_true", help="ten million results, and growth to thirty"
    )
    parser.add_argument("--deployments", type=int, default=1_000)
    parser.add_argument("--tests", type=int, default=1_000)
    parser.add_argument("--samples", type=int, default=100_000)
    args = parser.parse_args()
    size = Size(args.deployments, args.tests, args.samples)
    _beside_peers(Size(10_000, 1_000, 1_000_000) if args.full else size)
    growth = (1_000, 10_000, 30_000) if args.full else (100, 300, 1_000)
    _growth([Size(n, 1_000, n * 100) for n in growth])
    _journals()


def _beside_peers(size: Size) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)  # a server of another user reads it
        n_rows = write_rows(folder, size)
        print(f"\n{size.n_deployments:,} deployments × {size.n_tests:,} tests: {n_rows:,} rows")
        ours, sqlite = Ours(folder, size), Sqlite(folder)
        _compare(ours, sqlite, n_rows, size, goals=("≤ 1/4", "≥ 10"))
        if why := lacks_postgres():
            print(f"PostgreSQL: left out, {why}")
        else:
            with postgres(folder) as socket:
                peer = Postgres(folder, socket)
                _compare(ours, peer, n_rows, size, goals=("", "≥ 5"))
                peer.close()
        print("\nCold, in a new process and from disk (goal: ≤ 600 ms):")
        for question, sql in {**ASKED, **MORE}.items():
            print(f"{question:55} {ours.cold_ms(_filled(sql, size, ours)):9.1f} ms")
        ours.close()


def _compare(ours: Ours, peer: Peer, n_rows: int, size: Size, goals: tuple[str, str]) -> None:
    print(f"\n{'':55} {ours.name:>12} {peer.name:>12}")
    rates = (n_rows / one.load_s for one in (ours, peer))
    print(f"{'rows/s in, indexes and all (goal: ≥ 500,000)':55}", *(f"{r:12,.0f}" for r in rates))
    sizes = (ours.size_bytes, peer.size_bytes)
    share = f"ratio {sizes[0] / sizes[1]:.2f} {goals[0] and f'(goal: {goals[0]})'}"
    print(f"{'size, MB':55}", *(f"{b / 1e6:12,.0f}" for b in sizes), share)
    totals = [0.0, 0.0]
    for (question, sql), theirs in zip(ASKED.items(), QUESTIONS, strict=True):
        asked = _filled(sql, size, ours), _filled(theirs, size, ours)
        _require_same(question, ours.ask(asked[0]), peer.ask(asked[1]))
        times = _warm_ms(ours, asked[0], 5), _warm_ms(peer, asked[1], 3)
        totals = [total + ms for total, ms in zip(totals, times, strict=True)]
        print(f"{question:55}", *(f"{ms:9.1f} ms" for ms in times))
    print(f"{'all five, warm (goal: each ≤ 120 ms)':55}", *(f"{ms:9.1f} ms" for ms in totals),
          f"{totals[1] / totals[0]:.1f} × (goal: {goals[1]} ×)")  # fmt: skip


def _filled(sql: str, size: Size, ours: Ours) -> str:
    """With a test that is red now, and the last two runs."""
    row = ours.ask("SELECT min(test_id) FROM first_bad_deployment")[0]
    n = size.n_deployments
    return sql.format(test=f"'{row[0]}'", last=n, second=n - 1, never="'2000-01-01'")


def _require_same(
    question: str, mine: list[tuple[Any, ...]], theirs: list[tuple[Any, ...]]
) -> None:
    """The same rows in any order; each begins with two columns that name it."""
    if not mine:
        raise SystemExit(f"{question}: no row to answer with; take more tests")
    pairs = zip(sorted(map(_plain, mine)), sorted(map(_plain, theirs)), strict=False)
    same = all(all(map(_is_same, a, b)) for a, b in pairs)
    if len(mine) != len(theirs) or not same:
        raise SystemExit(
            f"{question}: {len(mine)} rows here, {len(theirs)} there, and not the same"
        )


def _is_same(a: str | float, b: str | float) -> bool:
    if isinstance(a, str) or isinstance(b, str):
        return a == b
    return math.isclose(a, b, rel_tol=1e-9)


def _plain(row: tuple[Any, ...]) -> tuple[str | float, ...]:
    return tuple(_value(one) for one in row)


def _value(one: Any) -> str | float:
    if isinstance(one, datetime):
        return one.strftime("%Y-%m-%d %H:%M")
    if one is None or isinstance(one, str):
        return (one or "").removesuffix(":00+00")
    return float(one)


def _warm_ms(one: Asked, sql: str, n: int) -> float:
    took = []
    for _ in range(n):
        began = time.perf_counter()
        one.ask(sql)
        took.append(time.perf_counter() - began)
    return statistics.median(took) * 1000


def _growth(sizes: list[Size]) -> None:
    print("\nGrowth, warm ms" + " " * 40, *(f"{s.n_deployments * s.n_tests:>12,}" for s in sizes))
    columns = []
    for size in sizes:
        with tempfile.TemporaryDirectory() as name:
            write_rows(Path(name), size)
            ours = Ours(Path(name), size)
            columns.append(
                [
                    _warm_ms(ours, _filled(q, size, ours), 5)
                    for q in (*ASKED.values(), *MORE.values())
                ]
            )
            ours.close()
    for question, *row in zip((*ASKED, *MORE), *columns, strict=True):
        print(f"{question:55}", *(f"{ms:12.1f}" for ms in row))


def _journals() -> None:
    """The way of a run: its journal, taken in with all checks."""
    with tempfile.TemporaryDirectory() as name:
        warehouse, many = Warehouse(Path(name) / "w.duckdb"), Many(30, 1_000)
        n_facts = 0
        for i in range(many.n):
            facts = list(many.run(i))
            n_facts += len(facts)
            with warehouse.open_spool(facts[0].run_id) as spool:
                spool.append_all(facts)
        began = time.perf_counter()
        warehouse.take_in()
        took = time.perf_counter() - began
    print(
        f"\n{many.n} journals of {n_facts // many.n:,} facts taken in: {n_facts / took:,.0f} facts/s, {took / many.n * 1000:.0f} ms a run"
    )


if __name__ == "__main__":
    main()

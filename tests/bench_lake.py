"""`python -m tests.bench_lake`: a lake of Parquet beside the file it is written from, and its upkeep.

How long the first writing takes, one after a new run, and one with nothing new; how large it is; the five
questions of trends through the same views, over the warehouse and over the lake, which must answer
alike. Arguments: deployments, tests in each. The last part brings the same number of journals to a second
machine through PostgreSQL, where there is a server: the other way to have them somewhere else.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import duckdb

from data.store.connect import writing
from data.store.lake import write_lake
from data.store.lock import Deadline
from data.store.warehouse import Warehouse
from tests import bench_shared
from tests.bench_warehouse import ASKED, MORE, Ours, _filled, _require_same, _warm_ms
from tests.many_rows import Size, write_rows
from tests.store.runs import run

N_DEPLOYMENTS, N_TESTS = 1_000, 1_000


class InLake:
    """The documented views over the lake, asked by a DuckDB of their own."""

    name = "lake"

    def __init__(self, lake: Path) -> None:
        self._connection = duckdb.connect()
        self._connection.execute("SET VARIABLE lake = $lake", {"lake": str(lake)})
        self._connection.execute((lake / "views.sql").read_text())

    def ask(self, sql: str) -> list[tuple[object, ...]]:
        return self._connection.execute(sql).fetchall()


def main() -> None:
    """Print the figures."""
    n, n_tests = (
        int(sys.argv[i]) if len(sys.argv) > i else d for i, d in ((1, N_DEPLOYMENTS), (2, N_TESTS))
    )
    with tempfile.TemporaryDirectory() as name:
        _measure(Path(name), Size(n, n_tests, n * 100))
    sys.argv = sys.argv[:1]
    bench_shared.main()


def _measure(folder: Path, size: Size) -> None:
    n_rows = write_rows(folder, size)
    ours = Ours(folder, size)
    ours.close()
    with writing(ours.path, Deadline(1)):
        pass  # which publishes the copy that a lake is written from
    lake = folder / "lake"
    print(f"{size.n_deployments:,} deployments, {n_rows:,} rows")
    _said("first writing", ours.path, lake)
    _said("nothing new", ours.path, lake)
    sizes = (ours.path.stat().st_size, sum(p.stat().st_size for p in lake.rglob("*.parquet")))
    print(f"the file has {sizes[0] / 1e6:,.0f} MB, the lake {sizes[1] / 1e6:,.0f} MB")
    ours.open()
    _questions(ours, InLake(lake), size)
    ours.close()
    Warehouse(ours.path).commit(run(70_000))  # in a month of its own
    _said("\na new run", ours.path, lake)


def _said(what: str, warehouse: Path, lake: Path) -> None:
    began = time.perf_counter()
    done = write_lake(warehouse, lake, 10.0)
    took = time.perf_counter() - began
    print(f"{what:16} {took:6.2f} s: {done.n_written} files written, {done.n_kept} as they were")


def _questions(ours: Ours, theirs: InLake, size: Size) -> None:
    print(f"\n{'warm':55} {'warehouse':>12} {'lake':>12}")
    for question, sql in {**ASKED, **MORE}.items():
        asked = _filled(sql, size, ours)
        _require_same(question, ours.ask(asked), theirs.ask(asked))
        print(f"{question:55}", *(f"{_warm_ms(one, asked, 5):9.1f} ms" for one in (ours, theirs)))


if __name__ == "__main__":
    main()

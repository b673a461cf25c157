"""`python -m tests.bench_shared`: what a warehouse shared through PostgreSQL costs, on a real server.

Two processes send journals of 1,000 tests at once; a third machine then takes all of them and makes
its file. The last lines reckon 1,000 teams × 50 deployments a day from these figures. Arguments:
runs a process, tests a run. PostgreSQL runs on the same cores as its clients.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg

from data.store.address import file_of
from data.store.exchange import exchange
from data.store.facts import encode
from data.store.warehouse import Warehouse
from tests.many import Many
from tests.postgresql import PASSWORD, Server, binaries, running

N_RUNS, N_TESTS, N_WRITERS = 60, 1_000, 2
A_DAY = 1_000 * 50
_WRITER = """
import sys, time
from pathlib import Path
from data.store.shared import opened
bodies = []
for path in sorted(Path(sys.argv[2]).glob("*.jsonl")):
    run_id = f"{path.stem}-{sys.argv[3]}"
    bodies.append((run_id, path.read_bytes().replace(path.stem.encode(), run_id.encode())))
print("ready", flush=True); sys.stdin.readline()
for name, body in bodies:
    began = time.perf_counter()
    with opened(sys.argv[1]) as log:
        log.add(name, body)
    print(time.perf_counter() - began, flush=True)
"""


def main() -> None:
    """Print the figures."""
    if binaries() is None:
        print("no PostgreSQL server installed here: nothing measured")
        return
    n_runs, n_tests = (
        int(sys.argv[i]) if len(sys.argv) > i else n for i, n in ((1, N_RUNS), (2, N_TESTS))
    )
    os.environ["PGPASSWORD"] = PASSWORD
    with running() as server, tempfile.TemporaryDirectory() as folder:
        _measure(server, Path(folder), n_runs, n_tests)


def _measure(server: Server, folder: Path, n_runs: int, n_tests: int) -> None:
    raw_bytes = _journals(folder / "made", n_runs, n_tests)
    took_s, each_s = _sent(server, folder / "made")
    n = len(each_s)
    with psycopg.connect(server.address()) as connection:
        row = connection.execute(
            "SELECT pg_total_relation_size('goldenpath.journal')::float8, sum(length(body))::float8 "
            "FROM goldenpath.journal"
        ).fetchone()
    assert row is not None
    stored_bytes = row[0] / n
    reader = Warehouse(file_of(server.address(), folder / "reader"))
    began = time.perf_counter()
    exchange(reader.path)
    fetch_s = time.perf_counter() - began
    began = time.perf_counter()
    exchange(reader.path)
    idle_s = time.perf_counter() - began
    began = time.perf_counter()
    taken_in = len(reader.absorb().committed)
    absorb_s = time.perf_counter() - began
    each = sorted(each_s)
    print(f"{n} runs of {n_tests} tests by {N_WRITERS} processes, each with its own connection")
    print(
        f"commit: {n / took_s:.0f} runs/s, p50 {each[n // 2] * 1e3:.0f} ms, p99 {each[int(n * 0.99)] * 1e3:.0f} ms"
    )
    print(f"journal: {raw_bytes / n_runs / 1e3:.0f} kB, in PostgreSQL {stored_bytes / 1e3:.0f} kB")
    print(
        f"another machine fetches {n / fetch_s:.0f} runs/s; with nothing new it asks in {idle_s * 1e3:.0f} ms"
    )
    print(f"and takes {taken_in / absorb_s:.0f} of them a second into its DuckDB file")
    _reckon(n / took_s, taken_in / (fetch_s + absorb_s), stored_bytes)


def _reckon(commits_per_s: float, fetched_per_s: float, stored_bytes: float) -> None:
    print(f"1,000 teams x 50 deployments a day = {A_DAY / 86_400:.2f} runs/s")
    print(f"  PostgreSQL takes {commits_per_s * 86_400 / A_DAY:,.0f} times that")
    print(f"  its table grows by {A_DAY * stored_bytes / 1e9:.1f} GB a day")
    print(f"  a new machine has a day's runs after {A_DAY / fetched_per_s / 60:.0f} min")
    print(f"  a team's own database (50 runs a day): {50 * stored_bytes * 365 / 1e9:.2f} GB a year")


def _journals(folder: Path, n_runs: int, n_tests: int) -> int:
    folder.mkdir()
    many, total = Many(n_runs, n_tests), 0
    for i in range(n_runs):
        facts = list(many.run(i))
        body = "".join(encode(fact) + "\n" for fact in facts).encode()
        (folder / f"{facts[0].run_id}.jsonl").write_bytes(body)
        total += len(body)
    return total


def _sent(server: Server, folder: Path) -> tuple[float, list[float]]:
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", _WRITER, server.address(), str(folder), str(w)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for w in range(N_WRITERS)
    ]  # fmt: skip
    for writer in writers:
        assert writer.stdout is not None
        writer.stdout.readline()
    began, said = time.perf_counter(), []
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("\n")
        writer.stdin.flush()
    for writer in writers:
        said += writer.communicate()[0].split()
    return time.perf_counter() - began, [float(s) for s in said]


if __name__ == "__main__":
    main()

"""SQLite and PostgreSQL with the same rows and the indexes that the questions want, for `make bench`."""

from __future__ import annotations

import asyncio
import csv
import getpass
import os
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import asyncpg  # comes with Prefect

TABLES = {
    "run": "run_no integer PRIMARY KEY, run_id text, revision text, started_at {time}",
    "test": (
        "run_no integer, run_id text, seq integer, phase text, priority text, suite text, test_id text, "
        "attempt integer, outcome text, duration_ms double precision, witnessed boolean, "
        "n_connections integer, sent_bytes integer, received_bytes integer, message text, "
        'signature text, stage text, "at" {time}'
    ),
    "sample": (
        "run_no integer, run_id text, seq integer, phase text, probe text, metric text, ordinal integer, "
        '"value" double precision, unit text, ok boolean, "at" {time}'
    ),
}
INDEXES = (
    "CREATE INDEX run_by_time ON run (started_at)",
    "CREATE INDEX test_by_run ON test (run_no)",
    "CREATE INDEX test_by_name ON test (test_id, run_no)",
    "CREATE INDEX sample_by_run ON sample (run_no)",
)
_FINAL = """
    SELECT run_no, phase, suite, test_id, CASE
        WHEN red = last THEN 'RED' WHEN ok = last AND red < last THEN 'FLAKY'
        WHEN ok = last THEN 'PASS' ELSE 'OTHER' END AS final
    FROM (
        SELECT run_no, phase, suite, test_id, max(attempt) AS last,
            max(CASE WHEN outcome IN ('FAIL', 'ERROR') THEN attempt END) AS red,
            max(CASE WHEN outcome = 'PASS' THEN attempt END) AS ok
        FROM test WHERE {where} GROUP BY run_no, phase, suite, test_id) AS attempts
"""
_LAST = "run_no IN (SELECT run_no FROM run ORDER BY started_at DESC LIMIT {n})"
_RANKED = """
    SELECT run_no, probe, metric, min("value") AS worst FROM (
        SELECT run_no, probe, metric, "value",
            row_number() OVER (PARTITION BY run_no, probe, metric ORDER BY "value") AS place,
            count(*) OVER (PARTITION BY run_no, probe, metric) AS n
        FROM sample WHERE ok AND {where}) AS ranked
    WHERE n >= {least} AND place * 100 >= n * {percent} GROUP BY run_no, probe, metric
"""
# In the order of the questions in bench_warehouse.py, and with the same columns.
QUESTIONS = (
    "SELECT r.run_id, count(*), sum(CASE WHEN final = 'PASS' THEN 1 ELSE 0 END), "
    "sum(CASE WHEN final = 'FLAKY' THEN 1 ELSE 0 END) "
    f"FROM ({_FINAL.format(where=_LAST.format(n=50))}) AS f JOIN run AS r ON r.run_no = f.run_no "
    "GROUP BY r.run_id",
    "SELECT r.run_id, p.probe, p.worst, avg(p.worst) OVER (PARTITION BY p.probe, p.metric "
    "ORDER BY r.started_at ROWS BETWEEN 20 PRECEDING AND 1 PRECEDING) "
    f"FROM ({_RANKED.format(where='true', least=20, percent=95)}) AS p "
    "JOIN run AS r ON r.run_no = p.run_no",
    "SELECT suite, test_id, count(*) AS n, sum(CASE WHEN final = 'FLAKY' THEN 1 ELSE 0 END) AS flaky "
    f"FROM ({_FINAL.format(where=_LAST.format(n=500))}) AS f WHERE final <> 'OTHER' "
    "GROUP BY suite, test_id ORDER BY flaky DESC, test_id LIMIT 20",
    "WITH ended AS (SELECT f.final, r.run_id, r.started_at FROM "
    f"({_FINAL.format(where='test_id = {test}')}) AS f JOIN run AS r ON r.run_no = f.run_no "
    "WHERE final <> 'OTHER') "
    "SELECT run_id, started_at FROM ended WHERE final = 'RED' AND started_at > (SELECT "
    "coalesce(max(started_at), {never}) FROM ended WHERE final <> 'RED') ORDER BY started_at LIMIT 1",
    f"SELECT b.probe, b.worst, a.worst FROM "
    f"({_RANKED.format(where='run_no = {second}', least=5, percent=50)}) AS b JOIN "
    f"({_RANKED.format(where='run_no = {last}', least=5, percent=50)}) AS a ON a.probe = b.probe",
)


class Peer(Protocol):
    """A database that was loaded and answers."""

    name: str
    load_s: float
    size_bytes: int

    def ask(self, sql: str) -> list[tuple[Any, ...]]: ...


class Sqlite:
    """The standard library's, without a sync while loading, as one would load it."""

    name = "SQLite"

    def __init__(self, folder: Path) -> None:
        path = folder / "peer.sqlite"
        self._connection = sqlite3.connect(path)
        self._connection.execute("PRAGMA synchronous = OFF")
        self._connection.execute("PRAGMA cache_size = -1000000")
        self.load_s = 0.0
        for table, columns in TABLES.items():
            self._connection.execute(f"CREATE TABLE {table} ({columns.format(time='text')})")
            self._load(table, folder / f"{table}.csv")
        began = time.perf_counter()
        for index in (*INDEXES, "ANALYZE"):
            self._connection.execute(index)
        self.load_s += time.perf_counter() - began
        self.size_bytes = path.stat().st_size

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql).fetchall()

    def _load(self, table: str, path: Path) -> None:
        with path.open(newline="") as file:
            reader = csv.reader(file)
            while rows := [_typed(row) for row in islice(reader, 100_000)]:
                began = time.perf_counter()  # reading the file is not SQLite's doing
                marks = ", ".join("?" * len(rows[0]))
                self._connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
                self._connection.commit()
                self.load_s += time.perf_counter() - began


def _typed(row: list[str]) -> list[str | int]:
    return [1 if one == "true" else 0 if one == "false" else one for one in row]


class Postgres:
    """A server of its own on a socket in the folder: 1 GB of buffers, COPY, no sync while loading."""

    name = "PostgreSQL"

    def __init__(self, folder: Path, socket: Path) -> None:
        self._loop = asyncio.new_event_loop()
        self._connection = self._wait(asyncpg.connect(host=str(socket), user="bench", database="postgres"))  # fmt: skip
        began = time.perf_counter()
        for table, columns in TABLES.items():
            made = f"CREATE UNLOGGED TABLE {table} ({columns.format(time='timestamptz')})"
            self._wait(self._connection.execute(made))
            path = folder / f"{table}.csv"
            self._wait(self._connection.copy_to_table(table, source=path, format="csv"))
        for index in (*INDEXES, "ANALYZE"):
            self._wait(self._connection.execute(index))
        self.load_s = time.perf_counter() - began
        self.size_bytes = int(self.ask("SELECT pg_database_size('postgres')")[0][0])

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self._wait(self._connection.fetch(sql))]

    def close(self) -> None:
        self._wait(self._connection.close())
        self._loop.close()

    def _wait(self, what: Any) -> Any:
        return self._loop.run_until_complete(what)


def lacks_postgres() -> str:
    """Why there is no PostgreSQL to compare with, "" when there is."""
    return "" if _program("initdb") and _program("postgres") else "no initdb and postgres here"


@contextmanager
def postgres(folder: Path) -> Iterator[Path]:
    """A server for the time of the benchmark; the socket's folder. As root, as the user postgres."""
    home = folder / "postgres"
    home.mkdir()
    user = "postgres" if os.geteuid() == 0 else getpass.getuser()
    shutil.chown(home, user)
    made = [_program("initdb"), "-D", home / "data", "-U", "bench", "-A", "trust", "--no-sync"]
    subprocess.run(made, check=True, stdout=subprocess.DEVNULL, user=user, cwd=home)
    options = ("listen_addresses=", f"unix_socket_directories={home}", "shared_buffers=1GB",
               "work_mem=256MB", "maintenance_work_mem=512MB", "max_wal_size=8GB", "jit=off")  # fmt: skip
    settings = [word for option in options for word in ("-c", option)]
    server = subprocess.Popen(
        [_program("postgres"), "-D", home / "data", *settings],
        stderr=subprocess.DEVNULL, user=user, cwd=home,
    )  # fmt: skip
    try:
        while not (home / ".s.PGSQL.5432").exists():
            time.sleep(0.05)
            if server.poll() is not None:
                raise RuntimeError(f"postgres ended with {server.returncode}")
        time.sleep(0.5)  # it listens a moment before it takes connections
        yield home
    finally:
        server.terminate()
        server.wait()


def _program(name: str) -> str:
    places = [str(p) for p in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]
    return shutil.which(name, path=os.pathsep.join([*places, os.environ.get("PATH", "")])) or ""

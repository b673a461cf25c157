"""Laws of a lake on an object store: what the warehouse says, whole files, one writer, no secrets."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import duckdb
import obstore
import pytest
from click.testing import CliRunner
from obstore.store import S3Store

from data.errors import UsageError, WarehouseBusy, WarehouseError
from data.store import lake_objects
from data.store.connect import look
from data.store.lake import LIST, write_lake
from data.store.lake_objects import LOCK, Objects
from data.store.migrate import VIEWS
from data.store.published import published_path
from data.store.warehouse import Warehouse
from flows.cli import main
from tests.docs.pages import ROOT, fences
from tests.docs.test_analysts import extension
from tests.objects import BUCKET, environment, running
from tests.store.runs import run, test_result
from tests.store.test_lake import ODD, WRITE, in_plan

LAKE = f"s3://{BUCKET}/team a/lake"


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with running() as port:
        yield port


@pytest.fixture
def store(port: int, monkeypatch: pytest.MonkeyPatch) -> S3Store:
    """The lake's prefix, empty, and the environment that leads there."""
    for name, value in environment(port).items():
        monkeypatch.setenv(name, value)
    found = S3Store(BUCKET, prefix="team a/lake")
    for name in names(found):
        obstore.delete(found, name)
    return found


def names(store: S3Store) -> dict[str, int]:
    return {one["path"]: one["size"] for listed in obstore.list(store) for one in listed}


def client(port: int) -> duckdb.DuckDBPyConnection:
    """What docs/beyond_one_machine.md says, with the keys of this server."""
    page = ROOT / "docs" / "beyond_one_machine.md"
    block = next(text for info, text in fences(page) if info == "sql" and "s3://" in text)
    connection = duckdb.connect()
    connection.load_extension(str(extension("httpfs")))
    for statement in re.sub(r"^(\.read .*)$", r"\1;", block, flags=re.M).split(";\n"):
        if re.match(r"INSTALL|LOAD", statement):
            continue
        if statement.startswith("CREATE SECRET"):
            statement = (
                "CREATE SECRET (TYPE s3, KEY_ID 'of-this-test', SECRET 'of-this-test', "
                f"ENDPOINT '127.0.0.1:{port}', URL_STYLE 'path', USE_SSL false)"
            )
        statement = statement.replace("s3://bucket/checkout", LAKE)
        if statement.startswith(".read "):
            text = connection.execute("FROM read_text(?)", [statement[6:].strip()]).fetchall()
            statement = text[0][1]
        connection.execute(statement)
    return connection


def require_equal(warehouse: Warehouse, port: int) -> None:
    with look(published_path(warehouse.path)) as ours, client(port) as theirs:
        for view in VIEWS:
            asked = f"SELECT v::VARCHAR FROM {view} AS v ORDER BY ALL"
            assert theirs.execute(asked).fetchall() == ours.execute(asked).fetchall(), view


@pytest.mark.soak
def test_duckdb_reads_there_what_the_warehouse_says_and_twice_is_as_once(
    warehouse: Warehouse, store: S3Store, port: int
) -> None:
    warehouse.commit([*run(2), *run(3, "HOLD", test_result(3, "c", "FAIL", signature="s"))])
    first = write_lake(warehouse.path, LAKE, 5.0)
    require_equal(warehouse, port)
    assert write_lake(warehouse.path, LAKE, 5.0)[:3] == (0, first.n_written, 0)
    warehouse.commit(in_plan(run(900), ODD))
    asked = ["upkeep", "--lake", LAKE, "--warehouse", str(warehouse.path)]
    done = CliRunner().invoke(main, asked)
    assert done.exit_code == 0 and f"{LAKE}: " in done.output
    require_equal(warehouse, port)
    lost, cut, *_ = sorted(name for name in names(store) if name.endswith("part.parquet"))
    obstore.delete(store, lost)
    obstore.put(store, cut, b"PAR1")
    obstore.put(store, "tests/notes.txt", b"of somebody else")
    obstore.put(store, "tests/plan=gone/part.parquet", b"left by a writer that was killed")
    assert write_lake(warehouse.path, LAKE, 5.0)[::2] == (2, 1)
    require_equal(warehouse, port)
    assert "tests/notes.txt" in names(store) and LOCK not in names(store)


@pytest.mark.soak
def test_kills_at_any_moment_leave_whole_files_and_the_next_writing_cures_it(
    warehouse: Warehouse, store: S3Store, port: int
) -> None:
    dice, n_killed = random.Random(5), 0
    for n in range(2, 12):
        warehouse.commit(run(n * 300))
        command = [sys.executable, "-c", WRITE.replace("Path(sys.argv[2])", "sys.argv[2]")]
        with subprocess.Popen(
            [*command, str(warehouse.path), LAKE], stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None and process.stdout.readline()
            time.sleep(dice.uniform(0.1, 1.5))
            os.kill(process.pid, signal.SIGKILL)
            n_killed += process.wait() == -signal.SIGKILL
        time.sleep(0.5)  # what it had sent is done
        with duckdb.connect() as asked:
            for name in names(store):
                if name.endswith(".parquet"):
                    whole = Path(warehouse.path.parent / "one.parquet")
                    whole.write_bytes(bytes(obstore.get(store, name).bytes()))
                    asked.execute("SELECT count(*) FROM read_parquet(?)", [str(whole)]).fetchall()
        if LOCK in names(store):
            with pytest.raises(WarehouseBusy, match="try again after"):
                write_lake(warehouse.path, LAKE, 5.0)
            obstore.delete(store, LOCK)  # as if the lease had run out
    assert n_killed > 3
    write_lake(warehouse.path, LAKE, 5.0)
    require_equal(warehouse, port)


def test_there_is_one_writer_and_a_lease_that_ran_out_is_taken_by_one(
    store: S3Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = Objects(LAKE), Objects(LAKE), Objects(LAKE)
    with first.alone(), pytest.raises(WarehouseBusy, match="writes the lake"), second.alone():
        pass
    assert LOCK not in names(store)
    with pytest.raises(ZeroDivisionError), first.alone():
        raise ZeroDivisionError
    assert LOCK not in names(store), "a writer that failed holds nobody up"
    monkeypatch.setattr(lake_objects, "LEASE", timedelta(0))
    monkeypatch.setattr(lake_objects, "_SAY_AGAIN_S", 0.0)
    with pytest.raises(WarehouseBusy, match="took over"), first.alone():
        monkeypatch.setattr(lake_objects, "LEASE", timedelta(minutes=15))
        with second.alone():
            with pytest.raises(WarehouseBusy, match="writes the lake"), third.alone():
                pass
            with pytest.raises(WarehouseBusy, match="took over"):
                first.write(LIST, "of one who was asleep")
    assert LIST not in names(store) and LOCK not in names(store)
    obstore.put(store, LOCK, b"no lease")
    with third.alone():
        pass
    assert LOCK not in names(store)


@pytest.mark.parametrize(
    ("lake", "error", "said"),
    [
        ("ftp://a/b", UsageError, "expected a folder, s3://"),
        ("s3:///x", UsageError, "expected a folder, s3://"),
        ("s3://key:hush@bucket/x", UsageError, "never stand in the address"),
        ("s3://bucket/x?secret=hush", UsageError, "never stand in the address"),
        ("az://container/x", WarehouseError, "Account must be specified"),
        ("s3://no-such-bucket/x", WarehouseError, "cannot be used: "),
    ],
)
def test_an_address_that_cannot_be_used_is_told_without_its_secrets(
    warehouse: Warehouse, store: S3Store, lake: str, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said) as caught, Objects(lake).alone():
        pass
    assert "hush" not in str(caught.value) and "\n" not in str(caught.value)


def test_a_store_that_is_away_is_told(store: S3Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setattr(lake_objects, "_RETRY", {"max_retries": 0})
    with pytest.raises(WarehouseError, match="cannot be used"), Objects(LAKE).alone():
        pass

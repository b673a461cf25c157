"""Many machines, one PostgreSQL: nothing lost, nothing doubled, and every machine sees all."""

from __future__ import annotations

import random
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from data.errors import UsageError, WarehouseError
from data.store import exchange as exchanges
from data.store.address import address_of, file_of
from data.store.exchange import exchange
from data.store.facts import encode
from data.store.migrate import VIEWS
from data.store.moving import move
from data.store.shared import opened
from data.store.upkeep import keep_up
from data.store.warehouse import Warehouse
from tests.postgresql import PASSWORD, Server, binaries, running
from tests.store.runs import at, run
from tests.store.test_published import spooled

pytestmark = pytest.mark.skipif(binaries() is None, reason="no PostgreSQL server installed here")

WRITER = """
import sys
from pathlib import Path
from data.store.address import file_of
from data.store.warehouse import Warehouse
from tests.store.runs import run
warehouse = Warehouse(file_of(sys.argv[1], Path(sys.argv[2])))
for n in range(int(sys.argv[3]), int(sys.argv[4])):
    with warehouse.open_spool(f"run-{n}") as spool:
        spool.append_all(run(n))
    print(n, flush=True)
    warehouse.take_in()
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running() as server:
        yield server


@pytest.fixture
def address(server: Server, request: pytest.FixtureRequest, monkeypatch: Any) -> str:
    """An empty database of this test alone."""
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    monkeypatch.setattr(exchanges, "_REST_S", 0.0)
    name = f"t{zlib.crc32(request.node.name.encode())}"
    with psycopg.connect(server.address(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return server.address(name)


def machine(address: str, folder: Path) -> Warehouse:
    return Warehouse(file_of(address, folder), wait_s=10.0)


def ids(warehouse: Warehouse) -> set[str]:
    return {run.run_id for run in warehouse.runs(10_000)}


def shown(warehouse: Warehouse) -> dict[str, list[str]]:
    """Every row of every view, in one reading."""
    warehouse.absorb()
    with warehouse._reading() as connection:
        return {
            view: sorted(map(repr, connection.execute(f"FROM {view}").fetchall())) for view in VIEWS
        }


def writer(address: str, folder: Path, first: int, end: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, address, str(folder), str(first), str(end)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@pytest.mark.soak
def test_what_one_machine_commits_every_other_one_shows_in_all_views(
    address: str, tmp_path: Path
) -> None:
    one, two = machine(address, tmp_path / "1"), machine(address, tmp_path / "2")
    for n, place in ((1, one), (2, two), (3, one)):
        spooled(place, n)
        place.take_in()
    one.label("run-1", "bad", "late alarm", "a person", at(9))
    two.label("run-1", "good", "checked", "another", at(8))  # given earlier: it does not win
    for place in (one, two, one):
        exchange(place.path)
    assert ids(one) == ids(two) == {"run-1", "run-2", "run-3"}
    assert shown(one) == shown(two)
    assert one.query("SELECT label FROM store.labels")[1] == [("bad",)]
    assert two.view("run-1").verdict == one.view("run-1").verdict is not None


@pytest.mark.soak
def test_a_resumed_run_replaces_itself_everywhere(address: str, tmp_path: Path) -> None:
    one, two = machine(address, tmp_path / "1"), machine(address, tmp_path / "2")
    with one.open_spool("run-1") as spool:
        spool.append_all(run(1)[:8])  # cut off
    one.take_in()
    assert [r.verdict for r in two.runs()] == [None]
    with one.open_spool("run-1") as spool:
        spool.append_all(run(1)[8:])
    one.take_in()
    assert [str(r.verdict) for r in two.runs()] == ["PROMOTE"]
    assert shown(one) == shown(two)


@pytest.mark.soak
def test_any_order_and_repetition_of_journals_gives_the_same_tables(
    address: str, tmp_path: Path
) -> None:
    alone = Warehouse(tmp_path / "alone" / "gate.duckdb")
    bodies = []
    for n in (1, 2, 3):
        facts = run(n)
        spooled(alone, n)
        lines = [encode(fact).encode() + b"\n" for fact in facts]
        bodies += [(f"run-{n}", b"".join(lines[:k])) for k in (1, 5, len(lines))]
    random.Random(7).shuffle(bodies)
    with opened(address) as log:
        for run_id, body in bodies + bodies[::2]:
            log.add(run_id, body)
        assert len(log.after(0, 100)) == len(bodies)
    late = machine(address, tmp_path / "late")
    assert shown(late) == shown(alone)
    exchanges._seen_path(late.path).unlink()  # everything from the beginning
    assert shown(late) == shown(alone)


def test_without_the_server_a_run_ends_as_ever_and_is_sent_later(
    address: str, tmp_path: Path, server: Server, caplog: Any
) -> None:
    one, two = machine(address, tmp_path / "1"), machine(address, tmp_path / "2")
    server.stop()
    try:
        spooled(one, 1)
        assert one.take_in()
        one.absorb()
        assert ids(one) == {"run-1"}
        assert "sent later" in caplog.text
        assert [p.stem for p in one.spools.glob("*.jsonl")] == ["run-1"]  # not filed: not sent
        with pytest.raises(WarehouseError, match=r"cannot be used: .*refused"):
            keep_up(one, 5.0)
    finally:
        server.start()
    keep_up(one, 5.0)
    assert ids(two) == {"run-1"}
    assert not list(one.spools.glob("*.jsonl"))


def test_a_server_that_hangs_keeps_no_run_waiting(
    address: str, tmp_path: Path, monkeypatch: Any, caplog: Any
) -> None:
    monkeypatch.setattr(exchanges, "_LIMIT_S", 0.5)
    place = machine(address, tmp_path)
    exchange(place.path)
    spooled(place, 1)
    with psycopg.connect(address) as holder:
        holder.execute("SELECT pg_advisory_xact_lock(hashtext('goldenpath.log'))")
        began = time.monotonic()
        assert place.take_in()
        assert time.monotonic() - began < 8  # PostgreSQL itself would give up after 10 s
        assert "sent later" in caplog.text
    assert exchange(place.path) is not None
    with opened(address) as log:
        assert [entry.run_id for entry in log.after(0, 9)] == ["run-1"]


def test_a_wrong_password_is_told_and_never_kept(
    address: str, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setenv("PGPASSWORD", "a-wrong-one")
    place = machine(address, tmp_path)
    spooled(place, 1)
    assert ids(place) == {"run-1"}
    with pytest.raises(WarehouseError, match="password authentication failed") as told:
        exchange(place.path)
    assert "a-wrong-one" not in str(told.value)
    with pytest.raises(UsageError, match="PGPASSWORD"):
        file_of("postgresql://gate:a-wrong-one@127.0.0.1/x", tmp_path)
    with pytest.raises(UsageError, match="no database"):
        file_of("postgresql://gate@127.0.0.1", tmp_path)
    with pytest.raises(UsageError, match="expected postgresql://"):
        file_of("postgresql://[bad/x", tmp_path)
    kept = [p for p in tmp_path.rglob("*") if p.is_file() and b"a-wrong-one" in p.read_bytes()]
    assert kept == []
    assert address_of(place.path) == address


@pytest.mark.soak
def test_a_damaged_journal_of_the_log_is_named_and_changes_nothing(
    address: str, tmp_path: Path
) -> None:
    one, two = machine(address, tmp_path / "1"), machine(address, tmp_path / "2")
    spooled(one, 1)
    one.take_in()
    with psycopg.connect(address) as connection:
        connection.execute("UPDATE goldenpath.journal SET body = set_byte(body, 40, 7)")
    spooled(one, 2)
    one.take_in()
    for _ in range(2):  # named each time, and nothing else is held up
        with pytest.raises(WarehouseError, match="journal 1 of the shared warehouse is damaged"):
            exchange(two.path)
    assert ids(two) == {"run-2"}


@pytest.mark.soak
def test_a_moved_warehouse_has_the_same_views(address: str, tmp_path: Path) -> None:
    alone = Warehouse(tmp_path / "alone" / "gate.duckdb")
    for n in range(1, 6):
        spooled(alone, n)
    alone.absorb()
    alone.commit(run(6))  # a run without a journal
    alone.label("run-2", "bad", "", "a person", at(9) + timedelta(microseconds=7))
    before = shown(alone)
    with alone.open_spool("run-7") as going_on:
        going_on.append_all(run(7)[:3])
        for _ in range(2):
            moved = move(alone.path, address, 5.0)
            assert moved == (6, 1, ("run-7",))
    assert shown(machine(address, tmp_path / "new")) == before


@pytest.mark.soak
def test_machines_killed_at_random_and_a_server_that_comes_and_goes_lose_and_double_nothing(
    address: str, tmp_path: Path, server: Server
) -> None:
    rng = random.Random(20)
    said: set[str] = set()
    for again in range(15):
        first = again * 400
        writers = [
            writer(address, tmp_path / str(m), first + 100 * m, first + 100 * m + 100)
            for m in range(3)
        ]
        time.sleep(rng.uniform(0.8, 3.0))
        if again % 4 == 3:
            server.stop()
            time.sleep(0.5)
            server.start()
        for process in writers:
            time.sleep(rng.uniform(0, 0.3))
            process.kill()
            assert process.stdout is not None
            said |= {f"run-{line.strip()}" for line in process.stdout if line.endswith("\n")}
            process.wait()
    machines = [machine(address, tmp_path / str(m)) for m in range(3)]
    for _ in range(2):
        for place in machines:
            keep_up(place, 30.0)
    assert len(said) > 30
    views = [shown(place) for place in machines]
    assert views[0] == views[1] == views[2]
    assert said <= ids(machines[0])
    judged = "SELECT count(*), count(DISTINCT run_id) FROM runs WHERE verdict IS NOT NULL"
    assert (n := machines[0].query(judged)[1][0])[0] == n[1] >= len(said)

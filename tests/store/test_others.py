"""Nobody there, others there, killed there: the warehouse among processes."""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest

from data.errors import UsageError, WarehouseBusy
from data.store.fold import evidence_of
from data.store.lock import Deadline, locked
from data.store.warehouse import Warehouse
from tests.store.runs import n_rows, run


def test_a_missing_warehouse_is_an_empty_one_and_reading_makes_nothing(
    unmade: Warehouse,
) -> None:
    assert unmade.runs() == []
    assert unmade.query("SELECT count(*) FROM runs") == (["count_star()"], [(0,)])
    assert unmade.history("shop", "staging", "run-1").readable
    with pytest.raises(UsageError, match="no run 'run-1'"):
        unmade.evidence("run-1")
    assert not unmade.path.parent.exists()


def test_a_file_of_no_bytes_is_an_empty_warehouse(unmade: Warehouse) -> None:
    unmade.path.parent.mkdir()
    unmade.path.touch()
    assert unmade.runs() == []
    unmade.commit(run(1))
    assert len(unmade.runs()) == 1


def test_whoever_comes_while_it_is_held_waits_then_says_what_to_do(warehouse: Warehouse) -> None:
    warehouse.commit(run(1))
    hasty = Warehouse(warehouse.path, wait_s=0.1)
    with locked(warehouse.path, Deadline(0), exclusive=False):
        with pytest.raises(WarehouseBusy, match=r"held by another process for 0\.1 s: close"):
            hasty.commit(run(2))
        assert len(hasty.runs()) == 1  # readers together
    with locked(warehouse.path, Deadline(0), exclusive=True):
        with pytest.raises(WarehouseBusy):
            hasty.runs()
        assert not hasty.history("shop", "staging", "run-2").readable


ANALYST = """
import sys, time, duckdb
connection = duckdb.connect(sys.argv[1], read_only=True)
print("open", flush=True)
sys.stdin.readline()
"""


def test_an_analyst_in_a_shell_makes_writers_wait(warehouse: Warehouse) -> None:
    warehouse.commit(run(1))
    analyst = subprocess.Popen(
        [sys.executable, "-c", ANALYST, str(warehouse.path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert analyst.stdout and analyst.stdout.readline() == "open\n"
    with pytest.raises(WarehouseBusy, match="DuckDB shell"):
        Warehouse(warehouse.path, wait_s=0.1).commit(run(2))
    Warehouse(warehouse.path, wait_s=0.1).check_writable()  # spools would take the rows
    analyst.communicate("\n")
    warehouse.commit(run(2))
    assert len(warehouse.runs()) == 2


WRITER = """
import sys
from pathlib import Path
from data.store.warehouse import Warehouse
from tests.store.runs import run
warehouse = Warehouse(Path(sys.argv[1]))
for n in range(int(sys.argv[2]), int(sys.argv[2]) + 5):
    with warehouse.open_spool(f"run-{n}") as spool:
        for fact in run(n):
            spool.append(fact)
        warehouse.commit(run(n))
warehouse.runs()
"""


@pytest.mark.soak
def test_four_processes_lose_and_double_nothing(warehouse: Warehouse) -> None:
    processes = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(warehouse.path), str(n)])
        for n in (0, 5, 10, 15)
    ]
    assert [p.wait(60) for p in processes] == [0, 0, 0, 0]
    assert n_rows(warehouse) == sum(len(run(n)) for n in range(20))
    assert {r.run_id for r in warehouse.runs(100)} == {f"run-{n}" for n in range(20)}
    assert all(warehouse.evidence(f"run-{n}") == evidence_of(run(n)) for n in range(20))
    assert list(warehouse.spools.glob("*.jsonl")) == []


KILLED = """
import sys
from pathlib import Path
from data.store.warehouse import Warehouse
from tests.store.runs import run
warehouse = Warehouse(Path(sys.argv[1]))
for n in range(10**9):
    with warehouse.open_spool(f"run-{n}") as spool:
        for fact in run(n):
            spool.append(fact)
        print(n, flush=True)
        warehouse.commit(run(n))
"""


@pytest.mark.parametrize("after_s", [0.05, 0.3])
def test_a_kill_in_the_middle_of_a_commit_loses_nothing(
    warehouse: Warehouse, after_s: float
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(warehouse.path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout and process.stdout.readline() == "0\n"
    time.sleep(after_s)
    process.kill()
    n_spooled = 1 + len(process.stdout.read().split())
    process.wait()
    warehouse.absorb()
    assert all(warehouse.evidence(f"run-{n}") == evidence_of(run(n)) for n in range(n_spooled))
    # a run that was not spooled to its end may be there as well, in part
    assert n_rows(warehouse) - sum(len(run(n)) for n in range(n_spooled)) < len(run(n_spooled))


def test_readers_in_a_row_cannot_keep_a_writer_out(tmp_path: Path) -> None:
    path, stop = tmp_path / "gate.duckdb", Event()

    def read() -> None:
        while not stop.is_set():
            with locked(path, Deadline(10), exclusive=False):
                time.sleep(0.1)  # with three of them there is never a moment without a reader

    with ThreadPoolExecutor() as pool:
        readers = [pool.submit(read) for _ in range(3)]
        try:
            for _ in range(3):
                with locked(path, Deadline(3), exclusive=True):
                    pass
        finally:
            stop.set()
    assert [reader.result() for reader in readers] == [None] * 3

"""Laws of a load on a real Dask cluster of two worker processes."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from distributed import LocalCluster

from data.records.words import Outcome
from data.rules.load.histogram import merged
from tests.probes.doubles import order, run
from tests.probes.test_load import chat_server, talking


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    with LocalCluster(  # type: ignore[no-untyped-call]
        n_workers=2, threads_per_worker=2, processes=True, dashboard_address=None,
        host="127.0.0.1",
    ) as made:  # fmt: skip
        yield made


async def test_a_cluster_carries_what_one_machine_would(cluster: LocalCluster) -> None:
    stages = [{"rate": "40/s", "for": "500ms"}, {"rate": "40/s", "to": "80/s", "for": "500ms"}]
    async with chat_server() as port:
        plan = talking(port, stages, processes=3, dask=cluster.scheduler_address)
        _, there = await run(order(plan))
    assert there.load, there.message
    assert [stage.n_intended for stage in there.load.stages] == [20, 30]
    assert (there.n, there.n_failed, there.load.processes) == (50, 0, 3)
    whole = merged(stage.spreads["whole"] for stage in there.load.stages)
    assert whole.n == 50, "each execution is in the merged histogram once"


@pytest.mark.soak
async def test_a_cluster_that_is_too_small_or_not_there_is_told_before_the_load(
    cluster: LocalCluster,
) -> None:
    stages = [{"rate": "1/s", "for": "1s"}]
    _, small = await run(order(talking(1, stages, processes=5, dask=cluster.scheduler_address)))
    _, absent = await run(order(talking(1, stages, dask="tcp://127.0.0.1:1")))
    assert (small.outcome, absent.outcome) == (Outcome.ERROR, Outcome.ERROR)
    assert "4 threads on 2 workers" in small.message and "5 processes" in small.message
    assert "no Dask scheduler answers at tcp://127.0.0.1:1" in absent.message


@pytest.mark.soak
async def test_a_load_on_a_cluster_stops_at_once_when_it_is_cancelled(
    cluster: LocalCluster,
) -> None:
    async with chat_server() as port:
        plan = talking(port, [{"rate": "20/s", "for": "60s"}], dask=cluster.scheduler_address)
        task = asyncio.create_task(run(order(plan)))
        while not _generators():  # noqa: ASYNC110 - a process has no event
            await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    until_s = time.monotonic() + 10
    while _generators() and time.monotonic() < until_s:  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    assert not _generators()


def _generators() -> list[str]:
    """Processes of a load below this one."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and b"tasks.probes.load.worker" in _read(entry / "cmdline"):
            found += [entry.name] if _is_below(entry) else []
    return found


def _is_below(entry: Path) -> bool:
    pid = entry.name
    while pid not in ("0", "", str(os.getpid())):
        told = _read(Path("/proc") / pid / "stat").decode().rpartition(")")[2].split()
        pid = told[1] if told else ""
    return pid == str(os.getpid())


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""

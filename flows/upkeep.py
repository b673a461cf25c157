"""Upkeep by the clock: the whole warehouse read, a damaged one rebuilt, a backup made."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from data.errors import GoldenPathError
from data.store.backup import STAMP, back_up, thin_out
from data.store.lake import write_lake
from data.store.upkeep import Upkeep, keep_up
from data.store.warehouse import Warehouse
from flows.ageing import compact_older
from flows.wiring import warehouse_path
from tasks.clock import now
from tasks.steps import upkeep_step

_WAIT_S = 300.0


@flow(name="upkeep", flow_run_name="upkeep")
async def upkeep(
    warehouse: str | None = None,
    backups: str | None = None,
    compact_after_days: int | None = None,
    keep_backups: int = 14,
    lake: str | None = None,
) -> State[Any]:
    """Keep a warehouse whole. Runs go on meanwhile.

    Args:
        warehouse: DuckDB file; empty: GOLDENPATH_WAREHOUSE, else var/goldenpath.duckdb.
        backups: folder in which each upkeep leaves a backup named by its time; empty: no backup.
        compact_after_days: raw samples of older runs become histograms, after the backup, and
            leave their journals; empty: none do.
        keep_backups: so many of those named by their time stay, the newest; 0: all. Others are
            removed once the new one is seen to be whole.
        lake: folder or address that holds every view as Parquet, in parts; empty: none does.
    """
    place = Warehouse(warehouse_path(warehouse))
    try:
        done = await upkeep_step.with_options(name="keep up")(lambda: _kept(place))
        if backups:
            target = Path(backups) / f"{now():{STAMP}}"
            await upkeep_step.with_options(name="back up")(
                lambda: _backed_up(place, target, keep_backups)
            )
        if compact_after_days:
            n_days = compact_after_days
            await upkeep_step.with_options(name="compact")(lambda: _compacted(place, n_days))
        if lake:
            await upkeep_step.with_options(name="lake")(lambda: _in_lake(place, lake))
    except GoldenPathError as error:
        return Failed(name="Upkeep failed", message=str(error))
    return Completed(name=done.split(":")[0], message=done)


async def _kept(place: Warehouse) -> str:
    return _said(await asyncio.to_thread(keep_up, place, _WAIT_S))


async def _backed_up(place: Warehouse, target: Path, n_kept: int) -> str:
    size_bytes = await asyncio.to_thread(back_up, place, target, _WAIT_S)
    old = await asyncio.to_thread(thin_out, target.parent, n_kept) if n_kept else []
    removed = f"; {len(old)} older removed" if old else ""
    return f"Backed up: {target}, {size_bytes / 1e6:,.1f} MB{removed}"


async def _compacted(place: Warehouse, n_days: int) -> str:
    done = await asyncio.to_thread(compact_older, place, n_days, _WAIT_S)
    return "nothing to compact" if done is None else f"Compacted: {done.said}"


async def _in_lake(place: Warehouse, lake: str) -> str:
    done = await asyncio.to_thread(write_lake, place.path, lake, _WAIT_S)
    return f"Lake: {done.n_written} files written, {done.n_kept} as they were: {lake}"


def _said(done: Upkeep) -> str:
    taken_in = f"{len(done.committed)} runs taken in, {len(done.filed)} journals filed"
    if done.mended is None:
        return f"Kept: {taken_in}"
    damage, kept_as, n_runs, _ = done.mended
    kept = f"; the damaged file is {kept_as}" if kept_as else ""
    return f"Rebuilt: {n_runs} runs, after {damage}{kept}; {taken_in}"

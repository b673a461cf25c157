"""Flow runs that only look alive are closed, with a verdict over what they had seen."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from data.errors import GoldenPathError
from data.records.record import Record
from data.records.words import VerdictWord
from data.records.zombies import Sign
from data.rules.zombies import GONE_S, QUIET_S, death_of
from data.store.lives import life_of
from data.store.warehouse import Warehouse
from flows.hooks.ending import end_abandoned
from flows.wiring import warehouse_path
from tasks.clock import now
from tasks.hooks.board import Board, OpenRun

_HOLD = VerdictWord.HOLD


class Reaped(Record):
    """One flow run that was closed, and as what."""

    flow_run_id: str
    run_id: str
    verdict: str
    why: str


@flow(name="zombies", flow_run_name="zombies")
async def zombies(
    warehouse: str | None = None, gone_s: float = GONE_S, quiet_s: float = QUIET_S
) -> State[Any]:
    """Find runs whose process is gone and close them, HOLD at best.

    Args:
        warehouse: DuckDB file; empty: GOLDENPATH_WAREHOUSE, else var/goldenpath.duckdb.
        gone_s: seconds without a sign after which a run whose journal nobody holds is over.
        quiet_s: seconds after which one without a journal here is over, if its heartbeats stopped.
    """
    closed = await reap(warehouse_path(warehouse), Board(), gone_s, quiet_s)
    said = ", ".join(f"{one.run_id or one.flow_run_id}: {one.verdict}" for one in closed)
    return Completed(message=f"{len(closed)} closed. {said}".strip())


async def reap(
    warehouse: Path, board: Board, gone_s: float = GONE_S, quiet_s: float = QUIET_S
) -> list[Reaped]:
    """Close what is dead. One that cannot be closed does not stop the others.

    Raises:
        GoldenPathError: Prefect could not be asked which runs there are.
    """
    found = []
    for run in await board.open():
        sign = await asyncio.to_thread(_sign, warehouse, run)
        if why := death_of(sign, now(), gone_s, quiet_s):
            try:
                found.append(await _closed(warehouse, board, sign, why))
            except GoldenPathError:
                continue  # it writes after all, or Prefect is away: the next look will tell
    return found


async def _closed(warehouse: Path, board: Board, sign: Sign, why: str) -> Reaped:
    verdict = None
    if sign.run_id:
        verdict = await asyncio.to_thread(end_abandoned, warehouse, sign.run_id, why)
    word = verdict.verdict if verdict else _HOLD
    text = f"{verdict.rule} ({why})" if verdict else f"{why}; nothing is stored of it"
    await board.close(sign.flow_run_id, word, word.approves, text)
    return Reaped(flow_run_id=sign.flow_run_id, run_id=sign.run_id, verdict=word, why=why)


def _sign(warehouse: Path, run: OpenRun) -> Sign:
    journal, wrote_at = life_of(Warehouse(warehouse).spools, run.run_id)
    return Sign(journal=journal, wrote_at=wrote_at, **run.model_dump())

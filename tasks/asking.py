"""Wait for a person: in Prefect by a pause with a form, on this machine by a file from the CLI."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from pathlib import Path
from typing import Literal

from prefect.flow_runs import apause_flow_run
from prefect.input import RunInput
from prefect.logging import get_run_logger
from pydantic import ValidationError

from data.records.approval import Given, Said, Word
from tasks.inbox import taken

_POLL_S = 0.5
_LOOK_S = 2  # how often Prefect is asked whether somebody has filled in the form
_GRACE_S = 600.0  # the server must not end a run that ends by itself
Heard = tuple[Said, Literal["prefect", "cli"]]


class ApprovalForm(RunInput):
    """What Prefect's UI shows where a run waits, and what its API takes."""

    decision: Word
    name: Given
    reason: Given


async def person(path: Path, input_hash: str, about: str, wait_s: float) -> Heard | None:
    """What the first person says of this evidence; None when nobody did in time.

    Args:
        path: of the inbox; what it says of other evidence is taken out and counts for nothing.
        about: shown above the form.
    """
    ways: list[Awaitable[Heard]] = [_left(path, input_hash), _filled_in(input_hash, about, wait_s)]
    tasks = [asyncio.ensure_future(way) for way in ways]
    try:
        done, _ = await asyncio.wait(tasks, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
        return next(iter(done)).result() if done else None
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _left(path: Path, input_hash: str) -> Heard:
    while True:
        if (said := taken(path)) is not None:
            if said.input_hash == input_hash:
                return said, "cli"
            await asyncio.to_thread(path.unlink, True)
        await asyncio.sleep(_POLL_S)


async def _filled_in(input_hash: str, about: str, wait_s: float) -> Heard:
    """Without a server that can pause a run, nobody is heard here, and the inbox stays."""
    while True:
        try:
            form = ApprovalForm.with_initial_data(description=about)
            told = await apause_flow_run(
                wait_for_input=form, timeout=int(wait_s + _GRACE_S), poll_interval=_LOOK_S
            )
            said = Said(
                input_hash=input_hash, decision=told.decision, by=told.name, reason=told.reason
            )
            return said, "prefect"
        except ValidationError:
            get_run_logger().warning("the form was not filled in as it should be: it waits again")
        except Exception as error:
            get_run_logger().warning("no form in Prefect (%s): use goldenpath approve", error)
            await asyncio.Event().wait()

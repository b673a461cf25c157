"""A run that Prefect starts: with what its environment's block gives, and known by its name."""

from __future__ import annotations

from prefect.runtime import flow_run

from flows.session import Session
from flows.wiring import Request, open_recorder, wire
from tasks.hooks.board import name_run


async def opened(request: Request, block: str | None) -> Session:
    """The run's session. Prefect is told the run's id unless the caller gave it.

    Args:
        block: name of a Golden Path Environment block, None for none.

    Raises:
        PlanError: the plan has faults.
        UsageError: the warehouse cannot be written, or the run to resume cannot be.
    """
    variables, kept = await values_of(block)
    given = {"variables": variables, "warehouse": request.warehouse or kept or None}
    wired = wire(request.model_copy(update=given))
    session = Session(wired, open_recorder(wired))
    if not (request.run_id or request.resume):
        await name_run(flow_run.id, wired.run_id)
    return session


async def values_of(block: str | None) -> tuple[dict[str, str], str]:
    """Variables and secrets by name, and the path of a warehouse; empty without a block."""
    if not block:
        return {}, ""
    from blocks.environment import GoldenPathEnvironment

    loaded: GoldenPathEnvironment = await GoldenPathEnvironment.aload(block)
    return loaded.as_variables(), loaded.warehouse

"""`approve`: a person's word to a run that waits for it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Literal

import click

from flows.commands.reading import opened_warehouse, warehouse_option

if TYPE_CHECKING:
    from data.records.approval import Said
    from data.records.evidence import RunView


@click.command("approve")
@click.argument("run_id")
@click.option(
    "--decision",
    type=click.Choice(["promote", "hold"]),
    required=True,
    help="What is to be done with it.",
)
@click.option("--by", "name", required=True, help="Who says so.")
@click.option("--reason", required=True, help="Why.")
@warehouse_option
def approve_command(
    run_id: str,
    decision: Literal["promote", "hold"],
    name: str,
    reason: str,
    warehouse: str | None,
) -> None:
    """Decide about a run that waits for a person (the plan's `approval`).

    A run of this machine is told by a file beside it, any other through the Prefect server of
    PREFECT_API_URL.

    \b
    Example:
      goldenpath approve 20260131-120000-shop-7f3a --decision promote \\
        --by ann --reason "the slower search is known and accepted"
    """
    from data.errors import UsageError
    from data.records.approval import Said

    if not name.strip() or not reason.strip():
        raise UsageError("expected a name and a reason, got an empty text: both are kept")
    said = Said(input_hash="", decision=decision, by=name.strip(), reason=reason.strip())
    if elsewhere := _told_here(run_id, said, warehouse):
        _told_prefect(run_id, said, elsewhere)
    click.echo(f"{run_id}: {decision} by {said.by}; the run goes on")


def _told_here(run_id: str, said: Said, warehouse: str | None) -> str:
    """Tell a run whose process is here; else why it is to be looked for elsewhere.

    Raises:
        UsageError: nobody is asked, nobody would listen, or somebody was faster.
    """
    from data.errors import UsageError
    from data.store.lives import life_of
    from tasks.inbox import inbox, put

    found = opened_warehouse(warehouse)
    life = life_of(found.spools, run_id)[0]
    try:
        view = found.view(run_id)
    except UsageError as unknown:
        return str(unknown)
    asked = _asked(view, life != "free")
    if life == "absent":
        return f"the process of {run_id} is not on this machine"
    told = said.model_copy(update={"input_hash": asked})
    if not put(inbox(found.path.parent, run_id), told):
        raise UsageError(f"somebody has decided about {run_id} a moment ago: see show {run_id}")
    return ""


def _told_prefect(run_id: str, said: Said, here: str) -> None:
    """Raises: UsageError: it waits nowhere; with what is known of it on this machine."""
    from data.errors import UsageError
    from flows.wiring import has_prefect_api, prefect_defaults

    prefect_defaults()
    if not has_prefect_api():
        raise UsageError(f"{here}; for a run of another machine set PREFECT_API_URL")
    from tasks.hooks.board import Board

    if why := asyncio.run(Board().answer(run_id, said)):
        raise UsageError(f"{here}; {why}")


def _asked(view: RunView, lives: bool) -> str:
    """The evidence that a person is asked about.

    Raises:
        UsageError: nobody is asked, or nobody would listen.
    """
    from data.errors import UsageError
    from data.rules.deciding import sentence

    run_id, decision = view.evidence.run.run_id, view.decision
    if view.verdict is None:
        raise UsageError(f"{run_id} has no verdict yet: it can be decided about once it waits")
    if decision is None:
        raise UsageError(f"{run_id} waits for nobody: its verdict is {view.verdict.verdict}")
    if decision.how != "waiting":
        raise UsageError(f"{run_id} waits for nobody: it was {sentence(decision)}")
    if not lives:
        raise UsageError(
            f"the process of {run_id} is gone: goldenpath run {view.evidence.run.plan_path}"
            f" --resume {run_id} asks again"
        )
    return view.verdict.input_hash

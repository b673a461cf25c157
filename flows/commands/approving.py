"""`approve`: a person's word to a run that waits for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import click

from flows.commands.reading import opened_warehouse, warehouse_option

if TYPE_CHECKING:
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
    """Decide about a run of this machine that waits for a person (the plan's `approval`).

    \b
    Example:
      goldenpath approve 20260131-120000-shop-7f3a --decision promote \\
        --by ann --reason "the slower search is known and accepted"
    """
    from data.errors import UsageError
    from data.records.approval import Said
    from data.store.lives import life_of
    from tasks.inbox import inbox, put

    if not name.strip() or not reason.strip():
        raise UsageError("expected a name and a reason, got an empty text: both are kept")
    found = opened_warehouse(warehouse)
    said = Said(
        input_hash=_asked(found.view(run_id), life_of(found.spools, run_id)[0] == "held"),
        decision=decision,
        by=name.strip(),
        reason=reason.strip(),
    )
    if not put(inbox(found.path.parent, run_id), said):
        raise UsageError(f"somebody has decided about {run_id} a moment ago: see show {run_id}")
    click.echo(f"{run_id}: {decision} by {said.by}; the run goes on")


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

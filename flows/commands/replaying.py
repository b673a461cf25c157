"""`replay`: what another plan would have said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import click

from flows.cli import print_json
from flows.commands.plans import parse_set


@click.command("replay")
@click.argument("plan")
@click.option("--since", metavar="TIME", help="A date (2026-01-31), or a time span such as 30d.")
@click.option("--set", "sets", multiple=True, metavar="KEY=VALUE", help="Override a plan value.")
@click.option("--warehouse", metavar="PATH", help="DuckDB file [var/goldenpath.duckdb].")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def replay_command(
    plan: str, since: str | None, sets: tuple[str, ...], warehouse: str | None, as_json: bool
) -> None:
    """Judge stored runs again under PLAN; nothing is written. Which verdicts would change?

    \b
    Example:
      goldenpath replay examples/staging/plan.yaml --since 30d
      goldenpath replay plan.yaml --since 2026-01-31 --set baseline.runs=5 --json
    """
    from data.store.warehouse import Warehouse
    from flows.replay import lines_of, replay, tally
    from flows.wiring import read_plan, warehouse_path

    found = replay(
        Warehouse(warehouse_path(warehouse)), read_plan(plan, parse_set(sets)), _since(since)
    )
    if as_json:
        runs = [{**one.model_dump(mode="json"), "changed": one.changed} for one in found]
        print_json({"n_runs": len(found), "changes": tally(found), "runs": runs})
        return
    for line in lines_of(found):
        click.echo(line)


def _since(text: str | None) -> datetime | None:
    from data.records.units import parse_duration
    from tasks.clock import now

    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
        return at if at.tzinfo else at.replace(tzinfo=UTC)
    except ValueError:
        pass
    try:
        return now() - timedelta(seconds=parse_duration(text))
    except (ValueError, OverflowError):
        wanted = f"expected a date such as 2026-01-31 or a span such as 30d, got {text!r}"
        raise click.BadParameter(wanted, param_hint="--since") from None

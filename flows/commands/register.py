"""`register`: what a Prefect server needs for plans, in one command that can be repeated."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import click

from data.errors import Fault, PlanError, UsageError
from data.records.registration import Planned, Wanted
from data.rules.registering import ALARMS, block_of, orders_of


@click.command("register")
@click.argument("plans", metavar="PLAN...", nargs=-1, required=True)
@click.option("--pool", default="golden-path", show_default=True, help="Made if missing.")
@click.option("--pool-type", default="process", show_default=True, help="Of a pool that is made.")
@click.option("--warehouse", metavar="PATH", help="DuckDB file [var/goldenpath.duckdb].")
@click.option("--every", default="", metavar="CRON", help="Validate what serves at these times.")
@click.option("--audit", default="23 2 * * *", show_default=True, help="Cron line; '': none.")
@click.option("--watch", default="*/10 * * * *", show_default=True, help="Cron line; '': none.")
@click.option("--upkeep", default="41 3 * * *", show_default=True, help="Cron line; '': none.")
@click.option("--backups", default="", metavar="DIR", help="Where upkeep leaves backups.")
@click.option(
    "--variable", "variables", multiple=True, metavar="NAME", help="Keep it in the block."
)
@click.option("--secret", "secrets", multiple=True, metavar="NAME", help="The same, encrypted.")
@click.option("--notify", default="", metavar="NAME", help="Variable with a webhook's address.")
@click.option("--seen-at", default="", metavar="DIR", help="Folder of the plans for the worker.")
def register_command(
    plans: tuple[str, ...],
    pool: str,
    pool_type: str,
    warehouse: str | None,
    every: str,
    audit: str,
    watch: str,
    upkeep: str,
    backups: str,
    variables: tuple[str, ...],
    secrets: tuple[str, ...],
    notify: str,
    seen_at: str,
) -> None:
    """Make blocks, work pool, queues, deployments and automations for plans on a Prefect server.

    Values of --variable and --secret are taken from the environment of this command.

    \b
    Example:
      goldenpath register plan.yaml --every "17 * * * *" --secret SHOP_TOKEN --notify TEAM_WEBHOOK
    """
    from flows.wiring import has_prefect_api, prefect_defaults, warehouse_path

    prefect_defaults()
    if not has_prefect_api():
        raise UsageError("set PREFECT_API_URL to the server that is to have the deployments")
    values = _values((*variables, *secrets, *((notify,) if notify else ())))
    wanted = Wanted(
        plans=_planned(plans, seen_at),
        pool=pool,
        warehouse=str(warehouse_path(warehouse)),
        every=every,
        audit=audit,
        watch=watch,
        upkeep=upkeep,
        backups=str(Path(backups).absolute()) if backups else "",
    )
    plain = {name: values[name] for name in variables}
    hidden = {name: values[name] for name in secrets}
    asyncio.run(_registered(wanted, pool_type, plain, hidden, values.get(notify, "")))


def _values(names: tuple[str, ...]) -> dict[str, str]:
    from flows.wiring import variables_of_the_process

    environ = variables_of_the_process()
    missing = [name for name in names if not environ.get(name)]
    if missing:
        raise UsageError(f"not set in the environment of this command: {', '.join(missing)}")
    return {name: environ[name] for name in names}


def _planned(files: tuple[str, ...], seen_at: str) -> tuple[Planned, ...]:
    """All plans, or all faults of all of them."""
    from flows.wiring import read_plan

    found: list[Planned] = []
    faults: list[Fault] = []
    for file in files:
        try:
            plan = read_plan(file)
        except PlanError as error:
            faults += error.faults
            continue
        place = Path(seen_at) / Path(file).name if seen_at else Path(file).absolute()
        found.append(
            Planned(
                file=str(place),
                plan=plan.plan,
                environment=plan.environment,
                watched=plan.watch is not None,
            )
        )
    if faults:
        raise PlanError(faults)
    return tuple(found)


async def _registered(
    wanted: Wanted, kind: str, plain: dict[str, str], hidden: dict[str, str], webhook: str
) -> None:
    from prefect import Flow

    from blocks.register import keep_environment, keep_notifier
    from flows.audit import audit
    from flows.reaping import zombies
    from flows.upkeep import upkeep
    from flows.validate import validate
    from flows.watch import watch
    from tasks.prefect_setup import set_up_alarm, set_up_deployment, set_up_pool

    flows: dict[str, Flow[..., Any]] = {
        f.name: f for f in (validate, audit, watch, upkeep, zombies)
    }
    orders = orders_of(wanted)
    environments = sorted({plan.environment for plan in wanted.plans})
    await set_up_pool(wanted.pool, kind, environments)
    click.echo(f"work pool {wanted.pool}: one run at a time for {', '.join(environments)}")
    for environment in environments:
        n_plain, n_hidden = await keep_environment(block_of(environment), plain, hidden)
        click.echo(f"block {block_of(environment)}: {n_plain} variables, {n_hidden} secrets")
    for order in orders:
        await set_up_deployment(flows[order.flow], order, wanted.pool)
        when = f", {order.cron} UTC" if order.cron else ", on demand"
        click.echo(f"deployment {order.flow}/{order.name}{when}")
    if webhook:
        notifier = await keep_notifier("golden-path-notifier", webhook)
        for alarm in ALARMS:
            await set_up_alarm(alarm, notifier)
            click.echo(f"automation {alarm.name}")
    click.echo(f"next: prefect worker start --pool {wanted.pool}")

"""`down`: stop what the local deployer runs."""

from __future__ import annotations

import asyncio

import click


@click.command("down")
@click.argument("plan")
@click.option("--set", "sets", multiple=True, metavar="KEY=VALUE", help="Override a plan value.")
def down_command(plan: str, sets: tuple[str, ...]) -> None:
    """Stop the processes that the local deployer of a plan started.

    \b
    Example:
      goldenpath down examples/staging/plan.yaml
    """
    from data.errors import UsageError
    from data.records.plan import DeployLocal
    from flows.commands.plans import parse_set
    from flows.wiring import Request, wire
    from tasks.deploy.local import LocalDeployer

    wired = wire(Request(plan=plan, overrides=parse_set(sets)))
    deployer = wired.deployer()
    if not isinstance(wired.plan.deploy, DeployLocal) or not isinstance(deployer, LocalDeployer):
        raise UsageError(f"{plan} does not use the local deployer: there is nothing to stop")
    asyncio.run(deployer.stop())
    click.echo("stopped")

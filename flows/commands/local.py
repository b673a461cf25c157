"""`down`: stop what the local deployer runs."""

from __future__ import annotations

import asyncio

import click


@click.command("down")
@click.argument("plan")
def down_command(plan: str) -> None:
    """Stop the processes that the local deployer of a plan started.

    \b
    Example:
      goldenpath down examples/staging/plan.yaml
    """
    from data.errors import UsageError
    from data.records.plan import DeployLocal
    from flows.wiring import Request, wire
    from tasks.deploy.local import LocalDeployer

    wired = wire(Request(plan=plan))
    deployer = wired.deployer()
    if not isinstance(wired.plan.deploy, DeployLocal) or not isinstance(deployer, LocalDeployer):
        raise UsageError(f"{plan} does not use the local deployer: there is nothing to stop")
    asyncio.run(deployer.stop())
    click.echo("stopped")

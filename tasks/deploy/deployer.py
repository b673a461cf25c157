"""What every deployer can do, and the choice among them by the plan."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from data.records.facts import DeployResult
from data.records.plan import DeployCommand, DeployLocal, Plan
from data.records.record import Record


class DeployOrder(Record):
    """Everything a deployer needs.

    Attributes:
        revision: what to deploy; None: the deployer's own default.
        root: the plan's folder; relative paths start there.
        env: environment for processes.
        variables: templates by name.
    """

    run_id: str
    plan: Plan
    revision: str | None
    root: Path
    env: dict[str, str]
    variables: dict[str, str]


class Moved(Record):
    """What a rollback or a promotion did."""

    done: bool
    message: str


class Deployer(Protocol):
    """Deploys a revision and rolls back to one. Failures are results, not exceptions."""

    async def prepare(self) -> None:
        """Whatever can be found wrong before the run starts (UsageError)."""

    async def deploy(self) -> DeployResult:
        """Deploy the order's revision; outcome FAIL when it will not start."""

    async def retained(self, revision: str) -> dict[str, str]:
        """Service -> direct address of a revision that is kept beside the live one."""

    async def roll_back(self, revision: str) -> Moved:
        """Send all traffic to an earlier revision."""

    async def promote(self, revision: str) -> Moved:
        """Send all traffic to the deployed revision; done means that it is over."""


def deployer_for(order: DeployOrder) -> Deployer:
    """The deployer that the plan names."""
    deploy = order.plan.deploy
    if isinstance(deploy, DeployLocal):
        from tasks.deploy.local import LocalDeployer

        return LocalDeployer(order, deploy)
    if isinstance(deploy, DeployCommand):
        from tasks.deploy.command import CommandDeployer

        return CommandDeployer(order, deploy)
    from tasks.deploy.nothing import NoDeployer

    return NoDeployer(order)

"""What every deployer can do, and the choice among them by the plan."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from pydantic import Field

from data.errors import UsageError
from data.records.cloud_run import DeployCloudRun
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
    """What a rollback or a promotion did.

    Attributes:
        revisions: service -> the revision that users ought to get now, in the service's own
            words; empty: the deployer has no other name for it than the one it was given.
        urls: service -> address of its users, where the deployer knows it.
    """

    done: bool
    message: str
    revisions: dict[str, str] = Field(default_factory=dict)
    urls: dict[str, str] = Field(default_factory=dict)


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
    if isinstance(deploy, DeployCloudRun):
        return _cloud_run(order, deploy)
    from tasks.deploy.nothing import NoDeployer

    return NoDeployer(order)


def _cloud_run(order: DeployOrder, deploy: DeployCloudRun) -> Deployer:
    try:
        from tasks.deploy.cloud_run import CloudRunDeployer
    except ImportError as error:
        raise UsageError(
            "the deployer 'cloud-run' needs Google's client:"
            f" pip install 'golden-path[cloud-run]' ({error})"
        ) from error
    return CloudRunDeployer(order, deploy)

"""`none`: validate what is there."""

from __future__ import annotations

from data.records.facts import DeployResult
from data.records.words import Outcome
from tasks.clock import now
from tasks.deploy.deployer import DeployOrder, Moved


class NoDeployer:
    """Deploys nothing. A named revision is expected of every service whose revision is read."""

    def __init__(self, order: DeployOrder) -> None:
        self.order = order

    async def prepare(self) -> None:
        """Nothing to prepare."""

    async def deploy(self) -> DeployResult:
        """A result with outcome SKIPPED."""
        revision = self.order.revision
        services = self.order.plan.services if revision else {}
        return DeployResult(
            run_id=self.order.run_id,
            deployer="none",
            outcome=Outcome.SKIPPED,
            revision=revision,
            revisions={name: revision for name in services if revision},
            message="nothing was deployed: validating what is there",
            at=now(),
        )

    async def retained(self, revision: str) -> dict[str, str]:
        """Nothing is kept."""
        return {}

    async def roll_back(self, revision: str) -> Moved:
        """Cannot."""
        return Moved(done=False, message="the deployer 'none' cannot roll back")

    async def promote(self, revision: str) -> Moved:
        """Cannot."""
        return Moved(done=False, message="the deployer 'none' cannot promote")

"""Faults of `promotion`: a deployer that cannot, and a promotion that nobody could read back."""

from __future__ import annotations

from collections.abc import Iterator

from data.records.cloud_run import DeployCloudRun
from data.records.plan import Deploy, DeployCommand, Plan
from data.rules.planning.document import Path


def promotion_faults(plan: Plan) -> Iterator[tuple[Path, str, str]]:
    """Place, fault and hint of each."""
    if plan.promotion is None:
        return
    if not _can_promote(plan.deploy):
        yield (
            ("promotion",),
            f"the deployer {plan.deploy.deployer!r} cannot promote",
            "give a command deployer deploy.promote, or leave promotion out",
        )
    if all(service.revision is None for service in plan.services.values()):
        yield (
            ("promotion",),
            "no service tells its revision, so a promotion could not be read back",
            "give a service a revision source",
        )
    yield from _live(plan, plan.promotion.live)


def _can_promote(deploy: Deploy) -> bool:
    if isinstance(deploy, DeployCommand):
        return deploy.promote is not None
    return isinstance(deploy, DeployCloudRun)


def _live(plan: Plan, live: dict[str, str]) -> Iterator[tuple[Path, str, str]]:
    for name in live:
        path: Path = ("promotion", "live", name)
        if name not in plan.services:
            known = ", ".join(sorted(plan.services))
            yield path, f"unknown service {name!r}", f"the plan has: {known}"
        elif plan.services[name].revision is None:
            yield (
                path,
                f"service {name!r} does not tell its revision and is not read back here",
                "give it a revision source, or leave it out",
            )

"""Faults of a plan for Cloud Run: unknown services, and addresses of another revision."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from urllib.parse import urlsplit

from data.records.cloud_run import DeployCloudRun
from data.records.plan import Plan
from data.rules.planning.document import Path
from data.rules.traffic import revision_name

_OWN = ".run.app"  # the platform's own addresses: TAG---SERVICE-….run.app
_MARK = "---"
Told = tuple[Path, str, str]


def cloud_run_faults(plan: Plan) -> Iterator[Told]:
    """Place, fault and hint of each; none where another deployer is meant."""
    if not isinstance(plan.deploy, DeployCloudRun):
        return
    counts = Counter(one.service for one in plan.deploy.services.values())
    for name, service in plan.deploy.services.items():
        path: Path = ("deploy", "services", name)
        if name not in plan.services:
            yield path, f"unknown service {name!r}", f"the plan has: {', '.join(plan.services)}"
        elif wrong := _address(plan.services[name].url, plan.deploy.tag):
            yield ("services", name, "url"), *wrong
        if counts[service.service] > 1:
            text = f"{service.service!r} is deployed {counts[service.service]} times"
            yield (*path, "service"), text, "one entry for each service of Cloud Run"
        yield from _name(plan.deploy.revision, service.service)


def _name(revision: str | None, service: str) -> Iterator[Told]:
    try:
        revision_name(service, revision or "1")
    except ValueError as error:
        yield ("deploy", "revision"), str(error), "choose a shorter name"


def _address(url: str, tag: str) -> tuple[str, str] | None:
    """What is wrong with a platform's own address that is not the tag's; and a hint."""
    host = urlsplit(url).hostname or ""
    if not host.endswith(_OWN) or host.startswith(tag + _MARK):
        return None
    other = host.partition(_MARK)[0] if _MARK in host else ""
    what = f"is the address of the tag {other!r}" if other else "is where users are served"
    return f"{host} {what}: a new revision answers at its tag {tag!r}", f"https://{tag}{_MARK}…"

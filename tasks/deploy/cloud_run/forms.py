"""Between the messages of Google's API and our records. Nothing is sent here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum

from google.cloud.run_v2 import (
    Condition,
    Container,
    Revision,
    RevisionTemplate,
    Service,
    TrafficTarget,
    TrafficTargetAllocationType,
    TrafficTargetStatus,
)

from data.errors import PlatformRefused
from data.records.cloud_run import CloudRunService
from data.records.traffic import Route
from data.rules.traffic import pinned

_BY_NAME = TrafficTargetAllocationType.TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION


class Readiness(Enum):
    """Of a revision."""

    READY = 1
    WAITING = 2
    FAILED = 3


_STATES = {
    Condition.State.CONDITION_SUCCEEDED: Readiness.READY,
    Condition.State.CONDITION_FAILED: Readiness.FAILED,
}


def readiness(revision: Revision) -> tuple[Readiness, str]:
    """What its condition `Ready` says, in the platform's words; without one it is waited for."""
    for one in revision.conditions:
        if one.type_ == "Ready":
            words = one.message or Condition.RevisionReason(one.revision_reason).name
            return _STATES.get(one.state, Readiness.WAITING), words
    return Readiness.WAITING, "the platform says nothing of it yet"


def short(path: str) -> str:
    """`chat-v1` of `projects/…/revisions/chat-v1`."""
    return path.rsplit("/", 1)[-1]


def asked_for(service: Service) -> tuple[Route, ...]:
    """The traffic that was asked for, by name. Nothing asked for means all to the latest.

    Raises:
        PlatformRefused: it means the latest, and none was ever ready.
    """
    routes = tuple(
        Route(revision=_name(one), percent=one.percent, tag=one.tag) for one in service.traffic
    ) or (Route(percent=100),)
    return _pinned(routes, service)


def statuses(service: Service) -> tuple[Route, ...]:
    """The traffic that users get now, as the service tells it."""
    return _pinned(
        tuple(
            Route(revision=short(one.revision), percent=one.percent, tag=one.tag, url=one.uri)
            for one in service.traffic_statuses
        ),
        service,
    )


def _name(target: TrafficTarget | TrafficTargetStatus) -> str:
    return short(target.revision) if target.type_ == _BY_NAME else ""


def _pinned(routes: Sequence[Route], service: Service) -> tuple[Route, ...]:
    latest = short(service.latest_ready_revision)
    if not latest and any(not route.revision for route in routes):
        raise PlatformRefused(f"no revision of {short(service.name)} was ever ready")
    return pinned(routes, latest)


def with_routes(service: Service, routes: Sequence[Route]) -> Service:
    """What to write so that the traffic is so; the etag says what it was read from."""
    traffic = [
        TrafficTarget(type_=_BY_NAME, revision=one.revision, percent=one.percent, tag=one.tag)
        for one in routes
    ]
    return Service(name=service.name, etag=service.etag, traffic=traffic)


def with_image(service: Service, wanted: CloudRunService, name: str) -> Service:
    """What to write to get a revision with another image and everything else as it was."""
    changed = with_routes(service, asked_for(service))
    changed.template = RevisionTemplate(service.template)
    changed.template.revision = name
    _container(changed.template.containers, wanted.container).image = wanted.image
    return changed


def image_of(containers: Sequence[Container], name: str) -> str:
    """The image of the container that is ours. Raises PlatformRefused where none is."""
    return str(_container(containers, name).image)


def _container(containers: Sequence[Container], name: str) -> Container:
    """By name; else the only one, else the only one with ports."""
    named = [one for one in containers if one.name == name] if name else list(containers)
    found = named if len(named) == 1 else [one for one in named if one.ports]
    if len(found) == 1:
        return found[0]
    there = ", ".join(re.sub(r"^$", "(no name)", one.name) for one in containers) or "none"
    raise PlatformRefused(f"which container gets the image? There are: {there}")

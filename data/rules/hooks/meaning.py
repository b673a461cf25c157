"""Which deployment a verified delivery tells of: one reader a kind of sender.

Sources: GitHub "Webhook events and payloads" (deployment_status, deployment_protection_rule);
GitLab "Webhook events" (deployment events); Standard Webhooks 1.0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from data.errors import UsageError
from data.records.hooks import Ignored, Source, Told
from data.rules.hooks.answers import commit_place
from data.rules.hooks.google import google
from data.rules.hooks.reading import at, moment, revision, text

Headers = Mapping[str, str]
Reader = Callable[[Headers, Mapping[str, Any], Source], Told | Ignored]
_DONE = ("deployment.succeeded", "deployment.finished")


def event_of(kind: str, headers: Headers, body: Mapping[str, Any]) -> str:
    """What the sender calls the event, at most 100 characters."""
    named = {
        "github": headers.get("x-github-event"),
        "gitlab": headers.get("x-gitlab-event"),
        "google": at(body, "message.attributes.ResourceType") or "push",
    }
    return str(named.get(kind) or body.get("type") or "")[:100]


def meaning_of(
    source: Source, headers: Headers, body: Mapping[str, Any]
) -> tuple[str, Told] | Ignored:
    """The environment and what was deployed there, or why it means nothing.

    Args:
        headers: names in lower case.
        body: the parsed body, whose signature was right.

    Raises:
        UsageError: an event that we know, without the fields that it should have.
    """
    told = READERS[source.kind](headers, body, source)
    if isinstance(told, Ignored):
        return told
    for place in told.places:
        if environment := source.environments.get(place):
            return environment, told
    return Ignored(reason=f"no environment for {told.places[0][:100]!a} in hooks.yaml")


def _github(headers: Headers, body: Mapping[str, Any], source: Source) -> Told | Ignored:
    event = headers.get("x-github-event", "")
    if event == "deployment_protection_rule":
        return _protection_rule(body, source)
    if event != "deployment_status":
        return Ignored(reason=f"event {event[:100]!a} is none that starts a run")
    state = text(body, "deployment_status.state")
    if state != "success":
        return Ignored(reason=f"the deployment is {state[:40]!a}, not 'success'")
    return Told(
        places=(text(body, "deployment.environment"),),
        revisions={source.service or "": revision(text(body, "deployment.sha"))},
        deployed_at=moment(text(body, "deployment_status.created_at")),
        **_origin(body),
    )


def _protection_rule(body: Mapping[str, Any], source: Source) -> Told | Ignored:
    """What waits for permission to be deployed. Nothing is deployed yet, so its own time counts."""
    if body.get("action") != "requested":
        return Ignored(reason="a protection rule that is not 'requested'")
    return Told(
        places=(f"protect:{text(body, 'environment')}",),
        revisions={source.service or "": revision(text(body, "deployment.sha"))},
        deployed_at=moment(text(body, "deployment.created_at")),
        callback=text(body, "deployment_callback_url"),
        asked_for=text(body, "environment"),
        **_origin(body),
    )


def _origin(body: Mapping[str, Any]) -> dict[str, Any]:
    """Where a status is shown and by which App's leave, as far as the delivery tells it."""
    place = commit_place("github", at(body, "repository.full_name"), at(body, "deployment.sha"))
    number = at(body, "installation.id")
    is_number = isinstance(number, int) and not isinstance(number, bool) and number > 0
    return {"commit": place, "installation": number if is_number else 0}


def _gitlab(headers: Headers, body: Mapping[str, Any], source: Source) -> Told | Ignored:
    if headers.get("x-gitlab-event") != "Deployment Hook":
        event = headers.get("x-gitlab-event", "")
        return Ignored(reason=f"event {event[:100]!a} is none that starts a run")
    if body.get("object_kind") != "deployment":
        raise UsageError("expected object_kind 'deployment' in a Deployment Hook")
    status = text(body, "status")
    if status != "success":
        return Ignored(reason=f"the deployment is {status[:40]!a}, not 'success'")
    # the only place of the whole commit id; `short_sha` has eight letters of it
    commit = text(body, "commit_url").rstrip("/").rsplit("/", 1)[-1]
    return Told(
        places=(text(body, "environment"),),
        revisions={source.service or "": revision(commit)},
        deployed_at=moment(text(body, "status_changed_at")),
        commit=commit_place("gitlab", at(body, "project.path_with_namespace"), commit),
    )


def _plain(headers: Headers, body: Mapping[str, Any], source: Source) -> Told | Ignored:
    """Our own form, for Argo CD's template and any CI:

    `{"type": "deployment.succeeded", "timestamp": …, "data": {"environment": …, "revision": … or
    "revisions": {service: revision}}}`
    """
    kind = text(body, "type")
    if kind not in _DONE:
        return Ignored(reason=f"event {kind[:100]!a} is none that starts a run")
    return Told(
        places=(text(body, "data.environment"),),
        revisions=_revisions(body, source),
        deployed_at=moment(text(body, "timestamp")),
    )


def _revisions(body: Mapping[str, Any], source: Source) -> dict[str, str]:
    many = at(body, "data.revisions")
    if many is None:
        return {source.service or "": revision(text(body, "data.revision"))}
    if not isinstance(many, dict) or not 0 < len(many) <= 100:
        raise UsageError("expected data.revisions as {service: revision}, with 1 to 100 of them")
    if not all(isinstance(one, str) for one in many.values()):
        raise UsageError("expected text for each service in data.revisions")
    return {revision(name): revision(one) for name, one in many.items()}


READERS: dict[str, Reader] = {
    "github": _github,
    "gitlab": _gitlab,
    "google": google,
    "argocd": _plain,
    "standard": _plain,
}

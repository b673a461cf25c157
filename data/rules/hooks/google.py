"""Pub/Sub pushes of Cloud Deploy and of Cloud Run's audit log.

Sources: "Push subscriptions" (Pub/Sub), "Subscribe to Cloud Deploy notifications" (topic
`clouddeploy-operations`), "Audit logging" (Cloud Run).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from data.errors import UsageError
from data.records.hooks import Ignored, Source, Told
from data.rules.hooks.reading import at, moment, parsed, revision, text

_RUN = ("run.googleapis.com",)


def google(_: Mapping[str, str], body: Mapping[str, Any], source: Source) -> Told | Ignored:
    """A rollout that succeeded, or a Cloud Run service whose newest revision is ready."""
    if at(body, "message.attributes.ResourceType"):
        return _cloud_deploy(body, source)
    entry = _data(body)
    if at(entry, "protoPayload.serviceName") in _RUN:
        return _cloud_run(entry, source)
    return Ignored(reason="neither a Cloud Deploy notification nor an audit entry of Cloud Run")


def _cloud_deploy(body: Mapping[str, Any], source: Source) -> Told | Ignored:
    told: Mapping[str, Any] = at(body, "message.attributes")
    kind, action = text(told, "ResourceType"), text(told, "Action")
    if (kind, action) != ("Rollout", "Succeed"):
        return Ignored(reason=f"{kind[:40]!a} {action[:40]!a}: waiting for a Rollout that Succeeds")
    target = text(told, "TargetId")
    when = at(body, "message.publishTime") or at(body, "message.publish_time")
    pipeline = told.get("DeliveryPipelineId")
    return Told(
        places=(f"{pipeline}/{target}", target) if isinstance(pipeline, str) else (target,),
        revisions={source.service or "": revision(text(told, "ReleaseId"))},
        deployed_at=moment(text({"publishTime": when}, "publishTime")),
    )


def _cloud_run(entry: Mapping[str, Any], source: Source) -> Told | Ignored:
    method = str(at(entry, "protoPayload.methodName") or "")
    if "Services." not in method:
        return Ignored(reason=f"Cloud Run's {method[:100]!a} deploys nothing")
    status: Any = at(entry, "protoPayload.response.status") or {}
    ready, created = at(status, "latestReadyRevisionName"), at(status, "latestCreatedRevisionName")
    if not ready or ready != created:
        return Ignored(reason="the newest revision of the service is not ready yet")
    service, project = text(entry, "resource.labels.service_name"), _project(entry)
    return Told(
        places=(f"{project}/{service}", service),
        revisions={source.service or service: revision(text(status, "latestReadyRevisionName"))},
        deployed_at=moment(text(entry, "timestamp")),
    )


def _project(entry: Mapping[str, Any]) -> str:
    return str(at(entry, "resource.labels.project_id") or "")


def _data(body: Mapping[str, Any]) -> Mapping[str, Any]:
    data = at(body, "message.data")
    if not isinstance(data, str):
        raise UsageError(f"expected text at message.data, got {type(data).__name__}")
    try:
        return parsed(base64.b64decode(data, validate=True))
    except (binascii.Error, ValueError):
        raise UsageError("expected message.data in base64") from None

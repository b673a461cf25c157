"""A verdict as GitHub and GitLab show it beside a commit or a deployment.

Sources: GitHub REST "Commit statuses" and "Deployment statuses"; GitLab REST "Set commit pipeline
status".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from data.errors import UsageError
from data.records.record import Record
from data.records.words import VerdictWord

_PLACE = re.compile(
    r"(?P<kind>github|gitlab):(?P<project>[A-Za-z0-9_.\-/%]+)"
    r"(?:@(?P<commit>[0-9a-fA-F]{7,64})|#(?P<deployment>\d+))\Z"
)
_MOST = 140  # GitHub refuses a longer description
_WORDS = {"success": "success", "failure": "failed", "error": "failed", "pending": "running"}


class StatusPlace(Record):
    """Where a verdict is shown: a commit, or (GitHub) a deployment by its number."""

    kind: str
    project: str
    commit: str | None = None
    deployment: int | None = None


class StatusCall(Record):
    """One call of an API: path below its root, and the body."""

    path: str
    body: Mapping[str, Any]


def place_of(text: str) -> StatusPlace:
    """`github:owner/repo@commit`, `github:owner/repo#deployment`, `gitlab:group/project@commit`.

    Raises:
        UsageError: none of them.
    """
    match = _PLACE.match(text)
    found = match and StatusPlace.model_validate(match.groupdict())
    if not found or (found.kind == "gitlab" and found.deployment is not None):
        raise UsageError(
            "expected github:OWNER/REPO@COMMIT, github:OWNER/REPO#DEPLOYMENT or"
            f" gitlab:GROUP/PROJECT@COMMIT, got {text!a}"
        )
    return found


def state_of(state: str | None) -> str:
    """GitHub's word for a run's state: None while it goes on, else a verdict, or what went wrong.

    Only an approval is a success. What is no verdict is an error, never a success.
    """
    if state is None:
        return "pending"
    if state not in set(VerdictWord):
        return "error"
    return "success" if VerdictWord(state).approves else "failure"


def call_of(
    place: StatusPlace, state: str | None, sentence: str, name: str, url: str
) -> StatusCall:
    """The call that shows it.

    Args:
        state: name of the run's final state; None: it goes on.
        sentence: why; cut to 140 characters.
        name: which check this is, such as `golden-path/staging`.
        url: link to the run, "" where there is none.
    """
    word, said = state_of(state), f"{state or 'running'}: {sentence}".strip(": ")
    text = said if len(said) <= _MOST else said[: _MOST - 1] + "…"
    if place.kind == "gitlab":
        project = place.project.replace("/", "%2F")
        body = {"state": _WORDS[word], "name": name, "description": text, "target_url": url}
        return StatusCall(path=f"projects/{project}/statuses/{place.commit}", body=_some(body))
    if place.deployment is not None:
        word = "in_progress" if word == "pending" else word
        body = {"state": word, "description": text, "log_url": url}
        path = f"repos/{place.project}/deployments/{place.deployment}/statuses"
        return StatusCall(path=path, body=_some(body))
    body = {"state": word, "context": name, "description": text, "target_url": url}
    return StatusCall(path=f"repos/{place.project}/statuses/{place.commit}", body=_some(body))


def _some(body: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in body.items() if value != ""}

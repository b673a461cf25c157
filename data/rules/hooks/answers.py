"""What a forge that waits is answered, and where: nowhere but at the API that was configured.

Source: GitHub REST "Review custom deployment protection rules for a workflow run".
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from data.records.words import VerdictWord

_NAME = r"[A-Za-z0-9_.-]+"
_PROJECT = re.compile(rf"{_NAME}(?:/{_NAME})+\Z")
_COMMIT = re.compile(r"[0-9a-fA-F]{7,64}\Z")
_CALLBACK = re.compile(
    rf"/repos/(?P<project>{_NAME}/{_NAME})/actions/runs/\d{{1,20}}/deployment_protection_rule\Z"
)
_MOST = 1000


def commit_place(kind: str, project: object, commit: object) -> str:
    """`github:owner/repo@sha` for a status; "" where one of the two is missing or is none."""
    if not isinstance(project, str) or not isinstance(commit, str):
        return ""
    whole = len(project) <= 300 and _PROJECT.match(project) and _COMMIT.match(commit)
    return f"{kind}:{project}@{commit}" if whole else ""


def callback_path(api: str, callback: str, commit: str) -> str | None:
    """The path below the API's root that reviews a deployment; None for any other address.

    Scheme, host and port are the API's own, letter for letter, the path is that of a review and of
    the repository that the delivery is about. So no delivery makes the receiver, and its token, go
    anywhere else: not to another host, not to another call, not to another project.

    Args:
        api: root of the API, such as `https://api.github.com`.
        commit: place of the delivery's commit; "": any repository of this API.
    """
    try:
        root, asked = urlsplit(api.rstrip("/")), urlsplit(callback)
    except ValueError:
        return None
    plain = not (asked.query or asked.fragment or "\\" in callback or callback != callback.strip())
    if (asked.scheme, asked.netloc) != (root.scheme, root.netloc) or not plain:
        return None
    if not asked.path.startswith(f"{root.path}/repos/"):
        return None
    path = asked.path[len(root.path) :]
    match = _CALLBACK.match(path)
    if match is None or ".." in path.split("/"):
        return None
    project = commit.partition(":")[2].partition("@")[0]
    return path[1:] if not project or match["project"].lower() == project.lower() else None


def review_of(
    state: str, sentence: str, asked_for: str, hold: str, link: str
) -> dict[str, Any] | None:
    """The review of a deployment that waits; None where it is left to a person.

    Only an approval approves. ROLL_BACK, and a deployment that a newer one overtook, are rejected;
    HOLD and whatever is no verdict (crashed, cancelled, not started) as `hold` says.

    Args:
        state: a verdict, or how the run ended without one.
        hold: `rejected` or `pending`.
    """
    word = VerdictWord(state) if state in set(VerdictWord) else None
    if word is not None and word.approves:
        review = "approved"
    elif word in (VerdictWord.ROLL_BACK, VerdictWord.SUPERSEDED) or state == "OLDER":
        review = "rejected"
    elif hold == "pending":
        return None
    else:
        review = "rejected"
    said = f"{state}: {sentence}".strip(": ")
    text = said if len(said) <= _MOST else said[: _MOST - 1] + "…"
    comment = f"{text}\n{link}" if link else text
    return {"environment_name": asked_for, "state": review, "comment": comment}


def link_of(template: str, run_id: str, flow_run_id: str) -> str:
    """The address of a run; "" where it would name a flow run that there is not."""
    if "{{flow_run_id}}" in template and not flow_run_id:
        return ""
    return template.replace("{{run_id}}", run_id).replace("{{flow_run_id}}", flow_run_id)

"""The issues of a project on GitHub or GitLab, as one thing that both can do.

Sources: GitHub REST "Issues", "Timeline events", "Pulls", "Compare two commits"; GitLab REST
"Issues", "Notes", "List merge requests that close a particular issue on merge", "Merge base".
"""

from __future__ import annotations

import re
from typing import Any, Protocol
from urllib.parse import quote

from data.errors import ForgeRefused
from data.records.issues import Issues
from data.records.remedy import Claim, Known
from tasks.forge import Forge

_CLOSES = r"\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?)"
_COMMIT = re.compile(r"[0-9a-f]{7,64}\Z", re.I)


class Project(Protocol):
    """What remediation needs of a forge. Every method raises ForgeRefused and ForgeAway."""

    async def issues(self) -> list[dict[str, Any]]:
        """Ours by label, open and closed: number, url, is_open, title, body."""

    async def open(self, title: str, body: str) -> int:
        """A new issue with our label; its number."""

    async def edit(self, number: int, body: str = "", is_open: bool | None = None) -> None:
        """Another body, or another state; "" and None leave it."""

    async def notes(self, number: int) -> list[str]:
        """Texts of all comments."""

    async def note(self, number: int, text: str) -> None:
        """One more comment."""

    async def claims(self, number: int) -> list[Claim]:
        """Pull requests of the same project that say they fix it."""

    async def has(self, revision: str, commit: str) -> bool | None:
        """Whether a revision has a commit; None where the forge cannot tell."""


def project_of(wanted: Issues, forge: Forge) -> Project:
    """The project of a plan."""
    return (GitHub if wanted.kind == "github" else GitLab)(forge, wanted.name, wanted.label)


async def with_claims(project: Project, known: Known, revision: str | None) -> Known:
    """The issue with who claims to have fixed it, and whether this revision has that."""
    claims = []
    for claim in await project.claims(known.number):
        served = None
        if claim.commit and revision and _COMMIT.match(revision):
            served = await project.has(revision, claim.commit)
        claims.append(claim.model_copy(update={"served": served}))
    return known.model_copy(update={"claims": tuple(claims)})


class GitHub:
    """`repos/OWNER/REPO/issues`. Its list has pull requests too, which are none."""

    def __init__(self, forge: Forge, name: str, label: str) -> None:
        self._forge, self._name, self._label = forge, name, label
        self._root = f"repos/{name}"

    async def issues(self) -> list[dict[str, Any]]:
        """See `Project`."""
        query = {"labels": self._label, "state": "all", "sort": "created", "direction": "asc"}
        found = await self._forge.pages(f"{self._root}/issues", **query)
        return [
            {
                "number": one["number"],
                "url": one["html_url"],
                "is_open": one["state"] == "open",
                "declined": one.get("state_reason") == "not_planned",
                "title": one["title"],
                "body": one["body"] or "",
            }
            for one in found
            if "pull_request" not in one
        ]

    async def open(self, title: str, body: str) -> int:
        """See `Project`."""
        made = {"title": title, "body": body, "labels": [self._label]}
        answer = await self._forge.ask("POST", f"{self._root}/issues", made, again=False)
        return int(answer["number"])

    async def edit(self, number: int, body: str = "", is_open: bool | None = None) -> None:
        """See `Project`."""
        change: dict[str, Any] = {"body": body} if body else {}
        if is_open is not None:
            reason = "reopened" if is_open else "completed"
            change |= {"state": "open" if is_open else "closed", "state_reason": reason}
        await self._forge.ask("PATCH", f"{self._root}/issues/{number}", change)

    async def notes(self, number: int) -> list[str]:
        """See `Project`."""
        found = await self._forge.pages(f"{self._root}/issues/{number}/comments")
        return [str(one["body"] or "") for one in found]

    async def note(self, number: int, text: str) -> None:
        """See `Project`."""
        path = f"{self._root}/issues/{number}/comments"
        await self._forge.ask("POST", path, {"body": text}, again=False)

    async def claims(self, number: int) -> list[Claim]:
        """Those whose title or body says "fixes #7", with GitHub's words for it."""
        says = re.compile(rf"{_CLOSES}:? (?:{re.escape(self._name)})?#{number}\b", re.I)
        found: dict[int, Claim] = {}
        for event in await self._forge.pages(f"{self._root}/issues/{number}/timeline"):
            issue = (event.get("source") or {}).get("issue") or {}
            pull = issue.get("pull_request")
            is_here = (issue.get("repository") or {}).get("full_name") == self._name
            text = f"{issue.get('title') or ''}\n{issue.get('body') or ''}"
            if event.get("event") == "cross-referenced" and pull and is_here and says.search(text):
                found[issue["number"]] = await self._claim(issue["number"])
        return list(found.values())

    async def has(self, revision: str, commit: str) -> bool | None:
        """`commit...revision`: ahead or identical where the revision has the commit."""
        try:
            path = f"{self._root}/compare/{commit}...{revision}"
            answer = await self._forge.ask("GET", path, per_page=1)
        except ForgeRefused:
            return None
        return answer["status"] in ("ahead", "identical")

    async def _claim(self, number: int) -> Claim:
        pull = await self._forge.ask("GET", f"{self._root}/pulls/{number}")
        merged = pull["merged_at"]
        commit = str(pull["merge_commit_sha"] or "") if merged else ""
        return Claim(number=number, url=pull["html_url"], merged_at=merged, commit=commit)


class GitLab:
    """`projects/GROUP%2FPROJECT/issues`, by the number within the project."""

    def __init__(self, forge: Forge, name: str, label: str) -> None:
        self._forge, self._label = forge, label
        self._root = f"projects/{quote(name, safe='')}"

    async def issues(self) -> list[dict[str, Any]]:
        """See `Project`."""
        query = {"labels": self._label, "state": "all", "order_by": "created_at", "sort": "asc"}
        return [
            {
                "number": one["iid"],
                "url": one["web_url"],
                "is_open": one["state"] == "opened",
                "title": one["title"],
                "body": one["description"] or "",
            }
            for one in await self._forge.pages(f"{self._root}/issues", **query)
        ]

    async def open(self, title: str, body: str) -> int:
        """See `Project`."""
        made = {"title": title, "description": body, "labels": self._label}
        answer = await self._forge.ask("POST", f"{self._root}/issues", made, again=False)
        return int(answer["iid"])

    async def edit(self, number: int, body: str = "", is_open: bool | None = None) -> None:
        """See `Project`."""
        change = {"description": body} if body else {}
        if is_open is not None:
            change["state_event"] = "reopen" if is_open else "close"
        await self._forge.ask("PUT", f"{self._root}/issues/{number}", change)

    async def notes(self, number: int) -> list[str]:
        """See `Project`."""
        found = await self._forge.pages(f"{self._root}/issues/{number}/notes")
        return [str(one["body"] or "") for one in found]

    async def note(self, number: int, text: str) -> None:
        """See `Project`."""
        path = f"{self._root}/issues/{number}/notes"
        await self._forge.ask("POST", path, {"body": text}, again=False)

    async def claims(self, number: int) -> list[Claim]:
        """Merge requests that close it, as GitLab itself reads them."""
        found = await self._forge.pages(f"{self._root}/issues/{number}/closed_by")
        return [
            Claim(
                number=one["iid"],
                url=one["web_url"],
                merged_at=one.get("merged_at"),
                commit=str(one.get("merge_commit_sha") or one.get("squash_commit_sha") or ""),
            )
            for one in found
            if one["state"] in ("opened", "merged")
        ]

    async def has(self, revision: str, commit: str) -> bool | None:
        """The commit is its own merge base with whatever has it."""
        try:
            path = f"{self._root}/repository/merge_base"
            refs: dict[str, Any] = {"refs[]": [commit, revision]}
            answer = await self._forge.ask("GET", path, **refs)
        except ForgeRefused:
            return None
        return bool(answer["id"] == commit)

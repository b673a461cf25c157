"""What the Prefect UI shows of a run: progress, the report, the criteria as a table."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from prefect.artifacts import (
    acreate_markdown_artifact,
    acreate_progress_artifact,
    acreate_table_artifact,
    aupdate_progress_artifact,
)
from prefect.exceptions import PrefectException
from prefect.logging import get_run_logger

from data.records.audit import AuditView
from data.records.evidence import RunView
from data.report.audit import audit_markdown
from data.report.markdown import run_markdown
from tasks.publish.files import report_path


class ProgressArtifact:
    """A bar in the UI that moves as phases end; the run never waits for it before its end."""

    def __init__(self, plan: str, environment: str, n_steps: int) -> None:
        self._key = artifact_key("progress", plan, environment)
        self._n_steps = n_steps
        self._id: UUID | None = None
        self._last: asyncio.Task[None] | None = None

    def say(self, n_done: int, what: str) -> None:
        """`n_done` of the steps are done; `what` was the last. Sent in order, in the background."""
        share = 100.0 * n_done / self._n_steps
        self._last = asyncio.create_task(self._send(self._last, share, what))

    async def sent(self) -> None:
        """Wait until everything was sent."""
        if self._last is not None:
            await self._last

    async def _send(self, before: asyncio.Task[None] | None, share: float, what: str) -> None:
        if before is not None:
            await before
        try:
            if self._id is None:
                self._id = await acreate_progress_artifact(share, self._key, what)
            else:
                await aupdate_progress_artifact(self._id, share, what)
        except (PrefectException, httpx.HTTPError) as error:
            get_run_logger().warning("progress could not be shown in Prefect: %s", error)


def artifact_key(*parts: str) -> str:
    """Lower case, digits and dashes, as Prefect wants it."""
    return re.sub(r"[^a-z0-9]+", "-", "-".join(parts).lower()).strip("-")


async def publish_report(view: RunView, folder: Path) -> None:
    """Two artifacts under stable keys, so that the UI shows their history.

    A server that takes no artifact is a warning: a run's truth is in its spool and warehouse.
    """
    run = view.evidence.run
    try:
        await acreate_markdown_artifact(
            run_markdown(view),
            key=artifact_key("report", run.plan, run.environment),
            description=_describe(view, folder),
        )
        await acreate_table_artifact(
            _criteria(view),
            key=artifact_key("criteria", run.plan, run.environment),
            description=_describe(view, folder),
        )
    except (PrefectException, httpx.HTTPError) as error:
        get_run_logger().warning("the report could not be shown in Prefect: %s", error)


async def publish_audit(view: AuditView, folder: Path) -> None:
    """The audit's tables and matrix as one artifact, under a stable key."""
    try:
        await acreate_markdown_artifact(
            audit_markdown(view),
            key=artifact_key("audit", view.run.plan, view.run.environment),
            description=f"full report: {report_path(folder, view.run.run_id, 'html')}",
        )
    except (PrefectException, httpx.HTTPError) as error:
        get_run_logger().warning("the audit could not be shown in Prefect: %s", error)


def _describe(view: RunView, folder: Path) -> str:
    verdict = view.verdict.rule if view.verdict else "no verdict"
    page = report_path(folder, view.evidence.run.run_id, "html")
    return f"{view.evidence.run.run_id}: {verdict} — full report: {page}"


def _criteria(view: RunView) -> list[dict[str, Any]]:
    rows = view.verdict.criteria if view.verdict else ()
    return [
        {"priority": r.priority, "criterion": r.id, "outcome": r.outcome, "decided by": r.sentence}
        for r in rows
    ]

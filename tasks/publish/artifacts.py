"""What the Prefect UI shows of a run: progress, the report, the criteria as a table."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact
from prefect.logging import get_run_logger

from data.records.evidence import RunView
from data.report.markdown import run_markdown


def artifact_key(*parts: str) -> str:
    """Lower case, digits and dashes, as Prefect wants it."""
    return re.sub(r"[^a-z0-9]+", "-", "-".join(parts).lower()).strip("-")


async def publish_report(view: RunView, paths: Mapping[str, Path]) -> None:
    """Two artifacts under stable keys, so that the UI shows their history. Failing is no drama:
    the truth of a run is in its spool and warehouse."""
    run = view.evidence.run
    with contextlib.suppress(Exception):
        await acreate_markdown_artifact(
            run_markdown(view),
            key=artifact_key("report", run.plan, run.environment),
            description=_describe(view, paths),
        )
        await acreate_table_artifact(
            _criteria(view),
            key=artifact_key("criteria", run.plan, run.environment),
            description=_describe(view, paths),
        )
        return
    get_run_logger().warning("the report could not be shown in Prefect")


def _describe(view: RunView, paths: Mapping[str, Path]) -> str:
    verdict = view.verdict.rule if view.verdict else "no verdict"
    return f"{view.evidence.run.run_id}: {verdict} — full report: {paths.get('html', '')}"


def _criteria(view: RunView) -> list[dict[str, Any]]:
    rows = view.verdict.criteria if view.verdict else ()
    return [
        {"priority": r.priority, "criterion": r.id, "outcome": r.outcome, "decided by": r.sentence}
        for r in rows
    ]

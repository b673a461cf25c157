"""Report files of a run: Markdown and one self-contained HTML page."""

from __future__ import annotations

from pathlib import Path

from data.records.audit import AuditView
from data.records.evidence import RunView
from data.report.audit import audit_html, audit_markdown
from data.report.charts import svg
from data.report.html import run_html
from data.report.markdown import run_markdown


def write_reports(view: RunView, folder: Path) -> dict[str, Path]:
    """Write `<run id>.html` and `<run id>.md`; each appears whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    run_id = view.evidence.run.run_id
    texts = {"html": run_html(view), "md": run_markdown(view)}
    return {
        kind: write_whole(report_path(folder, run_id, kind), text) for kind, text in texts.items()
    }


def write_audit(view: AuditView, folder: Path) -> dict[str, Path]:
    """Write the same two files for an audit."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = {"html": audit_html(view), "md": audit_markdown(view)}
    run_id = view.run.run_id
    return {
        kind: write_whole(report_path(folder, run_id, kind), text) for kind, text in texts.items()
    }


def report_path(folder: Path, run_id: str, kind: str) -> Path:
    """Where a report of a run is or will be; `kind` is `html` or `md`."""
    return folder / f"{run_id}.{kind}"


def warm_up() -> None:
    """Start the chart engine (half a second) while a run still waits for its checks."""
    svg({"mark": "point", "data": {"values": []}}, "")


def write_whole(path: Path, text: str) -> Path:
    """Write a file under a temporary name and rename it."""
    fresh = path.with_suffix(path.suffix + ".new")
    fresh.write_text(text, encoding="utf-8")
    return fresh.replace(path)

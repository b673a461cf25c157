"""The one JSON document of `goldenpath run --json` (design, section 6)."""

from __future__ import annotations

from typing import Any

from data.records.evidence import RunView
from data.report.sheet import Sheet
from data.report.wording import exit_code


def run_document(view: RunView) -> dict[str, Any]:
    """One run as JSON-ready types; keys are a contract.

    Without a verdict (run going on, or killed) `verdict` and `rule` are null, the judged lists are
    empty and `exit_code` is 1. `p95_ms` is null with fewer than 20 samples.

    Args:
        view: evidence, verdict, what was acted and history.
    """
    sheet = Sheet(view)
    run, ended = view.evidence.run, view.evidence.ended
    return {
        "run_id": run.run_id,
        "plan": run.plan,
        "environment": run.environment,
        **_judged(sheet),
        "suites": [row.model_dump(mode="json") for row in sheet.suites],
        "probes": [row.document() for row in sheet.probes],
        "revisions": {name: row.model_dump(mode="json") for name, row in sheet.revisions.items()},
        **_consequences(view),
        "started_at": run.started_at.isoformat(),
        "finished_at": ended.finished_at.isoformat() if ended else None,
        **_extra(view),
    }


def _judged(sheet: Sheet) -> dict[str, Any]:
    verdict = sheet.view.verdict
    return {
        "verdict": str(verdict.verdict) if verdict else None,
        "rule": verdict.rule if verdict else None,
        "reasons": list(verdict.reasons) if verdict else [],
        "coverage": sheet.coverage.model_dump(mode="json"),
        "not_seen": list(verdict.not_seen) if verdict else [],
        "counterfactual": verdict.counterfactual if verdict else "",
        "criteria": [c.model_dump(mode="json") for c in verdict.criteria] if verdict else [],
    }


def _consequences(view: RunView) -> dict[str, Any]:
    verdict = view.verdict
    risk = verdict.revenue_at_risk if verdict else None
    return {
        "revenue_at_risk": risk.model_dump(mode="json") if risk else None,
        "incidents": [i.model_dump(mode="json") for i in verdict.incidents] if verdict else [],
        "actions": [a.model_dump(mode="json") for a in verdict.actions] if verdict else [],
        "input_hash": verdict.input_hash if verdict else None,
    }


def _extra(view: RunView) -> dict[str, Any]:
    verdict, decided = view.verdict, view.decision
    return {
        "exit_code": exit_code(view),
        "notes": list(verdict.notes) if verdict else [],
        "revenue_note": verdict.revenue_note if verdict else "",
        "rollback_refusals": list(verdict.rollback_refusals) if verdict else [],
        "acted": [a.model_dump(mode="json", exclude={"run_id"}) for a in view.acted],
        "decision": decided.model_dump(mode="json", exclude={"run_id"}) if decided else None,
    }

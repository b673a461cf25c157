"""The verdict of a run that a newer deployment ended: SUPERSEDED, with all that it had seen."""

from __future__ import annotations

from pathlib import Path

from data.errors import UsageError
from data.records.facts import RunEnded
from data.records.plan import Plan
from data.store.warehouse import Warehouse
from flows.at_rest import judge_at_rest
from tasks.clock import now
from tasks.record import Recorder


def end_superseded(warehouse: Path, run_id: str, by: str) -> str:
    """Judge what the run had seen, once its process has let go of the journal.

    Returns:
        The verdict that the run has now; "" where it had not begun, and nothing is stored of it.

    Raises:
        GoldenPathError: its process still writes, or the journal cannot be read.
    """
    store = Warehouse(warehouse)
    try:
        before = store.view(run_id)
    except UsageError:
        return ""
    if before.verdict is not None:
        return before.verdict.verdict
    run = before.evidence.run
    plan = Plan.model_validate_json(run.plan_json)
    recorder = Recorder(store.spools, run_id)
    try:
        reason = f"superseded by {by}"
        recorder.record(RunEnded(run_id=run_id, finished_at=now(), reason=reason, superseded_by=by))
        history = store.history(run.plan, run.environment, run_id, plan.baseline)
        verdict = judge_at_rest(plan, recorder.evidence(), history, now())
        recorder.record(verdict)
    finally:
        recorder.close()
    store.take_in()
    return verdict.verdict

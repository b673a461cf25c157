"""The verdict of a run that others ended: by what it had seen."""

from __future__ import annotations

from pathlib import Path

from data.errors import UsageError
from data.records.facts import RunEnded
from data.records.plan import Plan
from data.records.verdict import Verdict
from data.rules.deciding import settled
from data.store.warehouse import Warehouse
from flows.at_rest import judge_at_rest
from flows.knowing import known_before
from tasks.clock import now
from tasks.record import Recorder


def end_superseded(warehouse: Path, run_id: str, by: str) -> str:
    """End a run that a newer deployment cancelled, once its process has let go of the journal.

    Returns:
        The verdict that the run has now; "" where it had not begun, and nothing is stored of it.

    Raises:
        GoldenPathError: its process still writes, or the journal cannot be read.
    """
    verdict = _ended(warehouse, run_id, f"superseded by {by}", by)
    return verdict.verdict if verdict else ""


def end_abandoned(warehouse: Path, run_id: str, why: str) -> Verdict | None:
    """End a run whose process is gone. What it did not see is NOT_RUN, so it approves nothing.

    Returns:
        The verdict that the run has now; None where it had not begun.

    Raises:
        GoldenPathError: its process writes after all, or the journal cannot be read.
    """
    return _ended(warehouse, run_id, why, None)


def _ended(warehouse: Path, run_id: str, reason: str, by: str | None) -> Verdict | None:
    store = Warehouse(warehouse)
    try:
        before = store.view(run_id)
    except UsageError:
        return None
    if before.verdict is not None:  # one that waited for a person when its process ended is held
        word = settled(before.verdict, before.decision)
        return before.verdict.model_copy(update={"verdict": word})
    run = before.evidence.run
    plan = Plan.model_validate_json(run.plan_json)
    recorder = Recorder(store.spools, run_id)
    try:
        recorder.record(RunEnded(run_id=run_id, finished_at=now(), reason=reason, superseded_by=by))
        history, returned = known_before(store, recorder.evidence(), plan.baseline)
        if returned is not None:
            recorder.record(returned)
        verdict = judge_at_rest(plan, recorder.evidence(), history, now())
        recorder.record(verdict)
    finally:
        recorder.close()
    store.take_in()
    return verdict

"""Look again at what was promoted with watch: P1, where users are, until the watch ends."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from data.errors import GoldenPathError
from data.records.evidence import RunView
from data.records.facts import RunEnded
from data.records.notify import Notify
from data.records.plan import Plan
from data.records.verdict import Acted, Verdict
from data.records.watch import Watch
from data.records.words import VerdictWord
from data.rules.deciding import settled
from data.rules.notice import notice_of
from data.rules.watching import ENDED, LOOK, Look, end_of, found, is_watched, looks_of, plan_of_look
from data.store.lives import life_of
from data.store.warehouse import Warehouse
from flows.at_rest import judge_at_rest
from flows.environments import values_of
from flows.session import Session
from flows.validate import gather_evidence
from flows.wiring import Request, Wired, read_plan, warehouse_path, wire
from tasks.clock import now
from tasks.publish.artifacts import ProgressArtifact
from tasks.publish.notify import tell
from tasks.record import Recorder
from tasks.steps import state_of

_MANY = 50


@flow(name="watch", flow_run_name="watch", validate_parameters=True)
async def watch(
    plan: str,
    overrides: dict[str, str] | None = None,
    warehouse: str | None = None,
    environment_block: str | None = None,
) -> State[Any]:
    """Try P1 once more on what was last promoted with watch. Nothing happens where nothing is.

    What a look finds is noted at the run that is watched, and is no evidence of any run. A bad
    look ends the watch: people are told, and the state is a failed HOLD. Enough good ones end it,
    too.

    Args:
        plan: path of the plan file, with `watch`.
        overrides: plan values by dotted path.
        warehouse: path of the DuckDB file; empty: `GOLDENPATH_WAREHOUSE`, else `var/`.
        environment_block: name of a Golden Path Environment block with variables and secrets.
    """
    variables, kept = await values_of(environment_block)
    request = Request(
        plan=plan,
        skip_deploy=True,
        overrides=overrides or {},
        warehouse=warehouse or kept or None,
        variables=variables,
    )
    read = read_plan(plan, request.overrides, variables)
    store = Warehouse(warehouse_path(request.warehouse))
    watched = await asyncio.to_thread(_watched, store, read)
    if read.watch is None or watched is None:
        return state_of(True, "nothing to watch", "no deployment is under watch")
    return await _looked(request, read, store, watched)


def _watched(store: Warehouse, plan: Plan) -> RunView | None:
    """The newest run of the plan that is watched, and that no later one has approved beyond."""
    for view in _judged(store, plan):
        if is_watched(view):
            return view
        if view.verdict is not None and settled(view.verdict, view.decision).approves:
            return None  # what serves now was approved by this one, or its watch is over
    return None


def _judged(store: Warehouse, plan: Plan) -> Iterator[RunView]:
    for run in store.runs(_MANY):
        if (run.plan, run.environment) == (plan.plan, plan.environment) and run.verdict:
            view = store.view(run.run_id)
            if view.evidence.run.purpose == "validation":
                yield view


async def _looked(request: Request, plan: Plan, store: Warehouse, watched: RunView) -> State[Any]:
    run_id, looks = watched.evidence.run.run_id, looks_of(watched.acted)
    if life_of(store.spools, run_id)[0] == "absent":
        raise GoldenPathError(f"the journal of {run_id} is not on this machine: watch it there")
    wired = _wired(request, watched, len(looks) + 1)
    verdict, (look, said) = await _look(wired, store, watched)
    notes = [_note(run_id, f"{LOOK}{len(looks) + 1}", look, said)]
    assert watched.verdict is not None
    since = watched.decision.at if watched.decision else watched.verdict.at
    end = end_of(plan.watch or Watch(), (*looks, look), said, since, now())
    if end is not None:
        good, why = end
        text = f"closed: {why}" if good else f"escalated: {why}"
        notes.append(_note(run_id, ENDED, "done" if good else "failed", text))
        if not good:
            notes += await _told(wired, _receivers(plan), watched, verdict, why)
    await asyncio.to_thread(_keep, store, run_id, notes)
    if end is not None and not end[0]:
        return state_of(False, VerdictWord.HOLD, f"{run_id}: {end[1]}")
    return state_of(True, "watch closed" if end else look, f"{run_id}: {end[1] if end else said}")


def _wired(request: Request, watched: RunView, number: int) -> Wired:
    """A look: P1 of the plan where users are, with the revisions that were deployed."""
    deploy, run = watched.evidence.deploy, watched.evidence.run
    named = f"{run.run_id}-look-{number}"
    wired = wire(request.model_copy(update={"run_id": named}))
    promotion = wired.plan.promotion
    there = wired.moved(promotion.live if promotion else {})
    revisions = deploy.revisions if deploy else {}
    return there.model_copy(update={"plan": plan_of_look(there.plan, revisions)})


async def _look(
    wired: Wired, store: Warehouse, watched: RunView
) -> tuple[Verdict, tuple[Look, str]]:
    """Its journal lies with the files of the watched run: no warehouse takes it in."""
    plan, run = wired.plan, watched.evidence.run
    recorder = Recorder(wired.home / "runs" / run.run_id / "looks", wired.run_id)
    recorder.record(wired.started)
    session = Session(wired, recorder)
    try:
        reason = await gather_evidence(
            session, ProgressArtifact(plan.plan, plan.environment, len(plan.phases) + 2)
        )
        recorder.record(RunEnded(run_id=wired.run_id, finished_at=now(), reason=reason))
        history = await asyncio.to_thread(
            store.history, run.plan, run.environment, run.run_id, plan.baseline
        )
        evidence = recorder.evidence()
        verdict = judge_at_rest(plan, evidence, history, now())
        recorder.record(verdict)
        return verdict, found(verdict, evidence.revisions)
    finally:
        await session.abandon()
        recorder.close()


async def _told(
    wired: Wired, receivers: tuple[Notify, ...], watched: RunView, verdict: Verdict, why: str
) -> list[Acted]:
    """Whom the bad end of the watch was told, and whom not and why. It is always news."""
    run = watched.evidence.run
    told = {"verdict": VerdictWord.HOLD, "rule": f"under watch: {why}", "run_id": run.run_id}
    said, notes = verdict.model_copy(update=told), []
    for receiver in receivers:
        address = wired.env.get(receiver.to, "")
        link = receiver.link or str(wired.home / "reports" / f"{run.run_id}.html")
        failed = f"{receiver.to} is not set"
        if address:
            failed = await tell(address, notice_of(run, said, link))
        outcome = "failed" if failed else "done"
        notes.append(_note(run.run_id, f"tell {receiver.to} of the watch", outcome, failed))
    return notes


def _receivers(plan: Plan) -> tuple[Notify, ...]:
    hold = VerdictWord.HOLD
    return tuple(one for one in plan.notify if not one.verdicts or hold in one.verdicts)


def _note(run_id: str, action: str, outcome: str, message: str) -> Acted:
    return Acted(run_id=run_id, action=action, outcome=outcome, message=message, at=now())


def _keep(store: Warehouse, run_id: str, notes: list[Acted]) -> None:
    recorder = Recorder(store.spools, run_id)
    try:
        recorder.record_all(notes)
    finally:
        recorder.close()
    store.take_in()

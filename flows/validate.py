"""The golden path: deploy → health → phases → verdict, as a Prefect flow.

The flow says when; what happens is in `tasks`, what is known is in `data`. Its final state is
the verdict: HOLD, ROLL_BACK and SUPERSEDED are Failed states of that name, so that no run that
did not approve looks green in the UI, and `prefect deployment run --watch` is a CI gate.
"""

from __future__ import annotations

import asyncio
from logging import Logger, LoggerAdapter
from pathlib import Path
from threading import Thread
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.logging import get_run_logger
from prefect.runtime import flow_run

from data.errors import GoldenPathError
from data.records.facts import DeployResult, Fact, RevisionReading, RunEnded
from data.records.verdict import Verdict
from data.rules.ending import approves, ending_of, sentence_of
from data.rules.judge import make_ready
from data.rules.outcomes import RED
from data.store.warehouse import Warehouse
from flows.acting import act
from flows.at_rest import judge_at_rest
from flows.deciding import decide, hold_first, waits
from flows.environments import opened
from flows.knowing import known_before
from flows.phase import run_phase, skip_phase
from flows.promoting import promote
from flows.remedying import raise_issues
from flows.session import Session
from flows.settled import settled
from flows.telling import tell_people
from flows.wiring import Request, warehouse_path
from tasks.clock import now
from tasks.publish.artifacts import ProgressArtifact, publish_report
from tasks.steps import (
    as_expected,
    deploy_step,
    fence_step,
    health_step,
    state_of,
    verdict_step,
)

_WAREHOUSE_WAIT_S = 10.0
_sessions: dict[str, Session] = {}  # runs that the command line began before their flow


def _run_name() -> str:
    """The run's id where it is known before the run, else what is validated."""
    given = flow_run.parameters
    what = f"{Path(given['plan']).parent.name or given['plan']} {given.get('revision') or ''}"
    return given.get("run_id") or given.get("resume") or what.strip()


@flow(name="validate", flow_run_name=_run_name, validate_parameters=True)
async def validate(
    plan: str,
    revision: str | None = None,
    skip_deploy: bool = False,
    resume: str | None = None,
    overrides: dict[str, str] | None = None,
    warehouse: str | None = None,
    environment_block: str | None = None,
    run_id: str | None = None,
) -> State[Any]:
    """Validate one deployment and say promote, watch, hold or roll back.

    Args:
        plan: path of the plan file.
        revision: what to deploy and to expect; empty: the plan's own default.
        skip_deploy: validate what is there.
        resume: id of an earlier run whose missing evidence is to be brought.
        overrides: plan values by dotted path, such as `health.deadline`: `30s`.
        warehouse: path of the DuckDB file; empty: `GOLDENPATH_WAREHOUSE`, else `var/`.
        environment_block: name of a Golden Path Environment block with variables and secrets.
        run_id: id of the new run; empty: made from plan and time.

    Returns:
        A state named after the verdict, with the deciding sentence as its message.
    """
    session = _sessions.pop(run_id or "", None)
    if session is None:
        request = Request(
            plan=plan,
            revision=revision,
            skip_deploy=skip_deploy,
            resume=resume,
            overrides=overrides or {},
            warehouse=warehouse,
            run_id=run_id,
        )
        session = await opened(request, environment_block)
    try:
        await _validated(session)
        view = session.recorder.view()
        ending = ending_of(view)
        return state_of(approves(ending), ending, sentence_of(view))
    except ExceptionGroup as group:  # of a phase; the first one says what is the matter
        raise group.exceptions[0] from group
    finally:
        await session.abandon()
        session.recorder.close()


async def validate_session(session: Session) -> State[Any]:
    """Run the flow on a session that has begun already (the command line's head start)."""
    request = session.wired.request
    _sessions[session.wired.run_id] = session
    state: State[Any] = await validate(
        plan=request.plan,
        revision=request.revision,
        skip_deploy=request.skip_deploy,
        resume=request.resume,
        overrides=request.overrides,
        warehouse=request.warehouse,
        run_id=session.wired.run_id,
        return_state=True,
    )
    return state


async def _validated(session: Session) -> Verdict:
    get_run_logger().info("run %s", session.wired.run_id)
    plan = session.wired.plan
    shown = ProgressArtifact(plan.plan, plan.environment, len(plan.phases) + 2)
    Thread(target=make_ready, args=(plan,), daemon=True).start()
    session.printer.start()
    reason = await gather_evidence(session, shown)
    session.record(RunEnded(run_id=session.wired.run_id, finished_at=now(), reason=reason))
    verdict = await _judge(session)
    await settled(verdict_step, verdict)
    await act(session, verdict)
    asked = waits(session, verdict)
    if asked:  # who is to decide must know, and be able to read why
        await tell_people(session, verdict, _warehouse(session))
        await _show(session)
    await decide(session, verdict)
    await promote(session, verdict)
    if not asked:
        await tell_people(session, verdict, _warehouse(session))
    await raise_issues(session, verdict, _warehouse(session))
    shown.say(len(plan.phases) + 2, verdict.rule)
    await asyncio.gather(shown.sent(), _publish(session))
    return verdict


async def gather_evidence(session: Session, shown: ProgressArtifact) -> str:
    """Gather everything that can be had. Returns why it stopped early, or ""."""
    await settled(deploy_step, session.deploy)
    deploy = await session.deploy()
    reason = await _ready(session, deploy)
    shown.say(1, reason or "deployed and healthy")
    for ordinal, phase in enumerate(session.wired.plan.phases):
        if reason:
            skip_phase(session, phase, ordinal, reason)
            continue
        reason = await _in_budget(session, ordinal)
        reason = reason or await _fenced(session, f"after:{phase.id}")
        shown.say(ordinal + 2, reason or f"phase {phase.id} ended")
    if deploy.outcome not in RED:
        step = health_step.with_options(task_run_name="health at the end")
        await settled(step, session.look_at_end)
    return reason


async def _ready(session: Session, deploy: DeployResult) -> str:
    """Health gate and first fence. Returns why phases would mean nothing, or ""."""
    if deploy.outcome in RED:
        return f"deploy {deploy.outcome}: {deploy.message}"
    await settled(health_step.with_options(task_run_name="health gate"), session.gate)
    return session.blocked(await session.gate()) or await _fenced(session, "start")


async def _in_budget(session: Session, ordinal: int) -> str:
    phase, budget = session.wired.plan.phases[ordinal], session.wired.plan.budget
    left = budget - (now() - session.wired.started.started_at).total_seconds()
    if session.wired.request.resume:
        left = budget
    try:
        async with asyncio.timeout(max(left, 0.0)):
            await run_phase(session, phase, ordinal)
        return ""
    except TimeoutError:
        reason = f"the run's budget of {budget:g} s is used up"
        skip_phase(session, phase, ordinal, reason)
        return reason


async def _fenced(session: Session, stage: str) -> str:
    """Why evidence from here on would be about another revision, or ""."""
    seen: list[Fact] = []

    async def read() -> list[Fact]:
        seen.extend(await session.fence(stage))
        return seen

    await settled(fence_step.with_options(task_run_name=f"fence {stage}"), read)
    moved = [f for f in seen if isinstance(f, RevisionReading) and not as_expected(f)]
    if moved and stage != "start" and any(len(f.seen) > 1 for f in moved):
        await session.fence("end")  # a replacement caught half-way: is it over now?
    return "; ".join(
        f"{f.service}: expected {f.expected}, seen {', '.join(f.seen) or f.error}" for f in moved
    )


async def _judge(session: Session) -> Verdict:
    """Judge what the store holds; look at the rollback target only when it matters."""
    wired, evidence = session.wired, session.recorder.evidence()
    history, returned = await asyncio.to_thread(
        known_before, _warehouse(session), evidence, wired.plan.baseline
    )
    session.history = history
    if returned is not None:
        session.record(returned)
        evidence = session.recorder.evidence()
    verdict = judge_at_rest(wired.plan, evidence, history, now())
    target = history.known_good
    if verdict.rollback_refusals and target is not None and wired.plan.rollback.armed:
        await session.look_at_target(target.revision)
        verdict = judge_at_rest(wired.plan, session.recorder.evidence(), history, now())
    hold_first(session, verdict)
    session.record(verdict)
    return verdict


async def _publish(session: Session) -> None:
    """Warehouse, files and artifacts at once; the pages are drawn beside the waiting."""
    await asyncio.gather(
        asyncio.to_thread(_commit, session, get_run_logger()),
        _show(session),
    )


async def _show(session: Session) -> None:
    """The pages and artifacts as the run stands now."""
    view, folder = session.recorder.view(session.history), session.wired.home / "reports"
    await asyncio.gather(
        asyncio.to_thread(session.printer.write, session.recorder.path, folder, session.history),
        publish_report(view, folder),
    )


def _commit(session: Session, logger: Logger | LoggerAdapter[Logger]) -> None:
    """A warehouse in use, full or broken keeps the run in its spool; the verdict stands.

    Nothing is recorded any more: the closed journal is the commit, and whoever gets the warehouse
    first takes in the journals of all.
    """
    session.recorder.close()
    try:
        if not _warehouse(session).take_in():
            logger.info("the warehouse is in use: the run is read from its journal for now")
    except GoldenPathError as error:
        logger.warning("kept in the spool for now: %s", error)


def _warehouse(session: Session) -> Warehouse:
    """The run's warehouse; a verdict does not wait long for somebody who holds it."""
    return Warehouse(warehouse_path(session.wired.request.warehouse), _WAREHOUSE_WAIT_S)

"""The audit: which test turns red when which thing is broken on purpose.

deploy → health → every suite and probe once on the sound target → each of them under each
negative control → sensitivity matrix. What is red on the sound target, or has an address of its
own, cannot be audited and says so.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Collection, Mapping
from contextlib import AsyncExitStack
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run

from data.errors import GoldenPathError
from data.records.audit import AuditView
from data.records.control import Control
from data.records.facts import RunEnded
from data.rules.outcomes import RED
from data.rules.sensitivity import (
    controls_of,
    scores,
)
from data.store.fold import audit_view_of
from data.store.warehouse import Warehouse
from flows.environments import opened
from flows.matrix import Check, matrix_of
from flows.places import Places
from flows.session import Session
from flows.settled import settled
from flows.wiring import Request, Wired, warehouse_path
from tasks.clock import now
from tasks.controls.serve import serve_control
from tasks.kept_trials import KeptTrials, Scope
from tasks.publish.artifacts import publish_audit
from tasks.publish.files import write_audit
from tasks.steps import audit_step, deploy_step, health_step, state_of

_sessions: dict[str, Session] = {}


@flow(name="audit", flow_run_name=lambda: flow_run.parameters.get("run_id") or "audit")
async def audit(
    plan: str,
    revision: str | None = None,
    skip_deploy: bool = False,
    overrides: dict[str, str] | None = None,
    warehouse: str | None = None,
    suites: tuple[str, ...] = (),
    controls: tuple[str, ...] = (),
    run_id: str | None = None,
    resume: str | None = None,
    environment_block: str | None = None,
) -> State[Any]:
    """Try every suite and probe of a plan against negative controls.

    Args:
        plan: path of the plan file.
        revision: what to deploy and to expect; empty: the plan's own default.
        skip_deploy: audit what is there.
        overrides: plan values by dotted path, such as `health.deadline`: `30s`.
        warehouse: path of the DuckDB file; empty: `GOLDENPATH_WAREHOUSE`, else `var/`.
        run_id: id of the new run; empty: made from plan and time.
        environment_block: name of a Golden Path Environment block with variables and secrets.
        suites: ids of suites and probes to audit; empty: all, on resume those of the first try.
        controls: ids of controls; empty: those of the plan, on resume those of the first try.
        resume: id of an audit that was cut off: only trials that did not end are made.

    Returns:
        A state named `audited`; its message says how many tests never turn red.
    """
    session = _sessions.pop(run_id or "", None)
    if session is None:
        request = Request(
            plan=plan,
            revision=revision,
            skip_deploy=skip_deploy,
            overrides=overrides or {},
            warehouse=warehouse,
            run_id=run_id,
            resume=resume,
            purpose="audit",
            suites=suites,
            controls=controls,
        )
        session = await opened(request, environment_block)
    try:
        view = await _audited(session)
        return state_of(True, "audited", _summary(view))
    except ExceptionGroup as group:  # of a suite; the first one says what is the matter
        raise _first(group) from group
    finally:
        await session.abandon()
        session.recorder.close()


def _first(error: Exception) -> Exception:
    """The first exception inside groups of groups."""
    return _first(error.exceptions[0]) if isinstance(error, ExceptionGroup) else error


async def audit_session(session: Session) -> State[Any]:
    """Run the flow on a session that has begun already (the command line's head start)."""
    request = session.wired.request
    _sessions[session.wired.run_id] = session
    state: State[Any] = await audit(
        plan=request.plan,
        revision=request.revision,
        skip_deploy=request.skip_deploy,
        overrides=request.overrides,
        warehouse=request.warehouse,
        suites=request.suites,
        controls=request.controls,
        run_id=session.wired.run_id,
        resume=request.resume,
        return_state=True,
    )
    return state


async def _audited(session: Session) -> AuditView:
    await _require_sound(session)
    await _rounds(session)
    session.record(RunEnded(run_id=session.wired.run_id, finished_at=now()))
    view = audit_view_of(session.recorder.facts())
    folder = session.wired.home / "reports"
    await asyncio.gather(asyncio.to_thread(write_audit, view, folder), publish_audit(view, folder))
    request = session.wired.request
    session.recorder.close()  # the journal is the commit; a warehouse in use takes it in later
    await asyncio.to_thread(Warehouse(warehouse_path(request.warehouse)).take_in)
    return view


async def _require_sound(session: Session) -> None:
    """An audit compares with a target that works; without one it would say nothing.

    Raises:
        GoldenPathError: the deploy failed, or a service is not well.
    """
    await settled(deploy_step, session.deploy)
    deploy = await session.deploy()
    reason = f"deploy {deploy.outcome}: {deploy.message}" if deploy.outcome in RED else ""
    if not reason:
        await settled(health_step.with_options(task_run_name="health gate"), session.gate)
        reason = session.blocked(await session.gate())
    if reason:
        raise GoldenPathError(f"no audit without a sound target: {reason}")


async def _rounds(session: Session) -> None:
    """Each suite and probe on the sound target, then under every control."""
    wired = session.wired
    kept = KeptTrials(wired.home / "runs" / wired.run_id / "trials.kept")
    request = wired.request
    scope = kept.scope(Scope(suites=request.suites, controls=request.controls))
    checks = _checks(wired, scope.suites)
    places = Places(wired.plan.audit.workers or 2 * (os.cpu_count() or 1))
    async with AsyncExitStack() as stack:
        served = {
            control: wired.moved(
                await stack.enter_async_context(serve_control(control, _urls(wired)))
            )
            for control in controls_of(wired.plan, scope.controls)
        }
        session.say(f"{len(served)} controls against {len(checks)} suites and probes")
        async with asyncio.TaskGroup() as group:
            for check in checks:
                group.create_task(_audit_one(session, check, served, places, kept))


def _urls(wired: Wired) -> dict[str, str]:
    return {name: service.url for name, service in wired.plan.services.items()}


def _checks(wired: Wired, wanted: Collection[str]) -> list[Check]:
    every = [
        Check(phase, one) for phase in wired.plan.phases for one in (*phase.suites, *phase.probes)
    ]
    return [check for check in every if not wanted or check.one.id in wanted]


async def _audit_one(
    session: Session,
    check: Check,
    served: Mapping[Control, Wired],
    places: Places,
    kept: KeptTrials,
) -> None:
    step = audit_step.with_options(task_run_name=f"audit {'/'.join(check.place)}")

    async def work() -> str:
        return await matrix_of(session, check, served, places, kept)

    await settled(step, work)


def _summary(view: AuditView) -> str:
    rows = scores(view.cells)
    never = sum(len(row.never_red) for row in rows)
    unknown = sum(not suite.audited for suite in view.suites)
    return f"{sum(r.n_tests for r in rows)} tests, {never} never red, {unknown} suites unknown"

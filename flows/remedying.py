"""Keep the issues of a plan's project true to its incidents, after the verdict."""

from __future__ import annotations

import asyncio
from functools import partial

from prefect.logging import get_run_logger

from data.errors import GoldenPathError
from data.records.issues import Issues
from data.records.remedy import Sighting, Step
from data.records.verdict import Acted, Verdict
from data.records.words import VerdictWord
from data.rules.issues.sighting import sighting_of
from data.store.sightings import sightings_before
from data.store.warehouse import Warehouse
from flows.session import Session
from tasks.clock import now
from tasks.remediate.issues import Asked, Done, remedy

_PATIENCE_S = 60.0
_WORDS = {"open": "open an issue", "update": "update", "reopen": "reopen", "close": "close"}


async def raise_issues(session: Session, verdict: Verdict, warehouse: Warehouse) -> None:
    """What was done, or would be, is recorded; the verdict stands whatever the forge says.

    A SUPERSEDED run says nothing of either deployment. What fails is due again in the next run,
    since what is due follows from the warehouse and the project as they are then.
    """
    wanted = session.wired.plan.issues
    if wanted is None or verdict.verdict is VerdictWord.SUPERSEDED:
        return
    token = session.wired.env.get(wanted.token_in, "")
    if not token:
        _record(session, f"issues of {wanted.project}", "failed", f"{wanted.token_in} is not set")
        return
    try:
        async with asyncio.timeout(_PATIENCE_S):
            await _remedied(session, verdict, wanted, token, warehouse)
    except (GoldenPathError, OSError, TimeoutError) as error:
        why = str(error) or f"not done within {_PATIENCE_S:g} s"
        get_run_logger().warning("issues of %s: %s", wanted.project, why)
        _record(session, f"issues of {wanted.project}", "failed", why)


async def _remedied(
    session: Session, verdict: Verdict, wanted: Issues, token: str, warehouse: Warehouse
) -> None:
    plan = session.wired.plan
    earlier = await asyncio.to_thread(
        warehouse.earlier, plan.plan, plan.environment, verdict.run_id, sightings_before, None
    )
    if earlier is None:  # nobody can say what is new, or gone
        raise GoldenPathError("earlier runs cannot be read")
    here: Sighting = sighting_of(plan, session.recorder.evidence(), verdict)
    asked = Asked(
        wanted=wanted,
        plan=plan.plan,
        environment=plan.environment,
        incidents=verdict.incidents,
        runs=(here, *earlier),
    )
    await remedy(asked, token, session.wired.home / "issues.lock", partial(_tell, session))


def _tell(session: Session, done: Done) -> None:
    _record(session, _action(done.step), done.outcome, done.message or done.step.signature)


def _action(step: Step) -> str:
    if step.kind == "note":
        return f"note at issue #{step.number}: {step.note.splitlines()[0][22:-4]}"
    number = f" issue #{step.number}" if step.number else f": {step.title}"
    return f"{_WORDS[step.kind]}{number}"


def _record(session: Session, action: str, outcome: str, message: str) -> None:
    session.record(
        Acted(
            run_id=session.wired.run_id, action=action, outcome=outcome, message=message, at=now()
        )
    )

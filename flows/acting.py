"""Act on a verdict where the plan says so: roll back, read back, try P1 on what is live then."""

from __future__ import annotations

from collections.abc import AsyncIterator

from data.records.facts import ProbeResult
from data.records.verdict import Acted, Verdict
from data.records.words import Priority, VerdictWord
from data.rules.after_rollback import expected_after, read_back, tried
from data.rules.returning import WENT_BACK
from flows.session import Session
from flows.wiring import Wired
from tasks.clock import now
from tasks.deploy.deployer import Moved
from tasks.health import read_revisions
from tasks.probes.run import run_probe


async def act(session: Session, verdict: Verdict) -> None:
    """Roll back once, if the verdict is ROLL_BACK and the plan lets the gate do so by itself.

    What follows is recorded as actions and never as evidence: it says nothing of the deployment
    that was judged. The gate stops there, whatever it finds: a second rollback is a person's to
    decide.
    """
    wants = verdict.verdict is VerdictWord.ROLL_BACK and session.wired.plan.rollback.execute
    target = next((a.text.removeprefix(WENT_BACK) for a in verdict.actions), "")
    if not wants or not target:
        return
    rolled = await session.deployer.roll_back(target)
    _record(session, f"{WENT_BACK}{target}", rolled.done, rolled.message)
    if rolled.done:
        await _confirm(session, target, rolled)


async def _confirm(session: Session, target: str, rolled: Moved) -> None:
    """Whether what the deployer says is so, and whether users can do again what P1 stands for.

    Looked at is where users are: what was tested beside them may still be there.
    """
    promotion = session.wired.plan.promotion
    live = session.wired.moved({**rolled.urls, **(promotion.live if promotion else {})})
    deploy, services = await session.deploy(), live.plan.services
    expected = rolled.revisions or expected_after(deploy, live.started.revision, target)
    n_reads = live.plan.fence_reads
    read = read_revisions(live.run_id, "rollback", services, expected, n_reads)
    _record(session, "read back", *read_back([reading async for reading in read]))
    results = [result async for result in _p1(live)]
    _record(session, f"try P1 on {target}", *tried(results))


async def _p1(wired: Wired) -> AsyncIterator[ProbeResult]:
    """Each P1 probe once, without load; suites take too long beside an outage."""
    for phase in wired.plan.phases:
        for probe in phase.probes if phase.priority is Priority.P1 else ():
            once = probe.model_copy(update={"repeat": 1, "warm_up": 0, "load": None})
            async for fact in run_probe(wired.probe_order(phase, once)):
                if isinstance(fact, ProbeResult):
                    yield fact


def _record(session: Session, action: str, done: bool, message: str) -> None:
    session.record(
        Acted(
            run_id=session.wired.run_id,
            action=action,
            outcome="done" if done else "failed",
            message=message,
            at=now(),
        )
    )

"""Promote what the verdict approves, where the plan says so, and read back what users get then."""

from __future__ import annotations

from data.records.facts import DeployResult, RevisionReading
from data.records.plan import Promotion, Service
from data.records.verdict import Acted, Verdict
from data.rules.deciding import settled
from data.rules.promoting import confirmed, promotion_refusals
from flows.session import Session
from tasks.clock import now
from tasks.health import read_revisions


async def promote(session: Session, verdict: Verdict) -> None:
    """Promote once, if the plan has `promotion` and nothing speaks against it.

    Refusals, a dry run, the promotion and what was read afterwards are actions beside the verdict
    and never evidence: the verdict stays what it is. A run that was resumed does not repeat a
    promotion that was done; nothing that is found afterwards makes the gate act again.
    """
    promotion, deploy = session.wired.plan.promotion, await session.deploy()
    action = f"promote {deploy.revision or 'nothing'}"
    if promotion is None or _was_done(session, action):
        return
    services, decision = session.wired.plan.services, session.recorder.view().decision
    approved = settled(verdict, decision).approves
    seen = await _read(session, services, deploy) if approved else []
    refused = promotion_refusals(promotion, verdict, deploy, seen, _tested(session), decision)
    if refused or deploy.revision is None:
        _record(session, action, "refused", "; ".join(refused))
    elif not promotion.execute:
        _record(session, action, "dry run", "nothing speaks against it (promotion.execute: false)")
    else:
        await _promote(session, promotion, deploy, deploy.revision)


async def _promote(
    session: Session, promotion: Promotion, deploy: DeployResult, revision: str
) -> None:
    """The addresses that the plan names for users go before those that the deployer tells."""
    moved = await session.deployer.promote(revision)
    _record(session, f"promote {revision}", "done" if moved.done else "failed", moved.message)
    if not moved.done:
        return
    live = session.wired.moved({**moved.urls, **promotion.live}).plan.services
    good, told = confirmed(await _read(session, live, deploy))
    _record(session, "read back", "done" if good else "failed", told)


async def _read(
    session: Session, services: dict[str, Service], deploy: DeployResult
) -> list[RevisionReading]:
    """Which revisions answer now; not recorded, since the evidence is what the verdict saw."""
    run_id, n_reads = session.wired.run_id, session.wired.plan.fence_reads
    reads = read_revisions(run_id, "promotion", services, deploy.revisions, n_reads)
    return [reading async for reading in reads]


def _tested(session: Session) -> dict[str, set[str]]:
    tested: dict[str, set[str]] = {}
    for reading in session.recorder.evidence().revisions:
        tested.setdefault(reading.service, set()).update(reading.seen)
    return tested


def _was_done(session: Session, action: str) -> bool:
    acted = session.recorder.view().acted
    return any(one.action == action and one.outcome == "done" for one in acted)


def _record(session: Session, action: str, outcome: str, message: str) -> None:
    run_id = session.wired.run_id
    session.record(Acted(run_id=run_id, action=action, outcome=outcome, message=message, at=now()))

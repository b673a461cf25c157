"""Tell the plan's receivers of a verdict that is news to them."""

from __future__ import annotations

import asyncio

from prefect.logging import get_run_logger

from data.records.notify import Notify
from data.records.verdict import Acted, Verdict
from data.rules.notice import is_due, notice_of, said_by
from data.store.history import said_before
from data.store.warehouse import Warehouse
from flows.session import Session
from tasks.clock import now
from tasks.publish.notify import tell


async def tell_people(session: Session, verdict: Verdict, warehouse: Warehouse) -> None:
    """Whom it was told, and whom not and why, is recorded; the verdict stands either way."""
    plan = session.wired.plan
    if not plan.notify:
        return
    before = await asyncio.to_thread(
        warehouse.earlier, plan.plan, plan.environment, verdict.run_id, said_before, None
    )
    signatures = frozenset(one.signature for one in verdict.incidents)
    said = said_by(verdict.verdict, verdict.rule, signatures)
    due = [one for one in plan.notify if is_due(one, said, before)]
    await asyncio.gather(*(_tell(session, verdict, one) for one in due))


async def _tell(session: Session, verdict: Verdict, receiver: Notify) -> None:
    address = session.wired.env.get(receiver.to, "")
    link = receiver.link or str(session.wired.home / "reports" / f"{verdict.run_id}.html")
    failed = f"{receiver.to} is not set"
    if address:
        failed = await tell(address, notice_of(session.wired.started, verdict, link))
    if failed:
        get_run_logger().warning("%s was not told: %s", receiver.to, failed)
    session.record(
        Acted(
            run_id=verdict.run_id,
            action=f"tell {receiver.to}",
            outcome="failed" if failed else "done",
            message=failed,
            at=now(),
        )
    )

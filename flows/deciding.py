"""Ask a person where the plan wants one, and record who decided what and why."""

from __future__ import annotations

import asyncio
from typing import Literal

from data.records.approval import Approval, Decision, Word
from data.records.verdict import Acted, Verdict
from data.records.words import VerdictWord
from data.rules.deciding import asks, is_decided, refusals, sentence, settled
from flows.session import Session
from tasks.asking import person
from tasks.clock import now
from tasks.inbox import inbox


def waits(session: Session, verdict: Verdict) -> bool:
    """Whether a person is asked now: not one who has decided about this evidence before."""
    if is_decided(session.recorder.view().decision, verdict):
        return False
    return asks(session.wired.plan.approval, verdict)


async def decide(session: Session, verdict: Verdict) -> VerdictWord:
    """What holds in the end. Held, and recorded as such, from the first moment of waiting on."""
    approval = session.wired.plan.approval
    if approval is None:
        return verdict.verdict
    if waits(session, verdict):
        await _ask(session, verdict, approval)
    elif verdict.verdict in approval.verdicts and (why := refusals(verdict)):
        text = "; ".join(why)
        session.record(
            Acted(
                run_id=verdict.run_id,
                action="ask a person",
                outcome="refused",
                message=f"nobody may promote it: {text}",
                at=now(),
            )
        )
    return settled(verdict, session.recorder.view().decision)


async def _ask(session: Session, verdict: Verdict, approval: Approval) -> None:
    how_to = f"goldenpath approve {verdict.run_id} --decision promote|hold --by NAME --reason TEXT"
    _record(session, verdict, "hold", "", f"waits {approval.wait:g} s for: {how_to}", "waiting")
    session.say(f"{verdict.verdict}: {verdict.rule}; waits for a person: {how_to}")
    path = inbox(session.wired.home, verdict.run_id)
    heard = await person(path, verdict.input_hash, about(verdict), approval.wait)
    if heard is None:
        text = f"nobody decided within {approval.wait:g} s"
        _record(session, verdict, "hold", "", text, "time-out")
    else:
        said, how = heard
        _record(session, verdict, said.decision, said.by, said.reason, how)
    await asyncio.to_thread(path.unlink, True)


def about(verdict: Verdict) -> str:
    """What a person reads before deciding, as Markdown."""
    reasons = "".join(f"\n- {text}" for text in verdict.reasons)
    return f"**{verdict.verdict}** of run `{verdict.run_id}`: {verdict.rule}\n{reasons}"


def _record(
    session: Session,
    verdict: Verdict,
    word: Word,
    by: str,
    reason: str,
    how: Literal["waiting", "prefect", "cli", "time-out"],
) -> None:
    decision = Decision(
        run_id=verdict.run_id,
        verdict=verdict.verdict,
        input_hash=verdict.input_hash,
        decision=word,
        by=by,
        reason=reason,
        how=how,
        at=now(),
    )
    session.record(decision)
    if how != "waiting":
        session.say(sentence(decision))

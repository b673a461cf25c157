"""Ask a person where the plan wants one, and record who decided what and why."""

from __future__ import annotations

import asyncio
from typing import Literal

from data.records.approval import Approval, Decision, Word
from data.records.evidence import RunView
from data.records.verdict import Acted, Verdict
from data.rules.deciding import asks, carried, is_about, refusals, sentence
from flows.session import Session
from tasks.asking import person
from tasks.clock import now
from tasks.inbox import inbox, taken


def hold_first(session: Session, verdict: Verdict) -> None:
    """Before the verdict is recorded: a run that will ask a person is held until one has spoken.

    So no moment is left in which a kill would leave an approval behind that nobody gave. Where
    somebody has decided about the same case before the run was resumed, that stands.
    """
    approval, before = session.wired.plan.approval, session.recorder.view()
    if approval is None or not asks(approval, verdict):
        return
    answer = _answered(session, before, verdict)
    if answer is not None:
        session.record(answer)
        session.say(f"{sentence(answer)}; the case is the same, so nobody is asked again")
        return
    text = f"waits {approval.wait:g} s for: {_how_to(verdict)}"
    _record(session, verdict, "hold", "", text, "waiting")


def _answered(session: Session, before: RunView, verdict: Verdict) -> Decision | None:
    """The answer of before the resume: recorded, or left in the inbox of a killed process."""
    earlier, known = before.verdict, before.decision
    if earlier is None or known is None:
        return None
    left = taken(inbox(session.wired.home, verdict.run_id))
    if left is not None and left.input_hash == known.input_hash and known.how == "waiting":
        told = {"decision": left.decision, "by": left.by, "reason": left.reason, "how": "cli"}
        known = known.model_copy(update=told | {"at": now()})
    return carried(known, earlier, verdict)


def waits(session: Session, verdict: Verdict) -> bool:
    """Whether a person is to be asked now."""
    known = session.recorder.view().decision
    return known is not None and known.how == "waiting" and is_about(known, verdict)


async def decide(session: Session, verdict: Verdict) -> None:
    """Ask where the run waits, and record what is said; say where nobody may be asked."""
    approval = session.wired.plan.approval
    if approval is None:
        return
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


async def _ask(session: Session, verdict: Verdict, approval: Approval) -> None:
    session.say(f"{verdict.verdict}: {verdict.rule}; waits for a person: {_how_to(verdict)}")
    path = inbox(session.wired.home, verdict.run_id)
    heard = await person(path, verdict.input_hash, about(verdict), approval.wait)
    if heard is None:
        text = f"nobody decided within {approval.wait:g} s"
        _record(session, verdict, "hold", "", text, "time-out")
    else:
        said, how = heard
        _record(session, verdict, said.decision, said.by, said.reason, how)
    await asyncio.to_thread(path.unlink, True)


def _how_to(verdict: Verdict) -> str:
    return f"goldenpath approve {verdict.run_id} --decision promote|hold --by NAME --reason TEXT"


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

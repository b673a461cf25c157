"""What a person may decide after the verdict, and what follows from it."""

from __future__ import annotations

from collections.abc import Iterator

from data.records.approval import Approval, Decision
from data.records.verdict import Verdict
from data.records.words import Mark, Priority, VerdictWord

_PROVEN = (Mark.PASS, Mark.FLAKY)
_WATCH, _HOLD = VerdictWord.PROMOTE_WITH_WATCH, VerdictWord.HOLD


def refusals(verdict: Verdict) -> tuple[str, ...]:
    """Why nobody may promote it; empty where a person may.

    PROMOTE and PROMOTE_WITH_WATCH approve already. A HOLD may be promoted where it is about less
    than P1: every P1 criterion has passed, at worst when tried again. Nothing else may.
    """
    if verdict.verdict.approves:
        return ()
    if verdict.verdict is not _HOLD:
        return (f"the verdict is {verdict.verdict}",)
    return tuple(_unproven(verdict))


def _unproven(verdict: Verdict) -> Iterator[str]:
    first = [one for one in verdict.criteria if one.priority is Priority.P1]
    if not first:
        yield "nothing of P1 was judged"
    for one in first:
        if one.outcome not in _PROVEN:
            yield f"{one.id} of P1 is {one.outcome}: {one.sentence}"


def asks(approval: Approval | None, verdict: Verdict) -> bool:
    """Whether the run waits for a person: where the plan says so and promoting is theirs to say."""
    wanted = approval is not None and verdict.verdict in approval.verdicts
    return wanted and not refusals(verdict)


def is_about(decision: Decision | None, verdict: Verdict) -> bool:
    """Whether a person was asked about exactly this evidence, decided or not."""
    if decision is None:
        return False
    return (decision.verdict, decision.input_hash) == (verdict.verdict, verdict.input_hash)


def is_decided(decision: Decision | None, verdict: Verdict) -> bool:
    """Whether a person has decided about exactly this evidence."""
    spoken = decision is not None and decision.how not in ("waiting", "time-out")
    return spoken and is_about(decision, verdict)


def is_same_case(earlier: Verdict, verdict: Verdict) -> bool:
    """Whether a resumed run ends with what a person was asked about before.

    The word and its rule, what was seen and what was not, every criterion with its numbers, every
    incident. What else went into the hash (when the run ended, how often health was read) is
    nothing that a person decides about.
    """
    return _case(earlier) == _case(verdict)


def _case(verdict: Verdict) -> tuple[object, ...]:
    return (
        verdict.verdict,
        verdict.rule,
        verdict.reasons,
        verdict.coverage,
        verdict.not_seen,
        [(one.id, one.priority, one.outcome, one.sentence) for one in verdict.criteria],
        [(one.signature, one.priority, one.n) for one in verdict.incidents],
    )


def carried(
    decision: Decision | None, earlier: Verdict | None, verdict: Verdict
) -> Decision | None:
    """What a person said of the same case before the run was resumed, as word about this verdict.

    None where nobody had decided, or where the case is another one now: then somebody is asked.
    """
    if decision is None or earlier is None:
        return None
    if not is_decided(decision, earlier) or not is_same_case(earlier, verdict):
        return None
    return decision.model_copy(update={"input_hash": verdict.input_hash})


def settled(verdict: Verdict, decision: Decision | None) -> VerdictWord:
    """What holds in the end: the verdict, and what a person made of it where one was asked.

    A promotion by a person is PROMOTE_WITH_WATCH: the evidence did not say more. What waits is
    held. ROLL_BACK and SUPERSEDED stay what they are. A decision about other evidence, from before
    a resume, counts for nothing. One that is younger than the verdict is about the next one, which
    a kill kept from being recorded: until then the run is held.
    """
    if decision is None:
        return verdict.verdict
    if not is_about(decision, verdict):
        overtaken = verdict.verdict.approves and decision.at > verdict.at
        return _HOLD if overtaken else verdict.verdict
    if not (verdict.verdict.approves or verdict.verdict is _HOLD):
        return verdict.verdict
    says_promote = decision.decision == "promote" and is_decided(decision, verdict)
    return _WATCH if says_promote and not refusals(verdict) else _HOLD


def sentence(decision: Decision) -> str:
    """Who decided what and why, in one line."""
    if decision.how == "waiting":
        return f"held: {decision.reason}"
    who = f" by {decision.by}" if decision.by else ""
    word = "promoted" if decision.decision == "promote" else "held"
    return f"{word}{who} ({decision.how}): {decision.reason}"

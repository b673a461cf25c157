"""How a run ended for whoever started it: the word of its flow state, and its exit code."""

from __future__ import annotations

from collections.abc import Sequence

from data.records.evidence import RunView
from data.records.verdict import Acted
from data.records.words import VerdictWord
from data.rules.deciding import sentence, settled

NO_VERDICT_EXIT = 1  # the gate did not finish, and then the deployment is not approved
PROMOTION_FAILED, _FAILED_EXIT = "PROMOTION_FAILED", 13


def promotion_failed(acted: Sequence[Acted]) -> bool:
    """Whether the gate promoted, and users are not known to get it.

    Either the deployer could not, or what was read afterwards says something else. What was
    refused, or only tried in a dry run, has not failed; no more has a rollback's reading.
    """
    tried = [one.outcome for one in acted if one.action.startswith("promote ")]
    read = any(one.action == "read back" and one.outcome == "failed" for one in acted)
    return "failed" in tried or ("done" in tried and read)


def ending_of(view: RunView) -> str:
    """The verdict, as a person left it; PROMOTION_FAILED where it approved in vain; "": none."""
    if view.verdict is None:
        return ""
    word = settled(view.verdict, view.decision)
    return PROMOTION_FAILED if word.approves and promotion_failed(view.acted) else word


def sentence_of(view: RunView) -> str:
    """Why it ended so, in one line; "" without a verdict."""
    if view.verdict is None:
        return ""
    if ending_of(view) == PROMOTION_FAILED:
        wrong = (one for one in view.acted if one.outcome == "failed")
        return "; ".join(f"{a.action}: {a.message}" for a in wrong if _promotes(a))
    return sentence(view.decision) if view.decision else view.verdict.rule


def _promotes(acted: Acted) -> bool:
    return acted.action.startswith("promote ") or acted.action == "read back"


def approves(ending: str) -> bool:
    """Whether a run that ended so is a success."""
    return ending in set(VerdictWord) and VerdictWord(ending).approves


def exit_code_of(ending: str) -> int:
    """0, 10, 11 or 12 of the verdict, 13 for a promotion that failed, 1 for whatever is neither."""
    if ending == PROMOTION_FAILED:
        return _FAILED_EXIT
    return VerdictWord(ending).exit_code if ending in set(VerdictWord) else NO_VERDICT_EXIT

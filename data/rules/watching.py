"""A deployment under watch: what a look tries, what it found, and what follows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from data.records.evidence import RunView
from data.records.facts import RevisionReading
from data.records.plan import Plan, Rollback
from data.records.verdict import Acted, Verdict
from data.records.watch import Watch
from data.records.words import Priority, VerdictWord
from data.rules.deciding import settled
from data.rules.planning.criteria import criteria_faults

ENDED, LOOK = "watch", "watch: look "


class Look(StrEnum):
    """What one look found."""

    GOOD = "good"
    UNCLEAR = "unclear"
    BAD = "bad"
    ELSEWHERE = "elsewhere"


def plan_of_look(plan: Plan, revisions: Mapping[str, str]) -> Plan:
    """P1 alone, once and without load, of the revisions that were deployed; it moves nothing.

    Criteria that need more than that are left out; so is what only says what P1 is worth.
    """
    phases = tuple(
        phase.model_copy(
            update={"probes": tuple(one.model_copy(update={"load": None}) for one in phase.probes)}
        )
        for phase in plan.phases
        if phase.priority is Priority.P1
    )
    services = {
        name: service.model_copy(
            update={"expect_revision": revisions.get(name) or service.expect_revision}
        )
        for name, service in plan.services.items()
    }
    of_p1 = tuple(c for c in plan.criteria if c.priority is Priority.P1)
    less = {
        "phases": phases, "services": services, "criteria": of_p1, "capabilities": {},
        "revenue": None, "rollback": Rollback(), "promotion": None, "approval": None,
        "notify": (), "issues": None,
    }  # fmt: skip
    narrow = plan.model_copy(update=less)
    dead = {path[1] for path, _, _ in criteria_faults(narrow)}
    fed = tuple(c for index, c in enumerate(of_p1) if index not in dead)
    return narrow.model_copy(update={"criteria": fed})


def found(verdict: Verdict, readings: Iterable[RevisionReading]) -> tuple[Look, str]:
    """What a look found, and the sentence for it. Only PROMOTE is good; what is flaky is unclear.

    Where users are not served what was deployed, there is nothing to watch any more.
    """
    away = [r for r in readings if r.expected and r.seen and r.expected not in r.seen]
    if away:
        said = (f"{r.service} serves {', '.join(r.seen)} and not {r.expected}" for r in away)
        return Look.ELSEWHERE, "; ".join(dict.fromkeys(said))
    if verdict.verdict is VerdictWord.PROMOTE:
        return Look.GOOD, verdict.rule
    vague = (VerdictWord.PROMOTE_WITH_WATCH, VerdictWord.SUPERSEDED)
    return (Look.UNCLEAR if verdict.verdict in vague else Look.BAD), verdict.rule


def looks_of(acted: Sequence[Acted]) -> tuple[str, ...]:
    """What each look so far found, oldest first."""
    return tuple(one.outcome for one in acted if one.action.startswith(LOOK))


def end_of(
    watch: Watch, looks: Sequence[str], last: str, since: datetime, now: datetime
) -> tuple[bool, str] | None:
    """Whether the watch ends, well (True) or for people to look (False), and why; None: not yet.

    Args:
        looks: of all so far, the last one included. last: what that one said.
        since: when the deployment was approved.
    """
    if not looks:
        return None
    if looks[-1] == Look.ELSEWHERE:
        return True, f"users do not get it (any more): {last}"
    if looks[-1] == Look.BAD:
        return False, last
    tail = looks[-watch.looks :]
    if len(tail) == watch.looks and all(one == Look.GOOD for one in tail):
        return True, f"{watch.looks} good looks in a row, {len(looks)} in all"
    if (now - since).total_seconds() >= watch.most:
        return False, f"not closed within {watch.most:g} s: {', '.join(looks[-5:])}"
    return None


def is_watched(view: RunView) -> bool:
    """Whether a run was approved with watch, and the watch goes on."""
    if view.verdict is None or view.evidence.run.purpose != "validation":
        return False
    over = any(one.action == ENDED for one in view.acted)
    return not over and settled(view.verdict, view.decision) is VerdictWord.PROMOTE_WITH_WATCH

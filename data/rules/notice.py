"""What is told of a verdict, to whom, and whether it is news."""

from __future__ import annotations

from data.records.facts import RunStarted
from data.records.notify import Notify
from data.records.record import Record
from data.records.verdict import Verdict

_MOST = 3
_WORDS = {"PROMOTE_WITH_WATCH": "PROMOTE, and watch", "ROLL_BACK": "ROLL BACK"}


class Said(Record):
    """What a verdict was about: the word, the criterion that decided, the incidents behind it.

    Numbers are left out, so that a p95 of 2.1 s after one of 2.2 s is no news.
    """

    verdict: str
    about: str
    signatures: frozenset[str]


class Notice(Record):
    """A title, and a body of some lines of plain text."""

    title: str
    body: str


def said_by(verdict: str, rule: str, signatures: frozenset[str]) -> Said:
    """The same for a verdict of now and for one of the warehouse.

    Args:
        rule: the deciding sentence; what stands before its first colon names the criterion.
    """
    return Said(verdict=verdict, about=rule.partition(": ")[0], signatures=signatures)


def is_due(receiver: Notify, now: Said, before: Said | None) -> bool:
    """Whether a receiver hears of it: a verdict of theirs, and news unless they want repeats.

    A first verdict is news. So is one after a history that could not be read.
    """
    wanted = not receiver.verdicts or now.verdict in receiver.verdicts
    return wanted and (receiver.repeat or now != before)


def notice_of(started: RunStarted, verdict: Verdict, link: str) -> Notice:
    """Verdict, deciding sentence, money at risk, the gravest incidents, and where to read on."""
    what = f"{started.plan} on {started.environment}"
    title = f"{_WORDS.get(verdict.verdict, verdict.verdict)}: {what}, {started.revision or 'live'}"
    risk = verdict.revenue_at_risk
    lines = [
        verdict.rule,
        f"at risk: {risk.amount:,.0f} {risk.currency} a {risk.per}" if risk and risk.amount else "",
        *(f"{i.priority} {i.symptom} ({i.n}×)" for i in verdict.incidents[:_MOST]),
        *(f"next: {action.text}" for action in verdict.actions[:1]),
        f"run {started.run_id}",
        link.replace("{{run_id}}", started.run_id),
    ]
    return Notice(title=title, body="\n".join(line for line in lines if line))

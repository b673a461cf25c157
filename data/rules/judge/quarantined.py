"""What a quarantine does to a suite's mark, and what the report says about it."""

from __future__ import annotations

from collections.abc import Iterator

from data.records.quarantine import Quarantine
from data.records.words import Mark, VerdictWord
from data.rules.judge.case import Case, Ruling, ruling
from data.rules.quarantine import expired, in_force

_APPROVES = (VerdictWord.PROMOTE, VerdictWord.PROMOTE_WITH_WATCH)


def with_quarantined(rest: Ruling, everything: Ruling, spared: list[str]) -> Ruling:
    """A suite's ruling where some of its tests are in quarantine.

    The suite keeps the mark that it has with all of its tests, so nothing is proven by it that
    was not. Where the others alone are good enough, a mark other than PASS is watched; where they
    are not, what they say stands.

    Args:
        rest: the ruling on the tests that are not in quarantine.
        everything: the ruling without any quarantine.
        spared: test ids that are in quarantine, at least one.
    """
    if rest.effect not in _APPROVES:
        return rest
    if everything.result.outcome is Mark.PASS:
        return everything
    told = everything.result
    text = f"{told.sentence}; in quarantine: {_some(spared)}"
    watch = VerdictWord.PROMOTE_WITH_WATCH
    return ruling(told.id, told.priority, told.outcome, text, told.evidence, watch)


def _some(names: list[str]) -> str:
    rest = len(names) - 3
    return ", ".join(names[:3]) + (f" and {rest} more" if rest > 0 else "")


def quarantine_notes(case: Case) -> Iterator[str]:
    """A sentence for each quarantine of the plan: what it covered, or why it has no force."""
    live = in_force(case.plan, case.now)
    for entry in case.plan.quarantine:
        place = f"{entry.suite}/{entry.test}"
        if expired(entry, case.now):
            yield (
                f"quarantine of {place} ended with {entry.until} and it counts again;"
                f" owner {entry.owner}"
            )
        elif entry not in live:
            yield f"quarantine of {place} has no force: a suite of P1, or not in the plan"
        else:
            yield _in_force(case, entry, place)


def _in_force(case: Case, entry: Quarantine, place: str) -> str:
    found = [key for key, by in case.quarantined.items() if by == entry]
    if not found:
        return f"quarantine of {place} covered nothing that ended in this run"
    outcomes = sorted({case.finals[key[:2]][key[2]].outcome for key in found})
    return (
        f"in quarantine until {entry.until}: {place} {', '.join(outcomes)};"
        f" owner {entry.owner}; {entry.reason}"
    )

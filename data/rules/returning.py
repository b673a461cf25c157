"""Whether a deployment goes back: the one definition, for the guard and for the labels.

A revision *served* when a run approved it (PROMOTE or PROMOTE_WITH_WATCH), or when the gate rolled
back to it. One that was held or superseded never did, whatever came after it. Where a person
decided about the verdict, the decision counts and not the verdict.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from data.records.evidence import Evidence

WENT_BACK = "roll back to "  # and the revision: the action, once the gate has carried it out


class Served(NamedTuple):
    """A revision served from here on; `rolled_back`: because the gate itself went back to it."""

    revision: str
    rolled_back: bool = False


def is_return(revision: str | None, line: Sequence[Served]) -> bool:
    """Whether deploying `revision` goes back to what served earlier.

    It does where the revision began to serve, for the first time, before the one did that it takes
    the place of. Of A, B, A, B the second A goes back, and the second B does not: it goes forward
    once more. Trying again what serves by a return, or by the gate's own rollback, is still that
    return. A revision that nobody knows, or that never served, does not go back.

    Args:
        line: what served in this plan and environment before this run, oldest first.
    """
    places = [place for place, one in enumerate(line) if one.revision != revision]
    replaced = places[-1] if places else -1  # what serves beside it, or served before it came
    if any(one.rolled_back for one in line[replaced + 1 :]):
        return True
    first = {one.revision: place for place, one in reversed(list(enumerate(line)))}
    if revision not in first or not places:
        return False
    return first[revision] < first[line[replaced].revision]


def deployed_revision(evidence: Evidence) -> str | None:
    """The revision that a run is about, as the warehouse has it; None where nobody knows.

    The one asked for, else the one that the deployer names, else the only one that answered.
    """
    named = evidence.run.revision or (evidence.deploy.revision if evidence.deploy else None)
    seen = {name for reading in evidence.revisions for name in reading.seen}
    return named or (next(iter(seen)) if len(seen) == 1 else None)

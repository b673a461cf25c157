"""Contact of tests whose runner cannot be looked into, from a proxy's record and their times."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from math import inf
from operator import itemgetter
from typing import NamedTuple

from data.records.facts import TestResult
from data.records.results import Ran
from data.records.words import Outcome
from data.rules.attribution import Attributed, Contact, Moved, Window, attribute

# A runner may write a moment after the test.
SLACK_S = 0.3
WEAKER = "contact seen by time alone, at a proxy"
WEAKER_STILL = "contact seen by time alone, on the sockets of the runner's processes"
SHARED = (
    "all contact in this test's time may be another test's, which can have run then too: whose it"
    " was is unknown (results with exact times, and one worker, would tell)"
)
ELSEWHERE = "the suite had contact outside of every test's time: whose it was is unknown"
NOWHERE = (
    "none of the runner's processes was seen to talk to a target: whether this test did, from a"
    " container, through a forward proxy or by a remote browser, is unknown"
)
MISSED = "contact may have been missed, so whether this test had any is unknown: "
BLIND = "nobody looked for a moment while this test ran: whether it had contact then is unknown"


class Sight(NamedTuple):
    """How well the suite's contact was seen.

    Attributes:
        weaker: what a test with contact is told.
        doubt: why contact may have been missed; "" for none.
        blind: (from, to), seconds: nobody looked.
    """

    weaker: str = WEAKER
    doubt: str = ""
    blind: tuple[tuple[float, float], ...] = ()


class Reported(NamedTuple):
    """When a test can have run, as far as its file of results and its arrival tell.

    Attributes:
        took_s: its duration; None where the file has none.
        ran: when exactly; None: the file does not say.
        missed_s: when the file was looked at last and the test was not in it.
        seen_s: when it was first in it.
    """

    test_id: str
    took_s: float | None
    ran: Ran | None
    missed_s: float
    seen_s: float


def windows_of(reported: Iterable[Reported], began_s: float) -> Iterator[Window]:
    """The longest times in which each test can have run; several for one that was tried again.

    By its own times where the file has them. Else it ended between two looks at the file, or up to
    `SLACK_S` before; of several that came with one look each can have run before the others, so
    that their windows overlap. Where more came with one look than can have run since the one
    before, or a duration is missing, the runner keeps results back (a buffer, several workers):
    then each can have run at any time before it was seen.
    """
    looks: dict[tuple[float, float], list[Reported]] = defaultdict(list)
    lanes: dict[str, list[Reported]] = defaultdict(list)
    for one in reported:
        if one.ran is None:
            looks[one.missed_s, one.seen_s].append(one)
        else:
            lanes[one.ran.lane].append(one)
    for lane, tests in lanes.items():
        yield from _in_lane(tests) if lane else map(_own_window, tests)
    kept_back = any(_total_s(b) > seen - missed + SLACK_S for (missed, seen), b in looks.items())
    for (missed_s, seen_s), batch in looks.items():
        first_s = began_s if kept_back else max(began_s, missed_s - _total_s(batch) - SLACK_S)
        yield from (Window(one.test_id, first_s, seen_s) for one in batch)


def _own_window(one: Reported) -> Window:
    assert one.ran
    return Window(
        one.test_id, one.ran.starts_s[0] - one.ran.within_s, one.ran.end_s + one.ran.within_s
    )


def _in_lane(tests: Iterable[Reported]) -> Iterator[Window]:
    """Each try until the next one of its lane began, the last until it was seen."""
    told = ((start_s, one) for one in tests if one.ran for start_s in one.ran.starts_s)
    tries = sorted(told, key=itemgetter(0))
    for index, (start_s, one) in enumerate(tries):
        slack_s = one.ran.within_s if one.ran else 0.0
        last = index + 1 == len(tries)
        end_s = one.seen_s if last else tries[index + 1][0] + slack_s
        yield Window(one.test_id, start_s - slack_s, end_s)


def _total_s(batch: Iterable[Reported]) -> float:
    return sum(inf if one.took_s is None else one.took_s for one in batch)


def witnessed_by_time(
    tests: Sequence[TestResult],
    windows: Iterable[Window],
    contacts: Collection[Contact],
    sight: Sight = Sight(),  # noqa: B008
) -> Iterator[TestResult]:
    """The tests that ended, each with what was seen from outside while it ran.

    Weaker than the witness inside a runner, and every such test says so. Credited is only contact
    that no other test can have had: where windows overlap and all of it is shared, the test stays
    unknown. Without any contact of the whole suite no test touched the target. Where all contact
    lies in the times of tests, a test without any had none. Where some lies outside of them (a
    set-up of its own, a runner without times) a test without contact stays unknown, too: neither
    credited nor accused.

    Args:
        windows: when each test can have run, see `windows_of`.
    """
    windows = tuple(windows)
    found = attribute(windows, contacts)
    doubt = ELSEWHERE if _outside(windows, contacts) else sight.doubt
    unseen = attribute(windows, [Contact("", to, within_s=to - since) for since, to in sight.blind])
    for test in tests:
        if test.outcome in (Outcome.NOT_RUN, Outcome.SKIPPED):
            continue
        seen = found.get(test.test_id, Attributed())
        was_blind = test.test_id in unseen and unseen[test.test_id].witnessed
        yield _told(test, seen, doubt or (BLIND if was_blind else ""), sight.weaker)


def _told(test: TestResult, seen: Attributed, doubt: str, weaker: str) -> TestResult:
    why = SHARED if seen.shared else "" if seen.witnessed else doubt
    if why:
        return test.model_copy(update={"findings": (*test.findings, why)})
    told = {
        "witnessed": seen.witnessed,
        "n_connections": seen.n_connections,
        "sent_bytes": seen.sent_bytes,
        "received_bytes": seen.received_bytes,
        "findings": (*test.findings, weaker),
    }
    return test.model_copy(update=told)


def _outside(windows: Sequence[Window], contacts: Collection[Contact]) -> bool:
    """Whether any contact happened while no test ran."""
    spans = [(c.opened_s - c.within_s, c.opened_s) for c in contacts]
    spans += [_span(contact, moved) for contact in contacts for moved in contact.moved]
    return any(not any(w.start <= to and since <= w.end for w in windows) for since, to in spans)


def _span(contact: Contact, moved: Moved) -> tuple[float, float]:
    """Of bytes at a proxy their last moment counts; of those between two looks any may be it."""
    return (moved.first_s if contact.within_s else moved.last_s), moved.last_s

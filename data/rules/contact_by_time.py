"""Contact of tests whose runner cannot be looked into, from a proxy's record and their times."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from data.records.facts import TestResult
from data.records.words import Outcome
from data.rules.attribution import Attributed, Contact, Window, attribute

# Results are looked for five times a second, and a runner may write a moment after the test.
SLACK_S = 0.3
WEAKER = "contact seen by time alone, at a proxy"
SHARED = f"{WEAKER}, and other tests ran then too"
ELSEWHERE = "the suite had contact outside of every test's time: whose it was is unknown"


def witnessed_by_time(
    tests: Sequence[TestResult], contacts: Collection[Contact]
) -> Iterator[TestResult]:
    """The tests that ended, each with what a proxy saw while it ran.

    Weaker than the witness inside a runner, and every such test says so. Without any contact of the
    whole suite no test touched the target. Where all contact lies in the times of tests, a test
    without any had none. Where some lies outside of them (a runner that tells all at its end, a
    set-up of its own) a test without contact stays unknown: neither credited nor accused.
    """
    ended = [t for t in tests if t.outcome not in (Outcome.NOT_RUN, Outcome.SKIPPED)]
    windows = [_window(test) for test in ended]
    found = attribute(windows, contacts)
    whole = not _outside(windows, contacts)
    for test in ended:
        seen = found[test.test_id]
        if seen.witnessed:
            yield _seen(test, seen)
        elif whole:
            yield test.model_copy(update={"witnessed": False, "findings": (*test.findings, WEAKER)})
        else:
            yield test.model_copy(update={"findings": (*test.findings, ELSEWHERE)})


def _seen(test: TestResult, seen: Attributed) -> TestResult:
    told = {
        "witnessed": True,
        "n_connections": seen.n_connections,
        "sent_bytes": seen.sent_bytes,
        "received_bytes": seen.received_bytes,
        "findings": (*test.findings, SHARED if seen.shared else WEAKER),
    }
    return test.model_copy(update=told)


def _window(test: TestResult) -> Window:
    end_s = test.at.timestamp()
    return Window(test.test_id, end_s - (test.duration_ms or 0.0) / 1000 - SLACK_S, end_s)


def _outside(windows: Sequence[Window], contacts: Collection[Contact]) -> bool:
    """Whether any contact happened while no test ran."""
    moments = [c.opened_s for c in contacts] + [m.last_s for c in contacts for m in c.moved]
    return any(not any(w.start <= at <= w.end for w in windows) for at in moments)

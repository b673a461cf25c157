"""Which tests are new or gone since the last promoted run, and words for how a test ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from data.records.facts import Collected
from data.records.record import Record
from data.records.words import Outcome
from data.rules.outcomes import RED, FinalTest

Place = tuple[str, str]


class Changes(Record):
    """What one suite's manifest has gained and lost. Ids as the runner gives them."""

    new: tuple[str, ...] = ()
    vanished: tuple[str, ...] = ()


def changes(
    known: Mapping[str, Iterable[str]], collected: Iterable[Collected], unread: Sequence[str]
) -> dict[Place, Changes]:
    """(phase, suite) -> what differs from the last promoted run.

    Only suites that were collected in both runs: of others nothing can be said. A deselected test
    is there, and so are the tests of a module that could not be imported: that is an error of its
    own.

    Args:
        known: "phase/suite" -> test ids of the last promoted run.
        collected: manifests of this run; a suite has several where it was split.
        unread: ids of this run's modules that could not be imported.
    """
    there: dict[Place, dict[str, None]] = {}
    apart: dict[Place, set[str]] = {}
    for one in collected:
        there.setdefault((one.phase, one.suite), {}).update(dict.fromkeys(one.test_ids))
        apart.setdefault((one.phase, one.suite), set()).update(one.deselected)
    return {
        place: _changes(tuple(known["/".join(place)]), ids, apart[place], unread)
        for place, ids in there.items()
        if "/".join(place) in known
    }


def _changes(
    before: tuple[str, ...], now: Mapping[str, None], apart: set[str], unread: Sequence[str]
) -> Changes:
    gone = (t for t in before if t not in now and t not in apart and t not in unread)
    hidden, known = tuple(f"{module}::" for module in unread), set(before)
    return Changes(
        new=tuple(test for test in now if test not in known),
        vanished=tuple(t for t in gone if not t.startswith(hidden)) if hidden else tuple(gone),
    )


def named(tests: tuple[str, ...], n: int = 3) -> str:
    """The first `n` of them by name, and how many more there are."""
    more = f" and {len(tests) - n} more" if len(tests) > n else ""
    return ", ".join(tests[:n]) + more


def manner_of(final: FinalTest) -> str:
    """The word for an ending that its outcome alone does not tell, "" where it does.

    `xfail` failed as expected (SKIPPED), `xpass` was expected to fail and passed, and `set-up
    error`, `tear-down error` and `cannot be collected` are red outside the test itself.
    """
    last = final.red or final.last
    if last.outcome in RED and last.stage in _STAGES:
        return _STAGES[last.stage]
    if final.outcome is Outcome.SKIPPED and final.last.message.startswith("xfail"):
        return "xfail"
    return "xpass" if any(f.startswith("xpass") for f in final.last.findings) else ""


_STAGES = {
    "setup": "set-up error",
    "teardown": "tear-down error",
    "collect": "cannot be collected",
}

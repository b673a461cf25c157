"""When the rest of a phase cannot change what the phase means any more."""

from __future__ import annotations

from collections.abc import Iterable

from data.records.facts import ProbeResult, TestResult
from data.records.plan import Phase
from data.records.quarantine import Quarantine
from data.records.words import Outcome
from data.rules.quarantine import ever_covered


def settled_because(
    phase: Phase,
    tests: Iterable[TestResult],
    probes: Iterable[ProbeResult],
    quarantine: Iterable[Quarantine] = (),
) -> str:
    """Why the phase's mark is FAIL whatever else happens, or "" while it is open.

    A failed test is definite once its last retry failed; what could not be carried out (ERROR) or
    did not run settles nothing, since a failure would still be graver. A probe retries by itself,
    so its FAIL is definite, and none is tolerated. A test in quarantine, expired or not, settles
    nothing either: the day is the judge's to compare.
    """
    quarantine = tuple(quarantine)
    retries = {suite.id: suite.retries for suite in phase.suites}
    failed = [p.probe for p in probes if p.phase == phase.id and p.outcome is Outcome.FAIL]
    if failed:
        return f"probe {failed[0]} failed, none is tolerated"
    last = [
        t
        for t in tests
        if t.phase == phase.id
        and t.outcome is Outcome.FAIL
        and t.attempt > retries.get(t.suite, t.attempt)
        and not ever_covered(quarantine, phase, t.suite, t.test_id)
    ]
    if len(last) <= phase.tolerance:
        return ""
    return f"{len(last)} failed > {phase.tolerance} tolerated, first of them {last[0].test_id}"

"""A test that a file told red, and that the file, written anew, tells otherwise."""

from __future__ import annotations

from data.records.results import ReadCase
from data.records.words import Outcome
from data.rules.outcomes import RED

_UNENDED = (Outcome.SKIPPED, Outcome.NOT_RUN)


def after_red(red: ReadCase | None, case: ReadCase) -> ReadCase:
    """The case as it counts, with what was told before.

    A runner that tries again writes the later result over the first one: a pass is then FLAKY, as
    it is wherever a test passes only when tried again. A later skip, or no result, leaves the red.

    Args:
        red: the last red result of this test in the same run of the command; None: there was none.
    """
    if red is None or case.outcome in RED:
        return case
    told = f"the file said {red.outcome} before: {red.message}".rstrip(": ")
    kept = red if case.outcome in _UNENDED else case._replace(outcome=Outcome.FLAKY, message=told)
    return kept._replace(findings=(*case.findings, told))

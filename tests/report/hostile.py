"""A run whose every text tries to become markup."""

from __future__ import annotations

from data.records.evidence import RunView
from tests.report.parts import criterion, test
from tests.report.runs import rich_evidence, rich_tests, rich_verdict

HOSTILE = "a|b\n## c <script>alert(1)</script> [x](javascript:1) `d` *e* _f_ \\"


def hostile() -> RunView:
    """A run whose every text tries to become markup."""
    bad = test(HOSTILE, HOSTILE, "FAIL", message=HOSTILE)
    evidence = rich_evidence().model_copy(update={"tests": (*rich_tests(), bad)})
    criteria = (criterion(HOSTILE, "P1", "FAIL", HOSTILE),)
    verdict = rich_verdict(
        criteria=criteria, reasons=(HOSTILE,), counterfactual=HOSTILE, not_seen=(HOSTILE,)
    )
    return RunView(evidence=evidence, verdict=verdict)

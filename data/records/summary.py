"""One line of the list of runs."""

from __future__ import annotations

from data.records.record import AwareUtc, Record
from data.records.words import VerdictWord


class RunSummary(Record):
    """A run in a list. Counts are of tests and probes by final outcome.

    Attributes:
        verdict: None when it was not judged: it goes on, or was killed.
        n_failed: FAIL and ERROR together.
        label: what people found out later: good, bad or None.
    """

    run_id: str
    plan: str
    environment: str
    deployment_id: str
    revision: str | None
    verdict: VerdictWord | None
    rule: str | None
    started_at: AwareUtc
    finished_at: AwareUtc | None
    n_tests: int
    n_passed: int
    n_failed: int
    n_flaky: int
    n_skipped: int
    n_not_run: int
    n_vacuous: int
    n_probes: int
    n_probes_failed: int
    label: str | None

"""What a suite cannot ask of a runner that only leaves files of results."""

from __future__ import annotations

from collections.abc import Iterator

from data.records.plan import Suite


def result_faults(suite: Suite) -> Iterator[tuple[str, str]]:
    """(key, message) for each promise that only the pytest plugin could keep."""
    if suite.results is None:
        return
    if suite.test_timeout is not None:
        yield "test_timeout", "nothing can end a single test of a runner that writes `results`"
    if suite.shards != 1:
        yield "shards", "nothing can split a suite whose runner writes `results`"

"""Laws of `results` in a plan: what cannot be kept is not promised."""

from __future__ import annotations

import pytest

from data.errors import PlanError
from data.rules.planning.load import load_plan

PLAN = """
plan: shop
environment: staging
services: {{it: {{url: "http://127.0.0.1:1"}}}}
phases:
  - id: p
    priority: P1
    suites: [{{id: s, command: [make, test], {}}}]
"""
FAULTS = [
    ("results: {format: junit, path: /tmp/x.xml}", "below the suite's cwd, got '/tmp/x.xml'"),
    ("results: {format: junit, path: ../x.xml}", "below the suite's cwd, got '../x.xml'"),
    ("results: {format: junit, path: ''}", "below the suite's cwd, got ''"),
    ("results: {format: trx, path: x.trx}", "'junit', 'ctrf' or 'playwright'"),
    ("results: {format: junit}", "the key 'path' is missing"),
    ("results: {format: junit, path: x.xml}, test_timeout: 3s", "nothing can end a single test"),
    ("results: {format: junit, path: x.xml}, shards: 2", "nothing can split a suite"),
]


@pytest.mark.parametrize(("line", "fault"), FAULTS)
def test_a_promise_that_cannot_be_kept_is_a_fault(line: str, fault: str) -> None:
    with pytest.raises(PlanError) as caught:
        load_plan(PLAN.format(line), "plan.yaml", {})
    assert fault in str(caught.value)


@pytest.mark.parametrize("path", ["x.xml", "reports/*.xml", "**/TEST-*.xml"])
def test_a_path_or_a_pattern_below_the_cwd_is_fine(path: str) -> None:
    plan = load_plan(PLAN.format(f'results: {{format: junit, path: "{path}"}}'), "plan.yaml", {})
    results = plan.phases[0].suites[0].results
    assert results is not None
    assert results.path == path

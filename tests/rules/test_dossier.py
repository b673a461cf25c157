"""The judge's input in one document: complete, or every fault of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from data.errors import PlanError
from data.rules.dossier import read_dossier
from tests.rules.matters import RUN, matter, plan

GOOD = matter()
WRITTEN: dict[str, Any] = {
    "plan": json.loads(plan().model_dump_json(by_alias=True)),
    "evidence": GOOD.evidence.model_dump(mode="json"),
    "history": GOOD.history.model_dump(mode="json"),
}
START = {
    "run_id": "r",
    "plan": "p",
    "environment": "e",
    "deployment_id": "d",
    "started_at": "2026-01-01T00:00:00Z",
}
SMALL = {
    "plan": {"plan": "p", "environment": "e", "services": {"x": {"url": "http://x"}}, "health": {"deadline": "5s"},
             "phases": [{"id": "a", "priority": "P1"}]},
    "evidence": {"run": START, "deploy": {"deployer": "none", "outcome": "PASS", "at": "2026-01-01T00:00:00Z"},
                 "health": [{"stage": "gate", "service": "x", "state": "healthy", "at": "2026-01-01T00:00:00Z"}]},
}  # fmt: skip


def faults(text: str) -> list[str]:
    with pytest.raises(PlanError) as caught:
        read_dossier(text, "f.json")
    return [str(fault) for fault in caught.value.faults]


def test_what_was_written_reads_as_it_was() -> None:
    read = read_dossier(json.dumps(WRITTEN), "f.json")
    assert (read.plan, read.history) == (GOOD.plan, GOOD.history)
    assert read.evidence.tests == GOOD.evidence.tests


def test_a_fact_without_a_run_belongs_to_the_run() -> None:
    read = read_dossier(json.dumps(SMALL), "f.json")
    assert read.evidence.deploy is not None
    assert {read.evidence.deploy.run_id, read.evidence.health[0].run_id} == {"r"}


def test_a_fact_keeps_a_run_that_it_names() -> None:
    assert read_dossier(json.dumps(WRITTEN), "f.json").evidence.tests[0].run_id == RUN


def test_units_are_read_as_in_a_plan() -> None:
    read = read_dossier(json.dumps(SMALL), "f.json")
    assert read.plan.health.deadline == 5.0


def test_the_run_carries_the_plan_that_judges_it() -> None:
    read = read_dossier(json.dumps(SMALL), "f.json")
    assert json.loads(read.evidence.run.plan_json)["plan"] == "p"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{", "not readable JSON"),
        ("", "not readable JSON"),
        ("[1]", "expected an object, got a list"),
        ("null", "expected an object, got a NoneType"),
        ('{"evidence": 5}', "plan: the key is missing"),
        ('{"evidence": {"run": 5}}', "evidence.run"),
    ],
)  # fmt: skip
def test_what_is_no_dossier_is_refused(text: str, expected: str) -> None:
    assert any(expected in one for one in faults(text))


def test_all_faults_come_at_once_with_their_places() -> None:
    spoiled = json.loads(json.dumps(SMALL))
    spoiled["plan"]["extra"] = 1
    spoiled["evidence"]["health"][0]["state"] = "fine"
    spoiled["evidence"]["tests"] = [{"test_id": "t"}, 7]
    spoiled["now"] = "2026-01-01T00:00:00"
    told = "\n".join(faults(json.dumps(spoiled)))
    for place in (
        "plan.extra",
        "evidence.health[0].state",
        "evidence.tests[0].outcome",
        "evidence.tests[1]",
        "now: ",
    ):
        assert f"f.json: {place}" in told

"""What-if: the same judge on the same rows, with the history of that day and nothing later."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from data.records.facts import Fact, RunStarted
from data.records.plan import Plan
from data.store.warehouse import Warehouse
from flows.cli import main
from flows.replay import Replayed, replay
from tests.rules.making import CORE, LATENCIES, NOW, PLAN, Change, Input, green, outcome, seen
from tests.rules.making import samples as sampled


def stored(warehouse: Warehouse, n: int, change: Change = lambda case: case) -> Input:
    """The n-th day's run, judged with the history that was there, and kept."""
    case = change(green())
    run_id, begun = f"run-{n}", NOW + timedelta(days=n)
    told = {
        "started_at": begun,
        "revision": f"r{n}",
        "plan_json": case.plan.model_dump_json(by_alias=True),
    }
    facts: list[Fact] = [
        f.model_copy(update={"run_id": run_id, **(told if isinstance(f, RunStarted) else {})})
        for f in _facts(case)
    ]
    warehouse.commit(facts)
    history = warehouse.history("shop", "staging", run_id)
    evidence = warehouse.evidence(run_id)
    verdict = Input(case.plan, evidence, history).judged(begun + timedelta(minutes=5))
    warehouse.commit([*facts, verdict])
    return case


def _facts(case: Input) -> list[Fact]:
    found: list[Fact] = []
    for name in type(case.evidence).model_fields:
        value = getattr(case.evidence, name)
        found += [value] if isinstance(value, Fact) else list(value or ())
    return found


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three stored runs."""
    folder = tmp_path_factory.mktemp("kept")
    found = Warehouse(folder / "w.duckdb")
    stored(found, 1)
    stored(found, 2, outcome(CORE, "t1", "FAIL"))
    slow = tuple(3 * v for v in LATENCIES)
    stored(found, 3, seen(samples=sampled(slow)))
    return folder


@pytest.fixture
def warehouse(kept: Path, tmp_path: Path) -> Warehouse:
    """A copy of its own for each test."""
    shutil.copytree(kept, tmp_path, dirs_exist_ok=True)
    return Warehouse(tmp_path / "w.duckdb")


def words(replayed: list[Replayed]) -> list[tuple[str, str, str]]:
    return [(r.run_id, r.was, r.now) for r in replayed]


def test_the_same_plan_says_the_same_of_every_stored_run(warehouse: Warehouse) -> None:
    found = replay(warehouse, green().plan, None)
    assert [r.run_id for r in found] == ["run-1", "run-2", "run-3"]
    assert not any(r.changed for r in found)
    assert found[1].was == "ROLL_BACK"  # run-1 was promoted before it
    assert "shift" in found[2].rule or found[2].was == "PROMOTE_WITH_WATCH"


def test_a_laxer_plan_shows_what_would_have_changed(warehouse: Warehouse) -> None:
    phases = [PLAN["phases"][0] | {"tolerance": 1}, *PLAN["phases"][1:]]
    plan = Plan.model_validate(PLAN | {"phases": phases, "criteria": []})
    found = replay(warehouse, plan, None)
    assert words(found)[1:] == [
        ("run-2", "ROLL_BACK", "PROMOTE_WITH_WATCH"),
        ("run-3", "PROMOTE_WITH_WATCH", "PROMOTE"),
    ]


def test_a_verdict_does_not_see_later_runs_or_later_labels(warehouse: Warehouse) -> None:
    before = replay(warehouse, green().plan, None)
    stored(warehouse, 4)
    warehouse.label("run-1", "bad", "found out later", "ann", NOW + timedelta(days=5))
    after = replay(warehouse, green().plan, None)
    assert words(after)[:3] == words(before)
    assert after[0].label == "bad" and after[0].label_source == "person"
    assert warehouse.history("shop", "staging", "run-2").known_good is None  # today it counts


def test_since_and_names_choose_the_runs(warehouse: Warehouse) -> None:
    late = NOW + timedelta(days=2)
    assert [r.run_id for r in replay(warehouse, green().plan, late)] == ["run-2", "run-3"]
    assert replay(warehouse, green(environment="prod").plan, None) == []


def test_the_command_writes_nothing_and_prints_one_document(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    plan = tmp_path / "plan.yaml"
    laxer = PLAN | {
        "criteria": [],
        "revenue": None,
        "capabilities": {n: {} for n in PLAN["capabilities"]},
        "rollback": {"armed": False},
    }
    plan.write_text(json.dumps(laxer))
    told = ["replay", str(plan), "--warehouse", str(warehouse.path), "--since", "2026-01-02"]
    before = warehouse.path.read_bytes()
    done = CliRunner().invoke(main, [*told, "--json"])
    assert done.exit_code == 0, done.output
    document = json.loads(done.output)
    assert document["changes"] == {"ROLL_BACK → HOLD": 1, "PROMOTE_WITH_WATCH → PROMOTE": 1}
    assert warehouse.path.read_bytes() == before
    assert "3 runs judged again, 2 verdicts would change" in CliRunner().invoke(main, told).output
    wrong = CliRunner().invoke(main, [*told[:-1], "yesterday"])
    assert wrong.exit_code == 2 and "30d" in wrong.output

"""A run that a newer deployment ended keeps what it saw and is SUPERSEDED, never anything better."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from data.errors import SpoolError
from data.rules.judge import judge
from data.store.warehouse import Warehouse
from flows.hooks.ending import end_superseded
from flows.wiring import plan_json
from tasks.record import Recorder
from tests.rules.matters import RUN, matter
from tests.store.runs import started as earlier_run
from tests.store.runs import verdict


def begun(folder: Path) -> tuple[Path, Recorder]:
    """The journal of a run that was cut off after all of its tests, and before its end."""
    case = matter()
    path = folder / "w.duckdb"
    recorder = Recorder(Warehouse(path).spools, RUN)
    run = case.evidence.run.model_copy(update={"plan_json": plan_json(case.plan)})
    recorder.record_all((run, *case.evidence.health, *case.evidence.suites, *case.evidence.tests))
    return path, recorder


def test_it_is_superseded_and_keeps_its_partial_results(tmp_path: Path) -> None:
    path, recorder = begun(tmp_path)
    recorder.close()
    assert end_superseded(path, RUN, "rev-9") == "SUPERSEDED"
    view = Warehouse(path).view(RUN)
    assert view.verdict is not None and "rev-9" in view.verdict.rule
    assert view.evidence.tests == matter().evidence.tests
    assert end_superseded(path, RUN, "rev-10") == "SUPERSEDED"
    again = Warehouse(path).view(RUN).verdict
    assert again == view.verdict, "judged once"


def test_it_records_that_its_deployment_went_back(tmp_path: Path) -> None:
    path, recorder = begun(tmp_path)
    recorder.close()
    for n, revision in ((7, "rev-2"), (8, "rev-3")):
        started = earlier_run(n, revision=revision)
        told = {"started_at": started.started_at - timedelta(days=9)}
        Warehouse(path).commit([started.model_copy(update=told), verdict(n)])
    end_superseded(path, RUN, "rev-9")
    assert Warehouse(path).evidence(RUN).run.is_rollback


def test_even_a_run_that_saw_nothing_wrong_is_superseded() -> None:
    case = matter()
    assert case.evidence.ended is not None
    ended = case.evidence.ended.model_copy(update={"superseded_by": "rev-9"})
    evidence = case.evidence.model_copy(update={"ended": ended})
    assert judge(case.plan, case.evidence, case.history, ended.finished_at).verdict == "PROMOTE"
    assert judge(case.plan, evidence, case.history, ended.finished_at).verdict == "SUPERSEDED"


def test_a_run_that_had_not_begun_leaves_nothing(tmp_path: Path) -> None:
    assert end_superseded(tmp_path / "w.duckdb", "hook-x", "rev-9") == ""


def test_a_run_whose_process_lives_is_not_judged_for_it(tmp_path: Path) -> None:
    path, recorder = begun(tmp_path)
    with pytest.raises(SpoolError, match="another process"):
        end_superseded(path, RUN, "rev-9")
    recorder.close()
    assert Warehouse(path).view(RUN).verdict is None

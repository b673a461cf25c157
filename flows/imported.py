"""An import: files of results → the facts of one run, recorded as every run is."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, cast, get_args

from pydantic import ValidationError

from data.errors import Fault, PlanError, UsageError, WarehouseBusy
from data.records.facts import (
    Collected,
    Fact,
    PhaseResult,
    RunEnded,
    RunStarted,
    SuiteResult,
    TestResult,
)
from data.records.field_rule import Identifier
from data.records.record import Record
from data.records.results import ReadCase, ResultFormat
from data.records.words import Outcome, Priority
from data.rules.readers.result_names import Ids
from data.rules.readers.results import guessed_format, reader_for
from data.rules.signature import signature
from data.store.warehouse import Warehouse
from flows.naming import gate_version, new_run_id
from flows.wiring import warehouse_path
from tasks.clock import now
from tasks.record import Recorder
from tasks.suites.results import read_file

PHASE = "imported"
_HEAD_BYTES = 256


class Source(Record):
    """What is to be imported, and under which names."""

    format: str
    files: tuple[str, ...]
    plan: Identifier
    environment: str
    revision: str | None = None
    suite: Identifier | None = None
    warehouse: str | None = None


def source_of(**fields: Any) -> Source:
    """What is to be imported.

    Raises:
        PlanError: every name that cannot be one.
    """
    try:
        return Source(**fields)
    except ValidationError as error:
        raise PlanError(
            Fault(f"--{one['loc'][0]}: expected letters, digits and . _ -, got {one['input']!r}")
            for one in error.errors()
        ) from None


class ImportedSuite(Record):
    """One suite of an import, and how many of its tests ended how."""

    id: str
    outcomes: dict[str, int]
    duration_s: float


class Imported(Record):
    """What an import stored. `faults`: what files say against themselves, one sentence each."""

    run_id: str
    plan: str
    environment: str
    revision: str | None
    n_tests: int
    suites: tuple[ImportedSuite, ...]
    faults: tuple[str, ...]


class _Suite:
    """One suite while its files are read."""

    def __init__(self, id: str) -> None:
        self.id, self.ids = id, Ids()
        self.files: list[str] = []
        self.cases: list[ReadCase] = []
        self.faults: list[str] = []


def import_files(source: Source) -> Imported:
    """Read all files, then record them as one run without a verdict.

    Raises:
        PlanError: every file that cannot be read; nothing is stored then.
        UsageError: the warehouse cannot be written.
    """
    warehouse = Warehouse(warehouse_path(source.warehouse))
    warehouse.check_writable()
    suites = _read_all(source)
    started = _started(source)
    recorder = Recorder(warehouse.spools, started.run_id)
    recorder.record_all(_facts(started, suites))
    recorder.close()
    with suppress(WarehouseBusy):  # the journal is taken in later
        warehouse.commit(recorder.facts())
    return _summary(started, suites)


def _read_all(source: Source) -> list[_Suite]:
    suites: dict[str, _Suite] = {}
    bad: list[Fault] = []
    for name in dict.fromkeys(source.files):
        id = source.suite or suite_id(name)
        suite = suites.setdefault(id, _Suite(id))
        try:
            _read(name, source.format, suite)
        except OSError as error:
            bad.append(Fault(f"cannot be read: {error.strerror}", name))
        except UsageError as error:
            bad.append(Fault(str(error), name))
    if bad:
        raise PlanError(bad)
    return list(suites.values())


def _read(name: str, format: str, suite: _Suite) -> None:
    path = Path(name)
    reader = reader_for(_format(path, format), name, suite.ids)
    suite.cases += read_file(path, reader)
    if not reader.readable:
        raise UsageError(f"no file of results: {'; '.join(reader.faults) or 'it is empty'}")
    suite.files.append(name)
    if not reader.cases:
        suite.faults.append(f"{name}: 0 tests are in it, which is no pass")
    suite.faults += [f"{name}: {why}" for why in reader.faults]


def _format(path: Path, format: str) -> ResultFormat:
    if format in get_args(ResultFormat):
        return cast("ResultFormat", format)
    with path.open("rb") as file:
        found = guessed_format(file.read(_HEAD_BYTES))
    if found is None:
        raise UsageError("neither XML nor JSON: expected JUnit XML, or JSON of CTRF or Playwright")
    return found


def suite_id(name: str) -> str:
    """The file's name without its end, as an id may be written."""
    text = re.sub(r"[^A-Za-z0-9_.-]+", "-", Path(name).stem).strip("-._")
    return text[:80] or "results"


def _started(source: Source) -> RunStarted:
    at = now()
    return RunStarted(
        run_id=new_run_id(source.plan, at),
        plan=source.plan,
        environment=source.environment,
        deployment_id=f"{source.revision or 'imported'}@{at:%Y%m%dT%H%M%SZ}",
        revision=source.revision,
        gate_version=gate_version(),
        purpose="import",
        started_at=at,
    )


def _facts(started: RunStarted, suites: list[_Suite]) -> Iterator[Fact]:
    run_id, at = started.run_id, started.started_at
    yield started
    for suite in suites:
        names = tuple(case.test_id for case in suite.cases)
        place: dict[str, Any] = {"run_id": run_id, "phase": PHASE, "suite": suite.id}
        yield Collected(**place, test_ids=names, at=at)
        for case in suite.cases:
            yield _test(place, case, at)
        yield SuiteResult(
            **place,
            command=("goldenpath", "import", *suite.files),
            broken="; ".join(suite.faults[:5]),
            duration_s=_duration_s(suite),
            started_at=at,
        )
    yield PhaseResult(
        run_id=run_id,
        phase=PHASE,
        ordinal=1,
        priority=Priority.P3,
        started_at=at,
        finished_at=now(),
    )
    yield RunEnded(run_id=run_id, finished_at=now())


def _test(place: dict[str, Any], case: ReadCase, at: datetime) -> TestResult:
    red = case.outcome in (Outcome.FAIL, Outcome.ERROR)
    return TestResult(
        **place,
        test_id=case.test_id,
        outcome=case.outcome,
        duration_ms=case.duration_ms,
        findings=case.findings,
        message=case.message,
        detail=case.detail,
        signature=signature(case.message) if red else "",
        stage=case.stage,
        at=case.ended_at or at,
    )


def _duration_s(suite: _Suite) -> float:
    """The sum of its tests; how long the runner took, no file says reliably."""
    return round(sum(case.duration_ms or 0.0 for case in suite.cases) / 1000, 3)


def _summary(started: RunStarted, suites: list[_Suite]) -> Imported:
    return Imported(
        run_id=started.run_id,
        plan=started.plan,
        environment=started.environment,
        revision=started.revision,
        n_tests=sum(len(suite.cases) for suite in suites),
        suites=tuple(
            ImportedSuite(
                id=suite.id,
                outcomes=dict(Counter(case.outcome for case in suite.cases)),
                duration_s=_duration_s(suite),
            )
            for suite in suites
        ),
        faults=tuple(fault for suite in suites for fault in suite.faults),
    )

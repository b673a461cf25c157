"""Tables of earlier results → one run for each time and deployment; twice is as good as once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

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
from data.records.record import Record
from data.records.words import Outcome, Priority
from data.rules.readers.result_names import Ids
from data.rules.readers.tabled import FIELDS, REQUIRED, Told, Unreadable, told
from data.rules.signature import signature
from data.store.fold import fold
from data.store.warehouse import Warehouse
from flows.imported import PHASE, Source, suite_id
from flows.naming import gate_version
from flows.wiring import warehouse_path
from tasks.record import Recorder
from tasks.rows import rows_of

_MAX_TOLD = 1_000
_TABLES = (".csv", ".tsv", ".parquet", ".jsonl", ".ndjson")


class Tabled(Record):
    """What an import of tables did. `rejected`: where and why, the first 1,000 of `n_rejected`.

    `n_new` of `n_runs` were not in the warehouse, or had less in it.
    """

    n_rows: int
    n_runs: int
    n_new: int
    n_tests: int
    outcomes: dict[str, int]
    first_at: datetime | None
    last_at: datetime | None
    n_rejected: int
    rejected: tuple[str, ...]


class _Read:
    """Rows of all files, sorted into runs; and those that were rejected."""

    def __init__(self) -> None:
        self.runs: dict[str, list[Told]] = {}
        self.n_rows = self.n_rejected = 0
        self.rejected: list[str] = []
        self._attempts: set[tuple[str, str, str, int | None]] = set()

    def keep(self, where: str, row: Told) -> None:
        place = (row.run_id, row.suite, row.test, row.attempt)
        if row.attempt is not None and place in self._attempts:
            self.reject(where, f"attempt {row.attempt} of {row.test!r} was told before")
            return
        self._attempts.add(place)
        self.n_rows += 1
        self.runs.setdefault(row.run_id, []).append(row)

    def reject(self, where: str, why: str) -> None:
        self.n_rows += 1
        self.n_rejected += 1
        if len(self.rejected) < _MAX_TOLD:
            self.rejected.append(f"{where}: {why}")


def is_table(source: Source, pairs: Sequence[str]) -> bool:
    """Whether the files are tables: a column is named, or their names end as only a table's do.

    Raises:
        PlanError: tables together with a format of another kind, or with files of another kind.
    """
    kinds = {Path(name).suffix.lower() in _TABLES for name in source.files}
    if not pairs and True not in kinds:
        return False
    if source.format != "results":
        raise PlanError([Fault(f"a table is 'results', not {source.format!r}")])
    if not pairs and False in kinds:
        raise PlanError(
            [Fault("tables and other files of results: import them one after the other")]
        )
    return True


def mapped(pairs: Sequence[str]) -> dict[str, str]:
    """`field=column` words as a dict.

    Raises:
        PlanError: every word that is none, or names no field, or one that was given before.
    """
    found: dict[str, str] = {}
    bad = []
    for pair in pairs:
        name, _, column = (part.strip() for part in pair.partition("="))
        if name not in FIELDS or not column or name in found:
            bad.append(Fault(
                f"--map {pair!r}: expected FIELD=COLUMN, each field once; "
                f"fields are {', '.join(FIELDS)}"
            ))  # fmt: skip
        found[name] = column
    if bad:
        raise PlanError(bad)
    return found


def import_tables(source: Source, columns: dict[str, str]) -> Tabled:
    """Read all tables; store what can be read, and tell of every row that cannot.

    A run that is there already gets what is new of it and loses nothing.

    Args:
        columns: field → column; a column that has a field's own name needs no entry.

    Raises:
        PlanError: every file that is no table or lacks a column; nothing is stored then.
        UsageError: the warehouse cannot be written.
    """
    warehouse = Warehouse(warehouse_path(source.warehouse))
    warehouse.check_writable()
    read, bad = _Read(), []
    for name in dict.fromkeys(source.files):
        try:
            _read(name, source, columns, read)
        except OSError as error:
            bad.append(Fault(f"cannot be read: {error.strerror}", name))
        except UsageError as error:
            bad.append(Fault(str(error), name))
    if bad:
        raise PlanError(bad)
    return _summary(read, _store(warehouse, read.runs))


def _read(name: str, source: Source, columns: dict[str, str], read: _Read) -> None:
    defaults = {"plan": source.plan, "environment": source.environment}
    defaults["suite"] = source.suite or suite_id(name)
    if source.revision:
        defaults["revision"] = source.revision
    known: dict[str, str] | None = None
    for row in rows_of(Path(name)):
        where = f"{name}, {row.where}"
        if row.fault:
            read.reject(where, row.fault)
            continue
        known = known or _columns(set(row.values), columns)
        try:
            read.keep(where, told(row.values, known, defaults))
        except Unreadable as error:
            read.reject(where, str(error))
    if known is None:
        raise UsageError("no row that could be read")


def _columns(there: set[str], columns: dict[str, str]) -> dict[str, str]:
    missing = [column for column in columns.values() if column not in there]
    found = {name: name for name in FIELDS if name in there} | columns
    lacking = [name for name in REQUIRED if name not in found]
    if missing or lacking:
        said = [f"no column {column!r}" for column in missing]
        said += [f"no column for {name}: --map {name}=COLUMN" for name in lacking]
        raise UsageError(f"{'; '.join(said)}; its columns are {', '.join(sorted(there))}")
    return found


def _store(warehouse: Warehouse, runs: dict[str, list[Told]]) -> int:
    """Journals first, then all in one opening of the warehouse.

    Returns:
        how many runs are new, or have more than before.
    """
    known = {row[0] for row in warehouse.query("SELECT run_id FROM runs")[1]}
    n_new = 0
    for run_id, rows in sorted(runs.items()):
        before = warehouse.facts(run_id) if run_id in known else ()
        whole = tuple(_facts(run_id, rows, before))
        if whole == before:
            continue
        n_new += 1
        recorder = Recorder(warehouse.spools, run_id)
        recorder.record_all(whole)
        recorder.close()
    with suppress(WarehouseBusy):  # the journals are taken in later
        warehouse.absorb()
    return n_new


def _facts(run_id: str, rows: Sequence[Told], before: Sequence[Fact]) -> Iterator[Fact]:
    """Everything of the run follows from its start and its tests: both, of before and of now."""
    started = next((f for f in before if isinstance(f, RunStarted)), _started(run_id, rows[0]))
    earlier = [fact for fact in before if isinstance(fact, TestResult)]
    merged = fold([*earlier, *_tests(run_id, rows)])
    tests = [fact for fact in merged if isinstance(fact, TestResult)]
    yield started
    for suite in dict.fromkeys(test.suite for test in tests):
        yield from _suite(started, suite, [test for test in tests if test.suite == suite])
    end = started.started_at + timedelta(milliseconds=sum(t.duration_ms or 0 for t in tests))
    yield PhaseResult(
        run_id=run_id, phase=PHASE, ordinal=1, priority=Priority.P3,
        started_at=started.started_at, finished_at=end,
    )  # fmt: skip
    yield RunEnded(run_id=run_id, finished_at=end)


def _started(run_id: str, row: Told) -> RunStarted:
    return RunStarted(
        run_id=run_id, plan=row.plan, environment=row.environment, deployment_id=row.deployment,
        revision=row.revision, gate_version=gate_version(), purpose="import",
        started_at=row.started_at,
    )  # fmt: skip


def _suite(started: RunStarted, suite: str, tests: Sequence[TestResult]) -> Iterator[Fact]:
    place: dict[str, Any] = {"run_id": started.run_id, "phase": PHASE, "suite": suite}
    names = tuple(dict.fromkeys(test.test_id for test in tests))
    yield Collected(**place, test_ids=names, at=started.started_at)
    yield from tests
    spent_ms = sum(test.duration_ms or 0.0 for test in tests)
    yield SuiteResult(
        **place, command=("goldenpath", "import", "results"), duration_s=round(spent_ms / 1000, 3),
        started_at=started.started_at,
    )  # fmt: skip


def _tests(run_id: str, rows: Sequence[Told]) -> Iterator[TestResult]:
    """Rows that name no attempt and one test twice are two tests: nobody said it was a retry."""
    ids: dict[str, Ids] = {}
    for row in rows:
        name, found = row.test, ""
        if row.attempt is None:
            name, found = ids.setdefault(row.suite, Ids()).claim(row.test, row.suite)
        is_red = row.outcome in (Outcome.FAIL, Outcome.ERROR)
        yield TestResult(
            run_id=run_id, phase=PHASE, suite=row.suite, test_id=name, attempt=row.attempt or 1,
            outcome=row.outcome, duration_ms=row.duration_ms, message=row.message,
            detail=row.detail, findings=(found,) if found else (),
            signature=signature(row.message) if is_red else "", at=row.started_at,
        )  # fmt: skip


def _summary(read: _Read, n_new: int) -> Tabled:
    rows = [row for run in read.runs.values() for row in run]
    times = [row.started_at for row in rows]
    return Tabled(
        n_rows=read.n_rows, n_runs=len(read.runs), n_new=n_new, n_tests=len(rows),
        outcomes=dict(Counter(row.outcome for row in rows)),
        first_at=min(times, default=None), last_at=max(times, default=None),
        n_rejected=read.n_rejected, rejected=tuple(read.rejected),
    )  # fmt: skip

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
from data.records.totals import Totals
from data.records.words import Outcome, Priority
from data.rules.readers.cells import Unreadable
from data.rules.readers.result_names import Ids
from data.rules.readers.table_kinds import FIELDS, Kind, Row, kind_of
from data.rules.readers.tabled import Told
from data.rules.signature import signature
from data.store.facts import key_of
from data.store.fold import fold
from data.store.warehouse import Warehouse
from flows.imported import PHASE, Source, suite_id
from flows.naming import gate_version
from flows.wiring import warehouse_path
from tasks.record import Recorder
from tasks.rows import rows_of

_MAX_TOLD = 1_000
_MAX_S = 100 * 365 * 86_400.0
_TABLES = (".csv", ".tsv", ".parquet", ".jsonl", ".ndjson")


class Tabled(Record):
    """What an import of tables did. `rejected`: where and why, the first 1,000 of `n_rejected`.

    `n_new` of `n_runs` were not in the warehouse, or had less in it. `n_totals`: rows that told of
    many tests at once.
    """

    n_rows: int
    n_runs: int
    n_new: int
    n_tests: int
    n_totals: int
    outcomes: dict[str, int]
    first_at: datetime | None
    last_at: datetime | None
    n_rejected: int
    rejected: tuple[str, ...]


class _Read:
    """Rows of all files, sorted into runs; and those that were rejected."""

    def __init__(self) -> None:
        self.runs: dict[str, list[Row]] = {}
        self.columns: set[str] = set()
        self.n_rows = self.n_rejected = 0
        self.rejected: list[str] = []
        self._places: set[tuple[object, ...]] = set()

    def keep(self, where: str, row: Row) -> None:
        if isinstance(row, Told):
            place: tuple[object, ...] = (row.run_id, row.suite, row.test, row.attempt)
            what = f"attempt {row.attempt} of {row.test!r}"
        else:
            place, what = (row.run_id, row.suite), f"totals of {row.suite or 'this run'}"
        if None not in place and place in self._places:
            self.reject(where, f"told before: {what}")
            return
        self._places.add(place)
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
    lost = [column for column in columns.values() if column not in read.columns]
    if lost and not bad:
        bad = [Fault(f"no column {column!r} in any of the files") for column in lost]
    if bad:
        raise PlanError(bad)
    return _summary(read, _store(warehouse, read.runs))


def _read(name: str, source: Source, columns: dict[str, str], read: _Read) -> None:
    kind: Kind | None = None
    for row in rows_of(Path(name)):
        where = f"{name}, {row.where}"
        if row.fault:
            read.reject(where, row.fault)
            continue
        if kind is None:
            kind = kind_of(row.values.keys(), columns)
            read.columns |= row.values.keys()
        try:
            read.keep(where, kind.read(row.values, kind.columns, _defaults(name, source, kind)))
        except Unreadable as error:
            read.reject(where, str(error))
    if kind is None:
        raise UsageError("no row that could be read")


def _defaults(name: str, source: Source, kind: Kind) -> dict[str, str]:
    """Totals that name no suite are of the whole run; tests are of one suite a file."""
    suite = source.suite or ("" if kind.is_totals else suite_id(name))
    found = {"plan": source.plan, "environment": source.environment, "suite": suite}
    return found | ({"revision": source.revision} if source.revision else {})


def _store(warehouse: Warehouse, runs: dict[str, list[Row]]) -> int:
    """Journals first, then all in one opening of the warehouse.

    Returns:
        how many runs are new, or have more than before.
    """
    known = {row[0] for row in warehouse.query("SELECT run_id FROM runs")[1]}
    n_new = 0
    for run_id, rows in sorted(runs.items()):
        before = warehouse.facts(run_id) if run_id in known else ()
        whole = tuple(_facts(run_id, rows, before))
        if _by_key(whole) == _by_key(before):  # in what order they came says nothing
            continue
        n_new += 1
        recorder = Recorder(warehouse.spools, run_id)
        recorder.record_all(whole)
        recorder.close()
    with suppress(WarehouseBusy):  # the journals are taken in later
        warehouse.absorb()
    return n_new


def _by_key(facts: Sequence[Fact]) -> dict[tuple[object, ...], Fact]:
    return {key_of(fact): fact for fact in facts}


def _facts(run_id: str, rows: Sequence[Row], before: Sequence[Fact]) -> Iterator[Fact]:
    """Everything of the run follows from its start, tests and totals, of before and of now."""
    started = next((f for f in before if isinstance(f, RunStarted)), _started(run_id, rows[0]))
    earlier = [fact for fact in before if isinstance(fact, TestResult | Totals)]
    merged = fold([*earlier, *_tests(run_id, rows), *_totals(run_id, rows)])
    tests = [fact for fact in merged if isinstance(fact, TestResult)]
    totals = sorted((f for f in merged if isinstance(f, Totals)), key=lambda f: f.suite)
    yield started
    for suite in dict.fromkeys(test.suite for test in tests):
        yield from _suite(started, suite, [test for test in tests if test.suite == suite])
    yield from totals
    spent_s = max(
        sum(t.duration_ms or 0 for t in tests) / 1000, *(t.duration_s or 0 for t in totals), 0
    )
    end = started.started_at + timedelta(seconds=min(spent_s, _MAX_S))
    yield PhaseResult(
        run_id=run_id, phase=PHASE, ordinal=1, priority=Priority.P3,
        started_at=started.started_at, finished_at=end,
    )  # fmt: skip
    yield RunEnded(run_id=run_id, finished_at=end)


def _started(run_id: str, row: Row) -> RunStarted:
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


def _tests(run_id: str, rows: Sequence[Row]) -> Iterator[TestResult]:
    """Rows that name no attempt and one test twice are two tests: nobody said it was a retry."""
    ids: dict[str, Ids] = {}
    for row in (row for row in rows if isinstance(row, Told)):
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


def _totals(run_id: str, rows: Sequence[Row]) -> Iterator[Totals]:
    for row in (row for row in rows if not isinstance(row, Told)):
        passed, failed, errors, skipped = row.parts
        yield Totals(
            run_id=run_id, phase=PHASE, suite=row.suite, n_tests=row.total, n_passed=passed,
            n_failed=failed, n_errors=errors, n_skipped=skipped, at=row.started_at,
            duration_s=None if row.duration_ms is None else round(row.duration_ms / 1000, 6),
        )  # fmt: skip


def _summary(read: _Read, n_new: int) -> Tabled:
    rows = [row for run in read.runs.values() for row in run]
    times = [row.started_at for row in rows]
    tests = [row for row in rows if isinstance(row, Told)]
    return Tabled(
        n_rows=read.n_rows, n_runs=len(read.runs), n_new=n_new, n_tests=len(tests),
        n_totals=len(rows) - len(tests), outcomes=dict(Counter(row.outcome for row in tests)),
        first_at=min(times, default=None), last_at=max(times, default=None),
        n_rejected=read.n_rejected, rejected=tuple(read.rejected),
    )  # fmt: skip

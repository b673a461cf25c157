"""The warehouse: every run, in DuckDB, together with the spools that are not in it yet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeVar

import duckdb

from data.errors import GoldenPathError, UsageError, WarehouseBusy, WarehouseError
from data.records.audit import AuditView
from data.records.evidence import Evidence, History, RunView, SuitePace
from data.records.facts import Fact, RunStarted
from data.records.plan import Baseline
from data.records.summary import RunSummary
from data.store import labels as kept_labels
from data.store.absorb import (
    Absorbed,
    absorb_all,
    booked_runs,
    ended,
    lacking,
    outstanding,
    unbooked,
)
from data.store.connect import (
    Connection,
    first_line,
    in_memory,
    is_missing,
    scratch,
)
from data.store.exchange import try_exchange
from data.store.fold import audit_view_of, evidence_of, fold, run_view_of
from data.store.history import Before, history_of, kept_by
from data.store.load import bundle_of, store
from data.store.lock import DEADLINE_S, Deadline, real_name
from data.store.mend import spools_of
from data.store.mended import reading, writing
from data.store.migrate import VIEWS
from data.store.pace import paces_of
from data.store.published import copied
from data.store.read import COPY, facts_of, require_query, summaries
from data.store.spool import Spool, read_journals, spool_path
from data.store.writable import require_writable

_GLANCE_S = 1.0
_KEPT = Baseline()
_LAST = datetime.max.replace(tzinfo=UTC)
T = TypeVar("T")


class Warehouse:
    """One DuckDB file, and beside it ``<file>.spool/`` and ``<file>.lock``.

    Nothing stays open between calls, so that writers and readers of other processes get in. A file
    that is missing is an empty warehouse for readers; the first commit makes it.
    """

    def __init__(self, path: Path, wait_s: float = DEADLINE_S) -> None:
        """Args: path: the file. wait_s: how long to wait for others that hold it."""
        self.path = real_name(path)
        self.spools = spools_of(self.path)
        self._wait_s = wait_s

    # --- writing

    def check_writable(self) -> None:
        """Try before a run begins whether it will be able to store what it sees.

        Somebody who holds the file right now is no reason to refuse: spools take the rows.

        Raises:
            UsageError: the folder or the file cannot be made or written, or is not a warehouse.
            WarehouseError: a newer version wrote it.
        """
        require_writable(self.path, self.spools)
        if is_missing(self.path):
            return
        with suppress(WarehouseBusy), reading(self.path, Deadline(_GLANCE_S)):
            pass

    def open_spool(self, run_id: str) -> Spool:
        """The run's journal, new or to go on with.

        Raises:
            SpoolError: it cannot be written, or another process writes it.
        """
        return Spool.open(self.spools, run_id)

    def commit(self, facts: Sequence[Fact]) -> None:
        """Make the warehouse hold exactly these facts of their runs; twice is as good as once.

        Each run is replaced as a whole in one transaction: give all facts of it, not only new ones.

        Args:
            facts: of one run or several, in the order of recording; folded here.

        Raises:
            WarehouseBusy: held by others until the deadline; the spool is absorbed later.
            WarehouseError: no `RunStarted`, or the load failed; the warehouse is as before.
        """
        runs: dict[str, list[Fact]] = {}
        for fact in facts:
            runs.setdefault(fact.run_id, []).append(fact)
        bundles = [bundle_of(run_id, _begun(run_id, fold(rows))) for run_id, rows in runs.items()]
        with writing(self.path, Deadline(self._wait_s)) as connection:
            for bundle in bundles:
                store(connection, bundle)

    def absorb(self, wait_s: float | None = None) -> Absorbed:
        """Commit what is left in spools of dead or ended runs; file those that are judged.

        Raises:
            WarehouseBusy: held by others until the deadline.
            WarehouseError: the warehouse cannot be written.
        """
        deadline = Deadline(self._wait_s if wait_s is None else wait_s)
        sent = try_exchange(self.path)
        if not any(self.spools.glob("*.jsonl")):
            return Absorbed()
        with reading(self.path, deadline) as connection:
            paths = outstanding(self.spools, booked_runs(connection))
        if not paths:
            return Absorbed()
        with writing(self.path, deadline) as connection:
            return absorb_all(connection, paths, sent=sent)

    def take_in(self) -> bool:
        """Commit what ended journals have and the warehouse lacks, waiting for nobody.

        One process does it for all: it looks again after it let go, so a journal that ended
        meanwhile, and whose process found it busy, is not left behind. Nothing is filed.

        Returns:
            False when others hold the warehouse: the journals stay, and readers see them.

        Raises:
            WarehouseError: the warehouse cannot be written.
        """
        try_exchange(self.path, take=False)
        seen: dict[Path, int] = {}
        while not (journals := ended(self.spools)).items() <= seen.items():
            seen = journals
            try:
                with writing(self.path, Deadline(0)) as connection:
                    paths = lacking(self.spools, booked_runs(connection))
                    absorb_all(connection, paths, file=False)
            except WarehouseBusy:
                return False
        return True

    def label(
        self, run_id: str, label: Literal["good", "bad"], note: str, by: str, at: datetime
    ) -> None:
        """Keep what people found out later about a run; a second label replaces the first.

        Raises:
            UsageError: no such run.
            WarehouseBusy: held by others until the deadline.
        """
        self._absorb_if_free()
        with writing(self.path, Deadline(self._wait_s)) as connection:
            if not facts_of(connection, run_id):
                raise self._unknown(run_id)
            given = kept_labels.Label(run_id, label, note, by, at)
            known = kept_labels.after_earlier(connection, given)
            kept_labels.note(self.path, known)
            kept_labels.put(connection, [known])

    # --- reading: warehouse and spools as one

    def facts(self, run_id: str) -> tuple[Fact, ...]:
        """All facts of a run, folded, in the order of recording. Its spool is read first: it is
        never behind the warehouse.

        Raises:
            UsageError: no such run.
        """
        facts = self._spooled(run_id)
        if facts is None:
            self._absorb_if_free()
            with self._reading() as connection:
                facts = facts_of(connection, run_id)
        if not any(isinstance(fact, RunStarted) for fact in facts):
            raise self._unknown(run_id)
        return facts

    def evidence(self, run_id: str) -> Evidence:
        """What the run saw.

        Raises:
            UsageError: no such run.
        """
        return evidence_of(self.facts(run_id))

    def view(self, run_id: str) -> RunView:
        """Everything that a report shows of the run, with the history as of its start.

        Raises:
            UsageError: no such run.
        """
        view = run_view_of(self.facts(run_id))
        run = view.evidence.run
        as_of = view.verdict.at if view.verdict else None
        history = self.history(run.plan, run.environment, run_id, kept_by(run.plan_json), as_of)
        return view.model_copy(update={"history": history})

    def audit(self, run_id: str) -> AuditView | None:
        """Everything that a report shows of an audit; None where the run is none.

        Raises:
            UsageError: no such run.
        """
        view = audit_view_of(self.facts(run_id))
        return view if view.run.purpose == "audit" else None

    def runs(self, limit: int = 20) -> list[RunSummary]:
        """The newest runs first, those that go on included."""
        self._absorb_if_free()
        with self._reading() as connection:
            stored = summaries(connection, limit)
            paths = unbooked(self.spools, booked_runs(connection))
        fresh = _summaries_of(paths, limit) if paths else []
        merged = {run.run_id: run for run in (*stored, *fresh)}.values()
        newest_first = sorted(merged, key=lambda r: (r.started_at, r.run_id), reverse=True)
        return newest_first[:limit]

    def history(
        self,
        plan: str,
        environment: str,
        before_run_id: str,
        kept: Baseline = _KEPT,
        as_of: datetime | None = None,
    ) -> History:
        """What earlier runs of the plan and environment say; `readable` is False where nobody can.

        With `as_of`, labels that people gave later do not count.
        """
        at = (plan, environment, before_run_id)
        ask = partial(history_of, kept=kept, as_of=as_of)
        return self.earlier(*at, ask, History(readable=False))

    def paces(self, plan: str, environment: str, before_run_id: str) -> dict[str, SuitePace]:
        """ "phase/suite" -> how long it took in runs that began before this one."""
        return self.earlier(plan, environment, before_run_id, paces_of, {})

    def earlier(
        self,
        plan: str,
        environment: str,
        before_run_id: str,
        ask: Callable[[Connection, Before], T],
        unknown: T,
    ) -> T:
        """What `ask` finds in runs that began before this one; `unknown` where nobody can read."""
        try:
            self._absorb_if_free()
            with self._reading() as connection:
                started_at = self._started_at(connection, before_run_id)
                return ask(connection, Before(plan, environment, before_run_id, started_at))
        except GoldenPathError:
            return unknown

    def query(self, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        """One read-only statement: names of the columns, and the rows.

        Raises:
            UsageError: wrong SQL (with DuckDB's own words), or not a query.
            WarehouseBusy: a writer held it until the deadline.
        """
        self._absorb_if_free()
        with self._reading() as connection:
            try:
                require_query(sql)
                result = connection.execute(sql)
                return [column[0] for column in result.description or ()], result.fetchall()
            except duckdb.Error as error:
                raise UsageError(str(error).strip()) from error

    def export(self, folder: Path, *, in_parts: bool = False) -> list[Path]:
        """Write every documented view as ``<view>.parquet``, or in parts by plan and month.

        Raises:
            UsageError: the folder cannot be written.
        """
        self._absorb_if_free()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with self._reading() as connection:
                return [COPY[in_parts](connection, view, folder) for view in VIEWS]
        except (OSError, WarehouseError) as error:
            raise UsageError(f"cannot export to {folder}: {first_line(error)}") from error

    # --- inside

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        try:
            with reading(self.path, Deadline(self._wait_s)) as connection, ExitStack() as held:
                paths = lacking(self.spools, booked_runs(connection))
                if paths and not is_missing(self.path):
                    copy = held.enter_context(copied(self.path))
                    connection = held.enter_context(scratch(copy))
                absorb_all(connection, paths, file=False)
                yield connection
        except duckdb.Error as error:
            message = f"cannot read the warehouse {self.path}: {first_line(error)}"
            raise WarehouseError(message) from error

    def _absorb_if_free(self) -> None:
        # of a busy or read-only warehouse readers see a copy that has the spools as well
        with suppress(WarehouseError, OSError):
            self.absorb(0.0)

    def _spooled(self, run_id: str) -> tuple[Fact, ...] | None:
        try:
            path = spool_path(self.spools, run_id)
            return fold(read_journals(path)) if path.exists() else None
        except GoldenPathError:
            return None  # filed between the look and the read, or no id at all

    def _started_at(self, connection: Connection, run_id: str) -> datetime:
        facts = self._spooled(run_id) or facts_of(connection, run_id)
        return next((f.started_at for f in facts if isinstance(f, RunStarted)), _LAST)

    def _unknown(self, run_id: str) -> UsageError:
        return UsageError(f"no run {run_id!r} in {self.path}: 'goldenpath runs' lists them")


def _begun(run_id: str, facts: tuple[Fact, ...]) -> tuple[Fact, ...]:
    if not any(isinstance(fact, RunStarted) for fact in facts):
        raise WarehouseError(f"run {run_id!r} cannot be stored: no RunStarted among its facts")
    return facts


def _summaries_of(paths: Sequence[Path], limit: int) -> list[RunSummary]:
    """Through the same view as stored runs, so that both count alike."""
    with in_memory() as connection:
        absorb_all(connection, paths, file=False)
        return summaries(connection, limit)

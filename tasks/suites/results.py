"""Read the files of results that a suite's runner writes, while it writes them and at its end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from data.records.facts import Collected, TestResult
from data.records.orders import SuiteOrder
from data.records.plan import Results
from data.records.results import ReadCase
from data.records.words import Outcome
from data.rules.attribution import Window
from data.rules.contact_by_time import Reported, windows_of
from data.rules.outcomes import RED
from data.rules.readers.result_names import Ids
from data.rules.readers.results import ResultReader, reader_for
from data.rules.readers.rewritten import after_red
from data.rules.readers.witness_stream import test_result

CHUNK_BYTES = 1 << 18
_CLOCK_SLACK_S = 2.0  # a file system's clock is coarser than ours
Stamp = tuple[int, int, int]


def read_file(path: Path, reader: ResultReader) -> Iterator[ReadCase]:
    """The cases of a complete file, in bounded memory.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield from reader.feed(chunk)
    yield from reader.close()


class ResultFiles:
    """The files of one attempt, from before its start to its end.

    `look` while the runner works, `finish` when it ended; both tell what is new. What was there
    before the start and did not change since is `stale`: it says nothing about this run.
    """

    def __init__(self, order: SuiteOrder, results: Results) -> None:
        """Make this before the runner starts: what is there now is stale."""
        self.order, self._results = order, results
        self._began = datetime.now(UTC)
        self._before = {path: _stamp(path) for path in self._matching()}
        self._open: dict[Path, _Growing] = {}
        self._ids = Ids()
        self._told: dict[str, ReadCase] = {}
        self._red: dict[str, ReadCase] = {}
        self._unreadable: dict[str, str] = {}
        self._n_gone = 0
        self._looked_s = self._began.timestamp()
        self._reported: dict[str, Reported] = {}
        self.pattern = results.path
        self.torn_in: list[str] = []

    @property
    def fresh(self) -> list[str]:
        """Files of this attempt, as the plan would name them."""
        return [self._name(path) for path in self._open]

    @property
    def stale(self) -> list[str]:
        """Files from before the start that match, too."""
        return [self._name(path) for path in self._matching() if path not in self._open]

    @property
    def faults(self) -> list[str]:
        """What keeps the files from being trusted, each with its file's name."""
        told = [f"{name}: {why}" for name, why in self._unreadable.items()]
        readers = (one.reader for one in self._open.values())
        told += [f"{reader.name}: {why}" for reader in readers for why in reader.faults]
        gone = f"{self._n_gone} tests that the files named while they grew are gone at the end"
        return told + [gone] * bool(self._n_gone)

    @property
    def windows(self) -> Iterator[Window]:
        """When each test can have run."""
        return windows_of(self._reported.values(), self._began.timestamp())

    def look(self) -> Iterator[TestResult]:
        """Tests that ended since the last look; at most one piece a file."""
        looks_s = datetime.now(UTC).timestamp()
        yield from self._pieces(looks_s)
        if not any(growing.unread for growing in self._open.values()):
            self._looked_s = looks_s

    def finish(self) -> Iterator[TestResult]:
        """All that is left, each file to its end; a file that changed behind us is read again."""
        now_s = datetime.now(UTC).timestamp()
        yield from self._pieces(now_s)
        for path, growing in self._open.items():
            whole = growing
            if growing.changed:  # a runner may go back and write a head anew
                self._ids.release(growing.reader.name)
                whole = self._open[path] = self._growing(path)
            yield from self._new(self._rest(whole), now_s)
        known = set(self._ids.all())
        self._n_gone = sum(name not in known for name in self._told)

    def manifest(self) -> Collected:
        """Every test that the files name: the only list there is."""
        order = self.order
        return Collected(
            run_id=order.run_id,
            phase=order.phase,
            suite=order.suite.id,
            test_ids=self._ids.all(),
            at=datetime.now(UTC),
        )

    def missing(self) -> list[tuple[str, str]]:
        """(test, why) for tests that were asked for, or began, and have no result."""
        silent = "asked for, but this run of the command reports no such test"
        asked = [(name, silent) for name in self.order.only if name not in self._told]
        torn = [(name, "the file of results ends in this test") for name in self.torn_in]
        wanted = [(n, why) for n, why in torn if n not in self._told and self._is_asked(n)]
        return list(dict(asked + wanted).items())

    def _matching(self) -> list[Path]:
        found = self.order.cwd.glob(self._results.path) if self.order.cwd.is_dir() else ()
        return sorted(path for path in found if path.is_file())

    def _is_fresh(self, path: Path) -> bool:
        stamp = _stamp(path)
        oldest = self._began - timedelta(seconds=_CLOCK_SLACK_S)
        return stamp != self._before.get(path) and stamp[0] >= oldest.timestamp() * 1e9

    def _name(self, path: Path) -> str:
        return path.relative_to(self.order.cwd).as_posix()

    def _growing(self, path: Path) -> _Growing:
        return _Growing(path, reader_for(self._results.format, self._name(path), self._ids))

    def _rest(self, growing: _Growing) -> Iterator[ReadCase]:
        while growing.unread:
            yield from growing.piece()
        yield from growing.reader.close()
        if growing.error:
            self._unreadable[growing.reader.name] = growing.error
        if growing.reader.torn_in:
            self.torn_in.append(growing.reader.torn_in)

    def _pieces(self, now_s: float) -> Iterator[TestResult]:
        for path in self._matching():
            if path not in self._open and self._is_fresh(path):
                self._open[path] = self._growing(path)
            if path in self._open:
                yield from self._new(self._open[path].piece(), now_s)

    def _new(self, cases: Iterator[ReadCase], now_s: float) -> Iterator[TestResult]:
        for raw in cases:
            case = after_red(self._red.get(raw.test_id), raw)
            if raw.outcome in RED:
                self._red[raw.test_id] = raw
            known, self._told[case.test_id] = self._told.get(case.test_id), case
            if known is None:
                self._remember(case, now_s)
            if case != known and self._is_asked(case.test_id):
                yield fact_of(self.order, case, self._own_time(case) or datetime.now(UTC))

    def _is_asked(self, test_id: str) -> bool:
        return not self.order.only or test_id in self.order.only

    def _own_time(self, case: ReadCase) -> datetime | None:
        """When it ended by the file, where that lies inside the run."""
        now, slack = datetime.now(UTC), timedelta(seconds=_CLOCK_SLACK_S)
        told = case.ended_at
        return told if told and self._began - slack <= told <= now + slack else None

    def _remember(self, case: ReadCase, now_s: float) -> None:
        """When it can have run, if it ran."""
        ran = case.ran if self._own_time(case) else None
        if case.outcome is Outcome.NOT_RUN or (case.outcome is Outcome.SKIPPED and ran is None):
            return
        took_s = None if case.duration_ms is None else case.duration_ms / 1000
        told = Reported(case.test_id, took_s, ran, self._looked_s, now_s)
        self._reported[case.test_id] = told


class _Growing:
    """One file that somebody may still be writing."""

    def __init__(self, path: Path, reader: ResultReader) -> None:
        self.path, self.reader = path, reader
        self.offset, self._first = 0, _stamp(path)
        self.error = ""

    @property
    def changed(self) -> bool:
        """Whether it was written to after it was first looked at."""
        return _stamp(self.path) != self._first

    @property
    def unread(self) -> bool:
        """Whether there is more in it than was read."""
        return not self.error and _stamp(self.path)[1] > self.offset

    def piece(self) -> Iterator[ReadCase]:
        """The next piece. A file that shrank was begun anew: `finish` reads that one."""
        if not self.unread:
            return
        try:
            with self.path.open("rb") as file:
                file.seek(self.offset)
                chunk = file.read(CHUNK_BYTES)
        except OSError as error:
            self.error = f"cannot be read: {error.strerror}"
            return
        self.offset += len(chunk)
        yield from self.reader.feed(chunk)


def fact_of(order: SuiteOrder, case: ReadCase, at: datetime) -> TestResult:
    """A case as a fact of an order. Nothing could look, so `witnessed` is None."""
    return test_result(
        order,
        case.test_id,
        case.outcome,
        at,
        message=case.message,
        detail=case.detail,
        stage=case.stage,
        duration_ms=case.duration_ms,
        findings=case.findings,
    )


def not_run(order: SuiteOrder, test_id: str, why: str) -> TestResult:
    """A test without a result."""
    return test_result(order, test_id, Outcome.NOT_RUN, datetime.now(UTC), message=why)


def _stamp(path: Path) -> Stamp:
    """(modified at in ns, size in bytes, inode); zeros when it is gone."""
    try:
        found = path.stat()
    except OSError:
        return (0, 0, 0)
    return (found.st_mtime_ns, found.st_size, found.st_ino)

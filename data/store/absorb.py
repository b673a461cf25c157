"""Left-over spools → warehouse: nothing that a run wrote is lost because the run was killed."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from data.errors import SpoolError
from data.records.facts import Fact, RunStarted
from data.records.verdict import Verdict
from data.store.connect import Connection
from data.store.facts import UNKNOWN
from data.store.fold import fold
from data.store.load import bundle_of, store
from data.store.spool import file_away, is_live, read_journals

_log = logging.getLogger("goldenpath.spool")


class Absorbed(NamedTuple):
    """What one absorption did.

    Attributes:
        committed: runs whose rows are new or were replaced.
        filed: journals moved to ``done/``: judged and committed.
        skipped: run → why nothing was done with its journal.
        n_corrupt: lines that could not be read.
    """

    committed: tuple[str, ...] = ()
    filed: tuple[str, ...] = ()
    skipped: dict[str, str] = {}  # noqa: RUF012  never changed: a fresh one is given each time
    n_corrupt: int = 0


class Booked(NamedTuple):
    """What the warehouse says of a run whose spool is still there."""

    spool_bytes: int | None
    is_judged: bool


def pending(folder: Path) -> list[Path]:
    """Journals that are not filed, in the order of their names."""
    return sorted(folder.glob("*.jsonl")) if folder.is_dir() else []


def outstanding(folder: Path, booked: dict[str, Booked]) -> list[Path]:
    """Journals that no writer holds and that the warehouse does not have in full.

    A journal only grows, so one of the length that was committed has nothing new; those of killed
    runs stay for a resume and are not read again and again.
    """
    return [path for path in unbooked(folder, booked) if not _live(path)]


def unbooked(folder: Path, booked: dict[str, Booked]) -> list[Path]:
    """Journals that the warehouse does not have in full, those of runs that go on included."""
    return [path for path in pending(folder) if not _is_known(path, booked)]


def lacking(folder: Path, booked: dict[str, Booked]) -> list[Path]:
    """Ended journals with something that the warehouse does not have.

    Those that it has in full and that only wait to be filed are left out.
    """
    return [
        path
        for path, size in ended(folder).items()
        if (known := booked.get(path.stem)) is None or known.spool_bytes != size
    ]


def ended(folder: Path) -> dict[Path, int]:
    """Journals that no writer holds, with their length in bytes."""
    return {path: _size(path) for path in pending(folder) if not _live(path)}


def booked_runs(connection: Connection) -> dict[str, Booked]:
    """What is committed, by run."""
    rows = connection.execute(
        "SELECT run_id, spool_bytes, v.run_id IS NOT NULL "
        "FROM store.commits AS c LEFT JOIN store.verdict AS v USING (run_id)"
    )
    return {run_id: Booked(size, judged) for run_id, size, judged in rows.fetchall()}


def absorb_all(
    connection: Connection,
    paths: Sequence[Path],
    *,
    file: bool = True,
    sent: Mapping[str, int] | None = None,
) -> Absorbed:
    """Commit each journal; with `file`, move those that are judged to ``done/``.

    Args:
        sent: runs whose journal, up to that length, the shared warehouse has; no other is filed.
            None: the warehouse is not shared.
    """
    committed, filed, skipped, corrupt = [], [], {}, 0
    for path in paths:
        try:
            size, facts, n_corrupt, is_newer = _read(path)
        except SpoolError as error:  # filed by another process meanwhile, or not ours to read
            skipped[path.stem] = str(error)
            continue
        corrupt += n_corrupt
        if n_corrupt:
            _log.warning("%s: %d lines could not be read and were skipped", path, n_corrupt)
        if not any(isinstance(fact, RunStarted) for fact in facts):
            skipped[path.stem] = "its journal has no start of a run"
            continue
        if store(connection, bundle_of(path.stem, facts, size)):
            committed.append(path.stem)
        kept = sent is None or sent.get(path.stem) == size
        if is_newer:  # a migration takes it in again
            _log.warning("%s: a newer gate wrote it: upgrade golden-path to see all of it", path)
        elif file and kept and _is_judged(facts) and file_away(path, size):
            filed.append(path.stem)
    return Absorbed(tuple(committed), tuple(filed), skipped, corrupt)


def _read(path: Path) -> tuple[int, tuple[Fact, ...], int, bool]:
    corrupt: list[str] = []
    size = _size(path)  # before reading: what is appended meanwhile is absorbed next time
    facts = read_journals(path, lambda _, why: corrupt.append(why))
    folded = fold(fact for fact in facts if fact.run_id == path.stem)
    n_newer = sum(why.startswith(UNKNOWN) for why in corrupt)
    return size, folded, len(corrupt) - n_newer, n_newer > 0


def _is_judged(facts: Sequence[Fact]) -> bool:
    return any(isinstance(fact, Verdict) for fact in facts)


def _is_known(path: Path, booked: dict[str, Booked]) -> bool:
    known = booked.get(path.stem)
    return known is not None and not known.is_judged and known.spool_bytes == _size(path)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return -1


def _live(path: Path) -> bool:
    try:
        return is_live(path)
    except FileNotFoundError:
        return True  # filed by another process meanwhile

"""The spool: an append-only journal of one run, on disk before anything else knows of a fact.

Each line is one fact. The writer holds an exclusive `flock` on the file as long as it lives, so
whoever absorbs left-over spools can tell a run that goes on from one whose process died.
"""

from __future__ import annotations

import fcntl
import logging
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from data.errors import SpoolError
from data.records.facts import Fact, Sample
from data.store.facts import decode, encode
from data.store.lock import Deadline

DONE = "done"
THIN = b'{"v":1,"kind":"histograms",'  # how a journal begins whose samples were compacted
_LOOK_S = 0.5
_RUN_ID = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.:@+-]{0,199}$")
_log = logging.getLogger("goldenpath.spool")


class Spool:
    """One run's journal, open for appending. A context manager."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor

    @classmethod
    def open(cls, folder: Path, run_id: str) -> Spool:
        """Open the run's journal, new or to go on with; a torn last line is cut off first.

        A journal that was filed under ``done/`` (a resumed run) is brought back.

        Raises:
            SpoolError: it cannot be written, the id is no file name, another process writes it, or
                its samples were compacted.
        """
        path = spool_path(folder, run_id)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            return cls(path, _open_for_append(path))
        except OSError as error:
            raise SpoolError(f"cannot write the journal {path}: {error.strerror}") from error

    def append(self, fact: Fact) -> None:
        """Write one fact. It survives a kill; all but samples are also synced to the disk.

        Raises:
            SpoolError: the disk is full or gone, or the fact has a number that is not finite.
        """
        try:
            _write_whole(self._descriptor, encode(fact).encode() + b"\n")
            if not isinstance(fact, Sample):  # thousands a second; they ride on the next fact's
                os.fsync(self._descriptor)
        except (OSError, ValueError) as error:
            raise SpoolError(f"cannot write to the journal {self.path}: {error}") from error

    def append_all(self, facts: Iterable[Fact]) -> None:
        """Write facts that came at once: synced once, after the last.

        Raises:
            SpoolError: as `append` does; what was written before it stays.
        """
        try:
            for fact in facts:
                _write_whole(self._descriptor, encode(fact).encode() + b"\n")
            os.fsync(self._descriptor)
        except (OSError, ValueError) as error:
            raise SpoolError(f"cannot write to the journal {self.path}: {error}") from error

    def close(self) -> None:
        """Sync and let go; closing twice does nothing."""
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def __enter__(self) -> Spool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def spool_path(folder: Path, run_id: str) -> Path:
    """Where the run's journal lies while it is not filed.

    Raises:
        SpoolError: the id is no plain file name.
    """
    if not _RUN_ID.match(run_id):
        raise SpoolError(f"expected a run id of letters, digits and _ . : @ + -, got {run_id!r}")
    return folder / f"{run_id}.jsonl"


def read_spool(path: Path, on_corrupt: Callable[[int, str], None] | None = None) -> Iterator[Fact]:
    """The facts of a journal, in order.

    A last line without its newline is a write that a kill cut short: ignored. Any other line that
    cannot be read is skipped and reported.

    Args:
        path: the journal; it may be open for writing elsewhere.
        on_corrupt: called with the 1-based line and the reason; default: a log warning.

    Raises:
        SpoolError: the file cannot be read at all.
    """
    report = on_corrupt or _warn(path)
    try:
        lines = path.read_bytes().split(b"\n")[:-1]
    except OSError as error:
        raise SpoolError(f"cannot read the journal {path}: {error.strerror}") from error
    for number, line in enumerate(lines, start=1):
        try:
            yield decode(line)
        except ValueError as error:
            report(number, str(error).splitlines()[0])


def read_journals(
    path: Path, on_corrupt: Callable[[int, str], None] | None = None
) -> Iterator[Fact]:
    """The facts of a journal, after those of one of the same run that is filed beside it.

    There are two where one was written elsewhere and copied here: they say more together.

    Raises:
        SpoolError: the journal cannot be read.
    """
    filed = path.parent / DONE / path.name
    if filed.exists():
        with suppress(SpoolError):  # taken away meanwhile, to go on with
            yield from read_spool(filed, on_corrupt)
    yield from read_spool(path, on_corrupt)


def is_live(path: Path) -> bool:
    """Whether some process has the journal open for writing right now."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return not _try_lock(descriptor)
    finally:
        os.close(descriptor)


def is_thin(path: Path) -> bool:
    """Whether the journal there, or filed in ``done/`` beside it, has lost its samples."""
    for one in (path, path.parent / DONE / path.name):
        with suppress(OSError), one.open("rb") as file:
            if file.read(len(THIN)) == THIN:
                return True
    return False


def put_in_place(fresh: Path, path: Path) -> bool:
    """Make a whole new file the journal; False, and nothing done, while a writer holds the old one.

    A writer that comes in between finds out: it opens the new one, or was first.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        try:
            path.hardlink_to(fresh)
        except FileExistsError:
            return False
        fresh.unlink()
        return True
    try:
        if not _try_lock(descriptor) or not _is_still(path, descriptor):
            return False
        fresh.replace(path)
        return True
    finally:
        os.close(descriptor)


def file_away(path: Path, size: int) -> bool:
    """Move a journal to ``done/`` beside it, unless a writer holds it or has added to it.

    Args:
        path: the journal.
        size: its length in bytes when it was committed.

    Returns:
        Whether it was moved by this call.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False  # another process was faster
    try:
        if not _try_lock(descriptor) or not _is_still(path, descriptor):
            return False
        if os.fstat(descriptor).st_size != size:
            return False
        done = path.parent / DONE
        done.mkdir(exist_ok=True)
        _add_to_filed(done / path.name, path)
        return True
    finally:
        os.close(descriptor)


def _add_to_filed(filed: Path, path: Path) -> None:
    """Nothing that is filed is replaced by less: what a kill leaves twice is one fact when read."""
    if filed.exists() and not filed.samefile(path):
        fresh = filed.with_name(f".{filed.name}.new")
        with fresh.open("wb") as file:
            for part in (filed, path):
                whole, newline, _ = part.read_bytes().rpartition(b"\n")  # no torn last line
                file.write(whole + newline)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(filed)
        path.unlink()
    else:
        path.rename(filed)


def _bring_back(filed: Path, path: Path) -> None:
    if filed.exists() and not path.exists():
        if is_thin(filed):
            raise SpoolError(f"the run of {filed} cannot go on: its old samples were compacted")
        with suppress(FileNotFoundError):  # another process was faster
            filed.rename(path)


def _open_for_append(path: Path) -> int:
    filed = path.parent / DONE / path.name
    while True:
        _bring_back(filed, path)
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            _lock_as_writer(path, descriptor)
            if _is_still(path, descriptor):  # not filed between open and lock
                if os.fstat(descriptor).st_size or not filed.exists():
                    _cut_torn_tail(descriptor)
                    return descriptor
                path.unlink()  # filed between the look and the opening, which made an empty one
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _lock_as_writer(path: Path, descriptor: int) -> None:
    patience = Deadline(_LOOK_S)  # whoever only looks whether we live holds the lock for a moment
    while not _try_lock(descriptor):
        if not patience.pause():
            raise SpoolError(f"another process writes the journal {path}: is this run still going?")


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_still(path: Path, descriptor: int) -> bool:
    try:
        return path.stat().st_ino == os.fstat(descriptor).st_ino
    except FileNotFoundError:
        return False


def _cut_torn_tail(descriptor: int) -> None:
    size = os.fstat(descriptor).st_size
    end = size
    while end > 0:
        start = max(0, end - 65536)
        newline = os.pread(descriptor, end - start, start).rfind(b"\n")
        if newline >= 0:
            end = start + newline + 1
            break
        end = start
    if end != size:
        os.ftruncate(descriptor, end)


def _write_whole(descriptor: int, line: bytes) -> None:
    before = os.fstat(descriptor).st_size
    try:
        written = 0
        while written < len(line):
            written += os.write(descriptor, line[written:])
    except OSError:
        with suppress(OSError):
            os.ftruncate(descriptor, before)  # a full disk must not leave half a line in the middle
        raise


def _warn(path: Path) -> Callable[[int, str], None]:
    return lambda number, why: _log.warning("%s:%d: skipped, %s", path, number, why)

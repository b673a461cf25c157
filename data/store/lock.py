"""One writer at a time: our own lock on a side file, held from before open to after close.

DuckDB's lock is taken only after the file's first read; 2.0.0 lost committed rows in that window
(docs/adr/0003), so no version is trusted with it.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from data.errors import WarehouseBusy

DEADLINE_S = 30.0
POLL_S = 0.02


class Deadline:
    """How long to go on trying. Made once for a whole operation, so that waits do not add up."""

    def __init__(self, wait_s: float = DEADLINE_S) -> None:
        self.wait_s = wait_s
        self._end = time.monotonic() + wait_s

    def pause(self) -> bool:
        """Sleep one poll; False when the time is up."""
        if time.monotonic() >= self._end:
            return False
        time.sleep(POLL_S)
        return True


def real_name(warehouse: Path) -> Path:
    """The file itself where the name is a link: its lock and journals must be the same for both."""
    return warehouse.resolve() if warehouse.is_symlink() else warehouse


@contextmanager
def locked(warehouse: Path, deadline: Deadline, *, exclusive: bool) -> Iterator[None]:
    """Hold ``<warehouse>.lock``: alone for a writer, together with others for a reader.

    Whoever wants it waits for ``<warehouse>.turn`` first and keeps that while waiting, so readers
    that come one after the other cannot keep a writer out (four of them did, for 23 s).

    A reader that may not create the side files goes without: whoever cannot write the folder holds
    DuckDB's own lock, and writers wait for that as well.

    Raises:
        WarehouseBusy: others held it until the deadline.
    """
    mode = fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH
    with ExitStack() as held:
        try:
            with _opened(f"{warehouse}.turn") as turn:
                main = held.enter_context(_opened(f"{warehouse}.lock"))
                _acquire(turn, warehouse, deadline, fcntl.LOCK_EX)
                _acquire(main, warehouse, deadline, mode)
        except OSError:
            if exclusive:
                raise
        yield


@contextmanager
def _opened(path: str) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        yield descriptor
    finally:
        os.close(descriptor)  # which lets go of the lock


def _acquire(descriptor: int, warehouse: Path, deadline: Deadline, mode: int) -> None:
    while True:
        try:
            fcntl.flock(descriptor, mode | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if not deadline.pause():
                raise busy(warehouse, deadline.wait_s) from None


def busy(warehouse: Path, wait_s: float) -> WarehouseBusy:
    """The error that says who is in the way and what to do."""
    return WarehouseBusy(
        f"{warehouse} was held by another process for {wait_s:g} s: close whatever has it open "
        "(another run, a DuckDB shell) and try again; rows that are not in it yet stay in their "
        "spools and are absorbed at the next use"
    )

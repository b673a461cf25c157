"""Opening the warehouse, and mending it on the way where it turns out to be damaged.

A process that was killed in the middle of DuckDB's checkpoint can leave a file whose checksums do
not match (seen once, in a soak of 200 kills, with 1.5.5). Nothing is lost by it, since a run's
commit is its journal; so nobody has to be asked before the file is rebuilt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

from data.errors import WarehouseDamaged
from data.store import connect
from data.store.connect import Connection
from data.store.lock import Deadline
from data.store.mend import is_gone, mend

Opening = Callable[[Path, Deadline], AbstractContextManager[Connection]]


@contextmanager
def writing(path: Path, deadline: Deadline) -> Iterator[Connection]:
    """`connect.writing`, of a file that is whole."""
    with _mended(connect.writing, path, deadline) as connection:
        yield connection


@contextmanager
def reading(path: Path, deadline: Deadline) -> Iterator[Connection]:
    """`connect.reading`, of a file that is whole."""
    with _mended(connect.reading, path, deadline) as connection:
        yield connection


@contextmanager
def _mended(opening: Opening, path: Path, deadline: Deadline) -> Iterator[Connection]:
    if is_gone(path):
        mend(path, deadline)
    with ExitStack() as stack:
        try:
            connection = stack.enter_context(opening(path, deadline))
        except WarehouseDamaged:
            mend(path, deadline)
            connection = stack.enter_context(opening(path, deadline))
        yield connection

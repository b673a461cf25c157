"""Runners that are started before their turn, and wait at the door.

A process a suite costs most of a second before its first test: interpreter, pytest, plugins. The
next suite's runner is started while others still hold the places, and stops before it reads any
file of the suite (`witness/goldenpath_hold.py`) until its turn has come. Its time-outs count from
there. One whose turn never comes is ended, and leaves no trace.
"""

from __future__ import annotations

from pathlib import Path

from data.records.orders import SuiteOrder
from tasks.suites.files import WorkFiles, size_bytes
from tasks.suites.launch import Process

_WAITING: dict[Path, Begun] = {}


class Begun:
    """A runner with the files that it writes.

    Attributes:
        starts: bytes that stdout and stderr held before it began.
    """

    def __init__(self, order: SuiteOrder, held: bool = False) -> None:
        self.files = WorkFiles(order)
        self.files.prepare(order.only or order.given, order.others)
        self.starts = (size_bytes(self.files.stdout), size_bytes(self.files.stderr))
        self.process = Process(order, self.files, held)


def start_early(order: SuiteOrder) -> None:
    """Start a suite's runner and hold it. Nothing happens where that could read or run more.

    Only a command that is pytest and nothing else is known to do nothing before its plugins are
    loaded, and only an attempt that has no files yet can be undone.
    """
    files = WorkFiles(order)
    if order.suite.results is None and _is_pytest(order.command) and not files.status.exists():
        _WAITING[files.status] = Begun(order, held=True)


def begun(order: SuiteOrder) -> Begun:
    """The suite's runner, whose turn it is now: the one that waits, or a new one."""
    early = _WAITING.pop(WorkFiles(order).status, None)
    if early is None or not early.process.go():
        return Begun(order)
    return early


async def send_away(order: SuiteOrder) -> None:
    """End a runner whose turn never came."""
    early = _WAITING.pop(WorkFiles(order).status, None)
    if early is not None:
        await early.process.stop()
        files = early.files
        for path in (files.stream, files.stdout, files.stderr, files.status):
            path.unlink(missing_ok=True)


def _is_pytest(command: tuple[str, ...]) -> bool:
    """`pytest …`, or `python -m pytest …`."""
    names = [part.rsplit("/", 1)[-1] for part in command[:3]]
    if names[:1] == ["pytest"] or names[:1] == ["py.test"]:
        return True
    return names[0].startswith("python") and names[1:] == ["-m", "pytest"]

"""The time-out of one test: an exception inside it, so that the others still run.

SIGALRM reaches Python code, sleeps, socket calls and event loops of the main thread. A test that
is blocked in C never sees it; then the gate, which waits for a sign of life, ends the runner.

Source: signal(3p); PEP 475 (a handler that raises interrupts the call).
"""

from __future__ import annotations

import faulthandler
import signal
import tempfile
import threading
import time
from typing import Any

import pytest
from goldenpath_told import Test  # type: ignore[import-not-found,unused-ignore]

AGAIN_S = 1.0  # for a test that swallowed the first


Failed: Any = pytest.fail.Exception


class TimedOut(Failed):  # type: ignore[misc]
    """The test's own time-out. Not an `Exception`, so that a test cannot swallow it by chance."""


class Alarm:
    """Set-up and call share one budget, the tear-down has its own."""

    def __init__(self, budget_s: float, tell: Any) -> None:
        self.budget_s = budget_s
        self.tell = tell  # called once a test, when it is late
        self.test: Test = None

    def arm(self, test: Test, fresh: bool) -> None:
        """Start the clock, unless somebody else uses it or this is not the main thread."""
        if test is None or not self.budget_s or not _can_arm():
            return
        now = time.monotonic()
        if fresh or test.budget_ends is None:
            test.budget_ends = now + self.budget_s
        self.test = test
        test.old_handler = signal.signal(signal.SIGALRM, self.ring)
        signal.setitimer(signal.ITIMER_REAL, max(test.budget_ends - now, 0.01), AGAIN_S)

    def disarm(self) -> None:
        """Stop the clock and put back what was there."""
        test, self.test = self.test, None
        if test is not None:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, test.old_handler)

    def ring(self, number: int, frame: Any) -> None:
        """Time is up."""
        if self.test is not None:
            if not self.test.stack:
                self.test.stack = stacks()
                self.tell()
            raise TimedOut(f"timed out after {self.budget_s:g} s", pytrace=True)


def _can_arm() -> bool:
    is_main = threading.current_thread() is threading.main_thread()
    return is_main and hasattr(signal, "setitimer") and not signal.getitimer(signal.ITIMER_REAL)[0]


def stacks() -> str:
    """The stacks of all threads."""
    with tempfile.TemporaryFile() as file:
        faulthandler.dump_traceback(file, all_threads=True)
        file.seek(0)
        return file.read().decode("utf-8", "replace")

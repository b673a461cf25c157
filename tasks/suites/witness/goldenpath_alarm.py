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

try:  # without the look-up of enum members, which costs a short test more than all else here
    from _signal import getsignal, signal as set_handler  # type: ignore # noqa: I001
except ImportError:  # an interpreter that has them elsewhere
    from signal import getsignal, signal as set_handler  # noqa: I001
from goldenpath_told import Test  # type: ignore[import-not-found,unused-ignore]

AGAIN_S = 1.03125  # for a test that swallowed the first; an interval by which our clock is known
FREE = (signal.SIG_DFL, signal.SIG_IGN)


Failed: Any = pytest.fail.Exception


class TimedOut(Failed):  # type: ignore[misc]
    """The test's own time-out. Not an `Exception`, so that a test cannot swallow it by chance."""


class Alarm:
    """Set-up and call share one budget, the tear-down has its own."""

    def __init__(self, budget_s: float, tell: Any) -> None:
        self.budget_s = budget_s
        self.tell = tell  # called once a test, when it is late
        self.test: Test = None
        self.paused: Test = None
        self.handler: Any = self.ring

    def arm(self, test: Test, fresh: bool) -> None:
        """Start the clock, unless somebody else uses it or this is not the main thread."""
        if test is None or not self.budget_s:
            return
        if not fresh and self.paused is test and self._is_ours():
            self.test, self.paused = test, None
            return
        self.disarm()
        if self._can_arm():
            now = time.monotonic()
            if fresh or test.budget_ends is None:
                test.budget_ends = now + self.budget_s
            test.old_handler, self.test = set_handler(signal.SIGALRM, self.handler), test
            if test.old_handler is self.handler:  # put back by a fixture that found it there
                test.old_handler = signal.SIG_DFL
            signal.setitimer(signal.ITIMER_REAL, max(test.budget_ends - now, 0.01), AGAIN_S)

    def pause(self) -> None:
        """Between set-up and call it runs on, and rings for nobody."""
        self.paused, self.test = self.test, None

    def disarm(self) -> None:
        """Stop the clock and put back what was there, unless somebody else has taken it over."""
        test, self.test, self.paused = self.test or self.paused, None, None
        if test is not None:
            is_ours = getsignal(signal.SIGALRM) is self.handler
            if is_ours or signal.getitimer(signal.ITIMER_REAL)[1] == AGAIN_S:
                signal.setitimer(signal.ITIMER_REAL, 0)
            if is_ours:
                set_handler(signal.SIGALRM, test.old_handler)

    def _can_arm(self) -> bool:
        """Not while a handler of somebody else is there, for an alarm that is still to be set."""
        is_main = threading.current_thread() is threading.main_thread()
        if not is_main or not hasattr(signal, "setitimer"):
            return False
        handler, running = getsignal(signal.SIGALRM), signal.getitimer(signal.ITIMER_REAL)[0]
        return not running and (handler is self.handler or handler in FREE)

    def _is_ours(self) -> bool:
        is_set = signal.getitimer(signal.ITIMER_REAL)[1] == AGAIN_S
        return is_set and getsignal(signal.SIGALRM) is self.handler

    def ring(self, number: int, frame: Any) -> None:
        """Time is up."""
        if self.test is not None:
            if not self.test.stack:
                self.test.stack = stacks()
                self.tell()
            raise TimedOut(f"timed out after {self.budget_s:g} s", pytrace=True)


def stacks() -> str:
    """The stacks of all threads."""
    with tempfile.TemporaryFile() as file:
        faulthandler.dump_traceback(file, all_threads=True)
        file.seek(0)
        return file.read().decode("utf-8", "replace")

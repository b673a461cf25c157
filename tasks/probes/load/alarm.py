"""Waking at a time to some 50 us. Timers of event loops are rounded to whole milliseconds."""

from __future__ import annotations

import asyncio
import ctypes
import os
import sys
from contextlib import suppress
from time import perf_counter
from types import TracebackType
from typing import Self

_MONOTONIC = 1
_FLAGS = os.O_NONBLOCK | os.O_CLOEXEC


class _Spec(ctypes.Structure):
    """`struct itimerspec` (timerfd_settime(2)): interval, then value; seconds, nanoseconds."""

    _fields_ = (
        ("interval_s", ctypes.c_long),
        ("interval_ns", ctypes.c_long),
        ("s", ctypes.c_long),
        ("ns", ctypes.c_long),
    )


class Alarm:
    """One kernel timer that one task waits for; the loop's own timers where there is none."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
        self._fd = -1
        if self._libc is not None:
            self._fd = self._libc.timerfd_create(_MONOTONIC, _FLAGS)
        self._waiter: asyncio.Future[None] | None = None

    def __enter__(self) -> Self:
        if self._fd >= 0:
            asyncio.get_running_loop().add_reader(self._fd, self._rang)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if self._fd >= 0:
            asyncio.get_running_loop().remove_reader(self._fd)
            os.close(self._fd)
            self._fd = -1

    async def until(self, at_s: float) -> None:
        """Sleep until `at_s` of perf_counter; at once when it is past."""
        left_s = at_s - perf_counter()
        if left_s <= 0:
            return
        if self._fd < 0 or self._libc is None:
            await asyncio.sleep(left_s)
            return
        whole = int(left_s)
        spec = _Spec(0, 0, whole, max(1, int((left_s - whole) * 1e9)))
        self._waiter = asyncio.get_running_loop().create_future()
        if self._libc.timerfd_settime(self._fd, 0, ctypes.byref(spec), None) != 0:
            await asyncio.sleep(left_s)
            return
        await self._waiter

    def _rang(self) -> None:
        with suppress(BlockingIOError):
            os.read(self._fd, 8)
        if self._waiter and not self._waiter.done():
            self._waiter.set_result(None)

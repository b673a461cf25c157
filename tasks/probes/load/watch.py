"""The generator watches itself: late starts, a loop that lags, a core that never rests."""

from __future__ import annotations

import asyncio
import time
from time import perf_counter

from data.records.load_figures import GeneratorWatch
from data.rules.load.histogram import Histogram
from tasks.probes.load.alarm import Alarm

_EVERY_S = 0.02


class Watch:
    """Measures the process that it runs in."""

    def __init__(self) -> None:
        self.late = Histogram()
        self._lag = Histogram()
        self._cpu_s = time.process_time()
        self._since_s = perf_counter()

    def start(self) -> None:
        """Count CPU from here."""
        self._cpu_s, self._since_s = time.process_time(), perf_counter()

    async def look(self) -> None:
        """Note how late the loop comes to a timer, fifty times a second, until cancelled."""
        due_s = perf_counter()
        with Alarm() as alarm:
            while True:
                due_s = max(due_s + _EVERY_S, perf_counter())
                await alarm.until(due_s)
                self._lag.add((perf_counter() - due_s) * 1000)
                await asyncio.sleep(0)

    def told(self) -> GeneratorWatch:
        """As a record."""
        wall_s = max(1e-9, perf_counter() - self._since_s)
        return GeneratorWatch(
            late=self.late.spread(),
            lag=self._lag.spread(),
            cpu_share=(time.process_time() - self._cpu_s) / wall_s,
        )

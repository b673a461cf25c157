"""A load while it runs, on the terminal: how far, how many, how fast, and the last seconds."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

    from data.records.load import LoadTerms
    from data.records.load_order import LoadProgress

_BARS = "▁▂▃▄▅▆▇█"
_MOST_BARS = 40


class LiveLoad:
    """Shows progress on stderr where that is a terminal; elsewhere it is silent."""

    def __init__(self, terms: LoadTerms | None) -> None:
        self._terms = terms
        self._live: Live | None = None
        self._medians: list[float] = []
        self._seen_s = -1.0

    def __enter__(self) -> Self:
        if self._terms and sys.stderr.isatty():
            from rich.console import Console
            from rich.live import Live

            self._live = Live(console=Console(stderr=True), refresh_per_second=4, transient=True)
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if self._live:
            self._live.stop()

    def hear(self, parts: Sequence[LoadProgress]) -> None:
        """Show the latest of all processes together."""
        if self._live and self._terms:
            self._live.update(self.picture(parts))

    def picture(self, parts: Sequence[LoadProgress]) -> RenderableType:
        """The lines to show."""
        from rich.text import Text

        from data.rules.load.histogram import merged, percentile
        from data.rules.load.schedule import label_of

        assert self._terms
        recent = merged(part.recent for part in parts)
        elapsed_s = max(part.elapsed_s for part in parts)
        median = percentile(recent, 0.5)
        if median is not None and elapsed_s > self._seen_s:
            self._seen_s, self._medians = elapsed_s, [*self._medians, median][-_MOST_BARS:]
        n, n_failed = sum(p.n for p in parts), sum(p.n_failed for p in parts)
        stage = self._terms.stages[max(part.stage for part in parts)]
        lines = [
            f"{elapsed_s:5.1f} s of {self._terms.duration_s:g} s   {label_of(stage)}",
            f"{n} done, {n_failed} failed, {sum(p.in_flight for p in parts)} under way",
        ]
        if median is not None:
            p99 = percentile(recent, 0.99) or median
            lines.append(f"now: p50 {median:.1f} ms, p99 {p99:.1f} ms  {bars(self._medians)}")
        return Text("\n".join(lines))


def bars(values: Sequence[float]) -> str:
    """A row of bars from zero to the largest value."""
    most = max(values, default=0.0) or 1.0
    return "".join(_BARS[min(7, int(value / most * 7.999))] for value in values)

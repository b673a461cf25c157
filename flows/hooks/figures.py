"""What the receiver counts, for Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

_BUCKETS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0, 5.0)


class Figures:
    """Counters of one receiver, in a registry of its own, so that one can be mounted twice."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._deliveries = Counter(
            "goldenpath_hook_deliveries",
            "Decisions on deliveries; one that is accepted counts again when its run was started.",
            ["source", "outcome"],
            registry=self._registry,
        )
        self._reply_s = Histogram(
            "goldenpath_hook_reply_seconds",
            "From the whole body to the decision.",
            buckets=_BUCKETS_S,
            registry=self._registry,
        )

    def count(self, source: str, outcome: str, took_s: float | None = None) -> None:
        """One decision; with the time that it took where somebody waited for it.

        Args:
            source: a name of hooks.yaml, or "" (strangers' names would be labels without end).
        """
        self._deliveries.labels(source, outcome).inc()
        if took_s is not None:
            self._reply_s.observe(took_s)

    def text(self) -> str:
        """In Prometheus' text format."""
        return generate_latest(self._registry).decode()

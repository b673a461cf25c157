"""What one connection moved, and when: in buckets, so that a long one stays small."""

from __future__ import annotations

from collections.abc import Callable

from data.rules.attribution import Contact, Moved

BUCKET_S = 0.001
_MOST_BUCKETS = 16384


class ContactLedger:
    """The bytes of one connection over time.

    Movements within 1 ms are one: tests may last no longer. After 16,384 of them neighbours are
    joined and buckets get twice as wide: the memory of a connection is bounded, and old times get
    coarser.
    """

    def __init__(self, service: str, clock_s: Callable[[], float]) -> None:
        self._service, self._clock_s = service, clock_s
        self._opened_s = clock_s()
        self._closed_s: float | None = None
        self._moved: list[Moved] = []
        self._bucket_s = BUCKET_S

    def sent(self, n_bytes: int) -> None:
        """So many bytes go to the target."""
        self._add(n_bytes, 0)

    def received(self, n_bytes: int) -> None:
        """So many bytes came from the target."""
        self._add(0, n_bytes)

    def closed(self) -> None:
        """The connection is over."""
        self._closed_s = self._clock_s()

    @property
    def contact(self) -> Contact:
        """The connection so far."""
        return Contact(self._service, self._opened_s, tuple(self._moved), self._closed_s)

    def _add(self, sent_bytes: int, received_bytes: int) -> None:
        now_s = self._clock_s()
        new = Moved(now_s, now_s, sent_bytes, received_bytes)
        if self._moved and now_s - self._moved[-1].first_s < self._bucket_s:
            self._moved[-1] = _joined(self._moved[-1], new)
            return
        self._moved.append(new)
        if len(self._moved) > _MOST_BUCKETS:
            self._coarsen()

    def _coarsen(self) -> None:
        pairs = zip(self._moved[::2], self._moved[1::2], strict=False)
        last = self._moved[-1:] if len(self._moved) % 2 else []
        self._moved = [_joined(one, other) for one, other in pairs] + last
        self._bucket_s *= 2


def _joined(one: Moved, other: Moved) -> Moved:
    return Moved(
        one.first_s,
        other.last_s,
        one.sent_bytes + other.sent_bytes,
        one.received_bytes + other.received_bytes,
    )

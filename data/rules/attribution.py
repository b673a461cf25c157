"""Contact by time: which test a proxy's bytes belong to, where no runner could be looked into.

Weaker than the witness inside a runner: what happens while a test runs is held for that test's
doing. All times are seconds of one clock, the same for windows and contacts.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple


class Moved(NamedTuple):
    """Bytes that went over one connection between two moments (the ends count)."""

    first_s: float
    last_s: float
    sent_bytes: int
    received_bytes: int


class Contact(NamedTuple):
    """One connection to a target.

    Attributes:
        moved: in order of time; `sent_bytes` went to the target.
        within_s: it was opened at `opened_s` or up to this much before.
    """

    service: str
    opened_s: float
    moved: tuple[Moved, ...] = ()
    closed_s: float | None = None
    within_s: float = 0.0


class Window(NamedTuple):
    """When a test ran; the ends count. One that ends before it starts holds nothing."""

    test_id: str
    start: float
    end: float


class Attributed(NamedTuple):
    """What was seen while a test ran.

    Attributes:
        witnessed: a connection was opened, or moved bytes, meanwhile. The same rule as inside a
            runner (`tasks/suites/witness`).
        n_connections: connections that moved bytes or were opened meanwhile.
        sent_bytes, received_bytes: to and from the target. A piece that lasts longer than the
            window counts whole.
        shared: witnessed, and all of it happened while another test ran too.
    """

    witnessed: bool = False
    n_connections: int = 0
    sent_bytes: int = 0
    received_bytes: int = 0
    shared: bool = False


class _Piece(NamedTuple):
    """One movement, or an opening that moved nothing."""

    first_s: float
    last_s: float
    sent_bytes: int
    received_bytes: int
    connection: int


def attribute(windows: Iterable[Window], contacts: Iterable[Contact]) -> dict[str, Attributed]:
    """Contact for each test that has a window.

    Several windows of one test (a retry) are taken together, and a movement counts once. Where
    windows of different tests overlap, contact counts for each of them and is `shared`: nobody
    can tell whose it was. Contact outside of all windows is nobody's.

    Returns:
        test id -> what was seen, in order of first appearance.
    """
    pieces = sorted(_pieces(contacts))
    widest_s = max((piece.last_s - piece.first_s for piece in pieces), default=0.0)
    starts = [piece.first_s for piece in pieces]
    held: dict[str, set[int]] = {}
    for window in windows:
        within = _within(window, pieces, starts, widest_s)
        held.setdefault(window.test_id, set()).update(within)
    owners: dict[int, int] = defaultdict(int)
    for mine in held.values():
        for index in mine:
            owners[index] += 1
    return {
        test_id: _seen([(pieces[index], owners[index]) for index in mine])
        for test_id, mine in held.items()
    }


def _pieces(contacts: Iterable[Contact]) -> Iterator[_Piece]:
    for number, contact in enumerate(contacts):
        yield _Piece(contact.opened_s - contact.within_s, contact.opened_s, 0, 0, number)
        for moved in contact.moved:
            yield _Piece(*moved, number)


def _within(
    window: Window, pieces: Sequence[_Piece], starts: Sequence[float], widest_s: float
) -> Iterator[int]:
    """Pieces that touch a window; none begins earlier than the widest before it."""
    if window.end < window.start:
        return
    for index in range(bisect_left(starts, window.start - widest_s), len(pieces)):
        if pieces[index].first_s > window.end:
            return
        if pieces[index].last_s >= window.start:
            yield index


def _seen(mine: Sequence[tuple[_Piece, int]]) -> Attributed:
    pieces = [piece for piece, _ in mine]
    return Attributed(
        witnessed=bool(mine),
        n_connections=len({piece.connection for piece in pieces}),
        sent_bytes=sum(piece.sent_bytes for piece in pieces),
        received_bytes=sum(piece.received_bytes for piece in pieces),
        shared=bool(mine) and min(n_tests for _, n_tests in mine) > 1,
    )

"""Who gets which revision of a service."""

from __future__ import annotations

from data.records.record import Record


class Route(Record):
    """One line of a service's traffic.

    Attributes:
        revision: "": whichever is the latest ready one.
        percent: of all users, 0 to 100.
        tag: makes the revision reachable at an address of its own; "": none.
        url: that address, as the platform tells it.
    """

    revision: str = ""
    percent: int = 0
    tag: str = ""
    url: str = ""

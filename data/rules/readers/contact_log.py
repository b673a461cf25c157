"""The guard's log of a suite's contact (`tasks/suites/tree.py`), read into contacts and doubts."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from data.rules.attribution import Contact, Moved


class Seen(NamedTuple):
    """What was seen on the sockets of a suite's processes.

    Attributes:
        doubt: the first reason why contact may have been missed; "" for none.
        blind: (from, to), seconds since 1970: nobody looked.
    """

    contacts: tuple[Contact, ...] = ()
    doubt: str = ""
    blind: tuple[tuple[float, float], ...] = ()


def contacts_seen(lines: Iterable[str]) -> Seen:
    """Contacts in order of first appearance.

    A log without an end, because the guard was killed or could not look, is a doubt; so is a line
    that cannot be read.
    """
    moved: dict[tuple[int, str], list[Moved]] = {}
    doubts: list[str] = []
    blind: list[tuple[float, float]] = []
    ended = False
    for line in lines:
        try:
            told: dict[str, Any] = json.loads(line)
            if "socket" in told:
                piece = Moved(told["first"], told["last"], told["sent"], told["received"])
                moved.setdefault((told["socket"], told["to"]), []).append(piece)
            elif "blind" in told:
                blind.append((told["blind"][0], told["blind"][1]))
            elif "doubt" in told:
                doubts.append(told["doubt"])
            ended = ended or "end" in told
        except (ValueError, KeyError, TypeError, IndexError):
            doubts.append("a line of the guard's log cannot be read")
    if not ended:
        doubts.append("the guard could not look until the suite's end")
    return Seen(tuple(map(_contact, moved, moved.values())), "".join(doubts[:1]), tuple(blind))


def _contact(place: tuple[int, str], moved: list[Moved]) -> Contact:
    first = moved[0]
    within_s = max(first.last_s - first.first_s, 1e-6)
    return Contact(place[1], first.last_s, tuple(moved), within_s=within_s)

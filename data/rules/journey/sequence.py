"""Whether a row of event names fits an ordered contract, and how it does not.

The contract is read as a regular expression over names, followed by its set of states: a state
is (slot, whether the slot has had its event). So a name may stand at several places. Each step
from state to state is worked out once and remembered: a load walks the same contract for ever.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from data.records.step_plan import EventRule
from data.rules.journey.signatures import Problem

Slots = Sequence[EventRule]
States = frozenset[tuple[int, bool]]
Shape = tuple[tuple[str, str], ...]
_REQUIRED = ("once", "at_least_once")
_MANY = ("at_least_once", "any")


def shape(slots: Slots) -> Shape:
    """What of a contract decides its order: names, and how often each may come."""
    return tuple((one.name, one.times) for one in slots)


@lru_cache(maxsize=256)
def start(slots: Shape) -> States:
    """The states before the first event."""
    return _closure(slots, {(0, False)})


@lru_cache(maxsize=8192)
def advance(slots: Shape, states: States, name: str) -> States:
    """The states after one more event; empty when it does not fit."""
    taken = {(slot, True) for slot, had in states if _takes(slots, slot, had, name)}
    return _closure(slots, taken)


@lru_cache(maxsize=8192)
def taken(states: States) -> int:
    """The first place that has had its event, -1 when none has."""
    return min((slot for slot, had in states if had), default=-1)


def is_whole(slots: Slots | Shape, states: States) -> bool:
    """Whether the contract may end here."""
    return (len(slots), False) in states


def due(slots: Slots, states: States) -> str:
    """The next event that is required, by the state that came furthest; "" when none is."""
    slot, had = max(states, default=(0, False))
    rest = [one for at, one in enumerate(slots) if at >= slot + had and one.times in _REQUIRED]
    return rest[0].name if rest else ""


@lru_cache(maxsize=256)
def last_required(slots: Shape) -> str:
    """The name of the last required event."""
    return [name for name, times in slots if times in _REQUIRED][-1]


def repeated(slots: Slots, seen: Sequence[str]) -> Problem | None:
    """The last event, if it came more often than all its places together allow."""
    name = seen[-1]
    if seen.count(name) == 1:
        return None
    places = [one for one in slots if one.name == name]
    if any(one.times in _MANY for one in places) or seen.count(name) <= len(places):
        return None
    often = f"{seen.count(name)} times, expected at most {len(places)}"
    return Problem(f"contract/repeated/{name}", f"{name} came {often}; {came(seen)}")


def absent(slots: Slots, seen: Sequence[str]) -> tuple[str, ...]:
    """Names of required events that did not come, or not often enough, in contract order."""
    wanted = [one.name for one in slots if one.times in _REQUIRED]
    return tuple(dict.fromkeys(name for name in wanted if seen.count(name) < wanted.count(name)))


def misfit(slots: Slots, seen: Sequence[str]) -> Problem | None:
    """Why a row that is over does not fit: missing before order; None when it fits so far."""
    if missing := absent(slots, seen):
        return Problem(
            f"contract/missing/{missing[0]}", f"{', '.join(missing)} never came; {came(seen)}"
        )
    return _disorder(slots, seen)


def _disorder(slots: Slots, seen: Sequence[str]) -> Problem | None:
    known = shape(slots)
    states = start(known)
    for position, name in enumerate(seen):
        following = advance(known, states, name)
        if not following:
            return _out_of_order(slots, states, seen, position)
        states = following
    return None


def _out_of_order(slots: Slots, states: States, seen: Sequence[str], position: int) -> Problem:
    """`x before y`: y is what was due, or what came just before when x is too late."""
    name, awaited = seen[position], due(slots, states)
    furthest = max(slot for slot, _ in states)
    is_early = awaited and any(one.name == name for one in slots[furthest + 1 :])
    pair = (name, awaited) if is_early else (seen[position - 1], name)
    return Problem(f"contract/order/{pair[0]} before {pair[1]}",
                   f"{pair[0]} came before {pair[1]}; {came(seen)}")  # fmt: skip


def came(seen: Sequence[str]) -> str:
    """What came, as the end of a sentence."""
    return f"came: {', '.join(seen) or 'nothing'}"


def _takes(slots: Shape, slot: int, had: bool, name: str) -> bool:
    if slot == len(slots) or slots[slot][0] != name:
        return False
    return not had or slots[slot][1] in _MANY


def _closure(slots: Shape, states: Iterable[tuple[int, bool]]) -> States:
    found: set[tuple[int, bool]] = set()
    waiting = list(states)
    while waiting:
        slot, had = waiting.pop()
        found.add((slot, had))
        if slot < len(slots) and (had or slots[slot][1] not in _REQUIRED):
            waiting.append((slot + 1, False))
    return frozenset(found)

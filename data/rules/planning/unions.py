"""Faults of a place that may have one of several forms: told are those of the one that is meant."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

Place = tuple[str | int, ...]
_MISFITS = ("missing", "extra_forbidden")  # keys that do not belong together: another form's


def of_the_form_meant(errors: Sequence[dict[str, Any]], value: Any) -> list[dict[str, Any]]:
    """Pydantic's errors without those of forms that nobody wrote.

    Where a union has no key that says which form it is, pydantic tells what is wrong with each.
    Meant is the form that most keys fit; where several fit as well, all are told.
    """
    misfits: dict[Place, Counter[str]] = defaultdict(Counter)
    for error in errors:
        for place, form in _forms(error["loc"], value):
            misfits[place][form] += error["type"] in _MISFITS
    return [
        error
        for error in errors
        if all(
            misfits[place][form] == min(misfits[place].values())
            for place, form in _forms(error["loc"], value)
        )
    ]


def _forms(loc: Place, value: Any) -> Iterator[tuple[Place, str]]:
    """(place, name of the form) on the way to an error: a form is no key of the document."""
    for index, part in enumerate(loc[:-1]):
        if isinstance(value, dict) and isinstance(part, str) and part not in value:
            yield loc[:index], part
            continue
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return

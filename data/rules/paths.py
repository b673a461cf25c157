"""Dotted paths into JSON values: `checks.postgres.status`, `items.0.id`."""

from __future__ import annotations

from typing import Any


def look_up(value: Any, path: str) -> Any:
    """The value at a dotted path, None where there is none; "" and "$" are the value itself.

    A scalar body is its own value for the empty path, so a bare JSON string can be read too.
    """
    for part in [p for p in path.removeprefix("$").split(".") if p]:
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value

"""The plan's JSON Schema, and the keys that are allowed at one place of it."""

from __future__ import annotations

import difflib
from functools import cache
from typing import Any

from data.records.plan import Plan
from data.rules.planning.document import Path

Schema = dict[str, Any]


@cache
def plan_schema() -> Schema:
    """JSON Schema (draft 2020-12) that an editor completes a plan from."""
    schema = Plan.model_json_schema(mode="validation", by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def suggestion(path: Path, key: str) -> str:
    """`did you mean …?` for an unknown key, else the keys that are allowed there."""
    keys = sorted(_keys(path))
    close = difflib.get_close_matches(key, keys, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"allowed here: {', '.join(keys)}" if keys else ""


def _keys(path: Path) -> set[str]:
    places = [plan_schema()]
    for part in path:
        places = [found for place in places for found in _step(place, part)]
    return {key for place in places for one in _choices(place) for key in one.get("properties", {})}


def _step(place: Schema, part: str | int) -> list[Schema]:
    found: list[Schema] = []
    for one in _choices(place):
        if isinstance(part, int):
            found += [one["items"]] if "items" in one else []
        elif part in one.get("properties", {}):
            found.append(one["properties"][part])
        elif isinstance(one.get("additionalProperties"), dict):
            found.append(one["additionalProperties"])
    return found


def _choices(place: Schema) -> list[Schema]:
    place = _resolved(place)
    options = place.get("anyOf", []) + place.get("oneOf", []) + place.get("allOf", [])
    return [place, *(one for option in options for one in _choices(option))]


def _resolved(place: Schema) -> Schema:
    while "$ref" in place:
        found: Schema = plan_schema()["$defs"][place["$ref"].rsplit("/", 1)[-1]]
        place = found
    return place

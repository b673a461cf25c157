"""Values inside documents: dotted paths, templates, and the rules of one field."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

from pydantic_core import from_json

from data.errors import UsageError
from data.records.field_rule import TEMPLATE, FieldRule


class _Missing:
    def __repr__(self) -> str:
        return "absent"


MISSING: Final = _Missing()
NO_NAMES: Final[Mapping[str, str]] = {}


class Breach(NamedTuple):
    """How a value breaks its rule: `kind` is absent, empty or wrong."""

    kind: str
    text: str


def look_up(document: Any, path: str) -> Any:
    """The value at a dotted path such as `data.items.0.id`, or MISSING."""
    keys = _keys(path)
    if len(keys) == 1 and type(document) is dict:  # most are, and a load asks for many
        return document.get(path, MISSING)
    for key in keys:
        if isinstance(document, dict) and key in document:
            document = document[key]
        elif isinstance(document, list) and key.isdecimal() and int(key) < len(document):
            document = document[int(key)]
        else:
            return MISSING
    return document


@lru_cache(maxsize=4096)
def _keys(path: str) -> tuple[str, ...]:
    return tuple(path.split("."))


def parse(payload: str | bytes) -> Any:
    """The JSON document in a message, or MISSING when it is none.

    pydantic's parser takes half the time; `json` has the last word, for it knows lone surrogates
    and other encodings too.
    """
    try:
        return from_json(payload)
    except ValueError:
        pass
    try:
        return json.loads(payload)
    except (ValueError, RecursionError):
        return MISSING


def is_broken_json(payload: str | bytes, document: Any) -> bool:
    """Whether a message begins as a JSON object or list and is none: cut, or wrongly quoted.

    Other texts, such as the heartbeat `ping`, never meant to be one.
    """
    return document is MISSING and payload.lstrip()[:1] in ("{", "[", b"{", b"[")


def as_text(value: Any) -> str:
    """A value as a template shows it: strings as they are, everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def is_empty(value: Any) -> bool:
    """Null, blank text, an empty list or an empty object; 0 and false are values."""
    blank = isinstance(value, str) and not value.strip()
    return blank or value is MISSING or value is None or value == [] or value == {}


def render(value: Any, names: Mapping[str, str]) -> Any:
    """The value with its templates filled in, in texts and keys at any depth.

    Raises:
        UsageError: a template names a variable that nothing defined.
    """
    if isinstance(value, str):
        if "{{" not in value:
            return value
        return TEMPLATE.sub(lambda found: _value_of(found[1], names), value)
    if isinstance(value, Mapping):
        return {render(key, names): render(inner, names) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [render(inner, names) for inner in value]
    return value


def _value_of(name: str, names: Mapping[str, str]) -> str:
    if name not in names:
        raise UsageError(f"nothing defined the template {{{{{name}}}}}")
    return names[name]


def breach(rule: FieldRule, value: Any, names: Mapping[str, str] = NO_NAMES) -> Breach | None:
    """How `value` breaks `rule`, None when it does not.

    The first two lines answer most of what a load asks, in a fraction of the time.
    """
    if type(value) is str and (value == rule.only_text or (rule.only_not_empty and value.strip())):
        return None
    if value is MISSING:
        return None if rule.present is False else Breach("absent", "is absent")
    if rule.present is False:
        return Breach("wrong", f"is there ({short(value)}), expected none")
    expected = _expected_instead(rule, value, names)
    if expected is None:
        return None
    return Breach(
        "empty" if is_empty(value) else "wrong", f"is {short(value)}, expected {expected}"
    )


def _expected_instead(rule: FieldRule, value: Any, names: Mapping[str, str]) -> str | None:
    """What the first clause that `value` breaks expects; texts are only made for those."""
    if rule.not_empty and is_empty(value):
        return "something"
    if rule.equals is not None and not _same(rule.equals, value, names):
        return short(render(rule.equals, names))
    if rule.one_of is not None and not any(_same(one, value, names) for one in rule.one_of):
        return f"one of {', '.join(short(render(one, names)) for one in rule.one_of)}"
    return _expected_text(rule, value, names)


def _expected_text(rule: FieldRule, value: Any, names: Mapping[str, str]) -> str | None:
    if rule.contains is not None and not _holds(value, part := render(rule.contains, names)):
        return f"something with {short(part)}"
    if rule.not_contains is not None and _holds(value, part := render(rule.not_contains, names)):
        return f"something without {short(part)}"
    if rule.matches is None:
        return None
    pattern = TEMPLATE.sub(lambda found: re.escape(_value_of(found[1], names)), rule.matches)
    return None if re.search(pattern, as_text(value)) else f"a match of {pattern}"


def _same(expected: Any, value: Any, names: Mapping[str, str]) -> bool:
    if isinstance(expected, str) and "{{" in expected and TEMPLATE.search(expected):
        return as_text(value) == str(render(expected, names))
    if isinstance(expected, bool) or isinstance(value, bool):
        return expected is value  # JSON's true is not its 1
    return bool(render(expected, names) == value)


def _holds(value: Any, part: str) -> bool:
    if isinstance(value, list):
        return any(as_text(element) == part for element in value)
    return part in as_text(value)


def short(value: Any, limit: int = 80) -> str:
    """A value for a sentence, cut to `limit` characters."""
    text = repr(value) if value is MISSING else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"

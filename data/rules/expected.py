"""What was expected, in words that people of YAML and JSON use, of what pydantic found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_KEYS = "expected names with values, such as `name: value`"
_LIST = "expected a list, such as [one, two]"
_WHOLE = "expected a whole number"
_NUMBER = "expected a number"
_YES_NO = "expected true or false"
# https://docs.pydantic.dev/latest/errors/validation_errors/
_WORDS = {
    "missing": "the key is missing", "extra_forbidden": "unknown key",
    "dict_type": _KEYS, "model_type": _KEYS, "model_attributes_type": _KEYS, "mapping_type": _KEYS,
    "list_type": _LIST, "tuple_type": _LIST, "set_type": _LIST, "frozen_set_type": _LIST,
    "string_type": "expected a text", "string_sub_type": "expected a text",
    "int_type": _WHOLE, "int_parsing": _WHOLE, "int_from_float": _WHOLE,
    "float_type": _NUMBER, "float_parsing": _NUMBER, "bool_type": _YES_NO, "bool_parsing": _YES_NO,
    "literal_error": "expected {expected}", "enum": "expected {expected}",
    "greater_than": "expected more than {gt}", "greater_than_equal": "expected at least {ge}",
    "less_than": "expected less than {lt}", "less_than_equal": "expected at most {le}",
    "string_too_short": "expected at least {min_length} characters",
    "string_too_long": "expected at most {max_length} characters",
    "string_pattern_mismatch": "expected a text of the form {pattern}",
}  # fmt: skip


def expected(error: Mapping[str, Any]) -> str:
    """The sentence of one of `ValidationError.errors()`, without what came.

    Our own validators say it themselves; what has no words here keeps pydantic's.
    """
    words = _WORDS.get(error["type"])
    if words is None:
        return str(error["msg"]).removeprefix("Value error, ")
    return words.format_map(error.get("ctx") or {})


def expected_and_got(error: Mapping[str, Any]) -> str:
    """The same, with what came, where that says more."""
    if error["type"] in ("missing", "extra_forbidden", "value_error"):
        return expected(error)
    return f"{expected(error)}, got {error['input']!r:.60}"

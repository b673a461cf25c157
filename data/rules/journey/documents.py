"""Judging the fields of one document, and taking variables from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from data.records.field_rule import FieldRule
from data.rules.journey.signatures import Problem
from data.rules.journey.values import Breach, as_text, breach, look_up

NOT_EMPTY = FieldRule(not_empty=True)
_ERROR_TEXTS = (
    "message", "error_message", "error", "detail", "reason", "error_code",
    "payload.message", "payload.error", "data.message", "data.error",
)  # fmt: skip


def field_problem(family: str, path: str, broken: Breach) -> Problem:
    """The problem of one field: absent, empty and wrong are three causes."""
    kind = "field" if broken.kind == "wrong" else f"field-{broken.kind}"
    return Problem(f"{family}/{kind}/{path}", f"{path} {broken.text}")


def judge_fields(
    family: str, rules: Mapping[str, FieldRule], document: Any, names: Mapping[str, str]
) -> Problem | None:
    """The first field that breaks its rule, as `family/field…/path`."""
    for path, rule in rules.items():
        if broken := breach(rule, look_up(document, path), names):
            return field_problem(family, path, broken)
    return None


def capture(
    family: str, wanted: Mapping[str, str], document: Any
) -> tuple[dict[str, str], Problem | None]:
    """Variables from a document; one that is absent or empty is a problem.

    Args:
        wanted: variable name -> dotted path.
    """
    problem = judge_fields(family, dict.fromkeys(wanted.values(), NOT_EMPTY), document, {})
    if problem:
        return {}, problem
    return {name: as_text(look_up(document, path)) for name, path in wanted.items()}, None


def error_text(document: Any) -> str:
    """The first text that reads like a message in an error document, "" without one."""
    found = (look_up(document, path) for path in _ERROR_TEXTS)
    return next((text for text in found if isinstance(text, str) and text), "")

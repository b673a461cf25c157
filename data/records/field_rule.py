"""Rules for single values, identifiers, and short forms of fields."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler, JsonValue, model_validator
from pydantic_core import CoreSchema, core_schema

from data.records.record import Record

Identifier = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,79}$")]
Variable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
TEMPLATE = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_.-]*)\s*\}\}")


@dataclass(frozen=True)
class Shorthand:
    """A short form of a field. Editors are offered both forms, records hold the long one."""

    expand: Callable[[Any], Any]
    schema: dict[str, Any]

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self.expand, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"anyOf": [self.schema, handler(schema)]}


def _rule(value: Any) -> Any:
    return {"equals": value} if isinstance(value, str | int | float) else value


def _many(value: Any) -> Any:
    return (value,) if isinstance(value, int) else value


class FieldRule(Record):
    """What one value must be; of several rules each must hold.

    A value that is absent breaks every rule but `present: false`. Strings may hold templates;
    a number equals the text of a template that reads the same.
    """

    equals: JsonValue = None
    not_empty: Literal[True] | None = Field(None, description='not null, "", [], {} or blank')
    present: bool | None = None
    contains: str | None = Field(None, description="text, or an element of a list")
    not_contains: str | None = None
    one_of: tuple[JsonValue, ...] | None = None
    matches: str | None = Field(None, description="regular expression, found anywhere")

    @cached_property
    def only_text(self) -> str | None:
        """The text that the value must equal and nothing else, None for any other rule."""
        said = [name for name in type(self).model_fields if getattr(self, name) is not None]
        plain = isinstance(self.equals, str) and not TEMPLATE.search(self.equals)
        return str(self.equals) if said == ["equals"] and plain else None

    @cached_property
    def only_not_empty(self) -> bool:
        """Whether `not_empty` is all that is demanded."""
        said = [name for name in type(self).model_fields if getattr(self, name) is not None]
        return said == ["not_empty"]

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if all(getattr(self, name) is None for name in type(self).model_fields):
            raise ValueError("expected at least one rule, such as equals or not_empty")
        if self.matches is not None:
            _compile(self.matches)
        return self


def _compile(pattern: str) -> None:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"expected a regular expression, got {pattern!r}: {error}") from None


Rule = Annotated[FieldRule, Shorthand(_rule, {"type": ["string", "number", "boolean"]})]
Rules = dict[str, Rule]
Statuses = Annotated[
    tuple[Annotated[int, Field(ge=100, le=599)], ...],
    Field(min_length=1),
    Shorthand(_many, {"type": "integer"}),
]

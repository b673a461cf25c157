"""A likely cause that a team knows of its own product."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from data.records.record import Record


def _pattern(value: str) -> str:
    try:
        found = re.compile(value)
    except re.error as error:
        raise ValueError(f"expected a regular expression, got {value!r}: {error}") from None
    if found.search(""):
        raise ValueError(f"{value!r} matches everything: say what is special about the failure")
    return value


class Cause(Record):
    """Tried before the catalogue that ships with the gate; the first that matches explains."""

    match: Annotated[str, AfterValidator(_pattern)] = Field(
        max_length=300,
        description="a regular expression, searched in an incident's signature and symptom",
    )
    cause: str = Field(
        min_length=1, max_length=300, description="what it usually is, in one sentence"
    )
    action: str = Field("", max_length=300, description="what to look at first")

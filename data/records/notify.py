"""Whom the gate tells, and of what."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from data.records.record import Record
from data.records.words import VerdictWord

Variable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class Notify(Record):
    """One receiver of verdicts, such as a chat channel, a mailbox or a webhook."""

    to: Variable = Field(
        description="the environment variable, or the name in the block, that holds the address in"
        " Apprise's form, such as slack://… or mailto://…: never the address itself"
    )
    verdicts: tuple[VerdictWord, ...] = Field((), description="which are told; absent: every one")
    repeat: bool = Field(False, description="tell again what the run before has said already")
    link: str = Field("", description="where people find the report; `{{run_id}}` is filled in")

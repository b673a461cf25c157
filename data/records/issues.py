"""Issues on GitHub or GitLab about incidents, as a plan asks for them."""

from __future__ import annotations

from pydantic import Field, field_validator

from data.records.hooks import APIS
from data.records.notify import Variable
from data.records.record import Record
from data.records.words import Priority


class Issues(Record):
    """One issue an incident signature, kept up to date by the gate."""

    project: str = Field(
        pattern=r"^(github:[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+|gitlab:[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)+)$",
        description="`github:OWNER/REPO` or `gitlab:GROUP/PROJECT`",
    )
    token_in: Variable = Field(
        description="the environment variable, or the name in the block, that holds a token that"
        " may write issues: never the token itself"
    )
    execute: bool = Field(False, description="write; absent: only say what would be written")
    close_after: int = Field(
        3, ge=1, description="deployments in a row in which what failed was seen to pass"
    )
    priorities: tuple[Priority, ...] = Field(
        (Priority.P1, Priority.P2), min_length=1, description="incidents of these get an issue"
    )
    most: int = Field(5, ge=1, le=50, description="new issues in one run")
    label: str = Field(
        "golden-path",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9 _.:-]{0,49}$",
        description="what only people of the project can give: an issue without it is a stranger's",
    )
    link: str = Field("", description="where people find the report; `{{run_id}}` is filled in")
    api: str = Field("", description="root of the API; absent: github.com's or gitlab.com's")

    @field_validator("api")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        if value and not value.startswith(("https://", "http://127.0.0.1:", "http://localhost:")):
            raise ValueError("expected an https address: the token travels there")
        return value

    @property
    def kind(self) -> str:
        """`github` or `gitlab`."""
        return self.project.partition(":")[0]

    @property
    def name(self) -> str:
        """The project as its forge names it."""
        return self.project.partition(":")[2]

    @property
    def root(self) -> str:
        """Root of the API."""
        return self.api or APIS[self.kind]

"""A Prefect block with what a plan refers to as `${NAME}`: variables, and secrets encrypted."""

from __future__ import annotations

from prefect.blocks.core import Block
from pydantic import Field, SecretStr


class GoldenPathEnvironment(Block):
    """Values for the `${NAME}` references of a plan, by environment."""

    _block_type_name = "Golden Path Environment"
    _block_type_slug = "golden-path-environment"

    variables: dict[str, str] = Field(default_factory=dict, description="plain values by name")
    secrets: dict[str, SecretStr] = Field(default_factory=dict, description="secrets by name")

    warehouse: str = Field("", description="path of the DuckDB file; empty: the run's own choice")

    def as_variables(self) -> dict[str, str]:
        """All values in the clear, for the processes that need them."""
        return self.variables | {n: s.get_secret_value() for n, s in self.secrets.items()}

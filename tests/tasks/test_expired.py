"""What the board takes for an expired pause is what this version of Prefect says of one."""

from __future__ import annotations

import inspect

from prefect.server.services import pause_expirations

from tasks.hooks.board import EXPIRED


def test_prefect_says_it_in_these_words() -> None:
    """A version with other words would leave such runs without a verdict."""
    assert f'"{EXPIRED}"' in inspect.getsource(pause_expirations)

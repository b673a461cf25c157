"""Waits at the door: pytest and its plugins are loaded, and no file of the suite is read yet."""

from __future__ import annotations

import os

import pytest
from goldenpath_children import Children  # type: ignore[import-not-found]


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    """Until the guard says that the suite's turn has come; a pytest inside it never waits."""
    if os.environ.pop("GOLDENPATH_HOLD", ""):
        Children(os.environ.get("GOLDENPATH_WATCH", "")).wait()

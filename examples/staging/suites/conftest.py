"""What every suite gets: the system under test, and users of its own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # also where pytest imports by file
pytest.register_assert_rewrite("journey", "core_platform.honest", "core_platform.variants")

from journey import Stage, targets_from_environment  # noqa: E402


@pytest.fixture(scope="session")
def stage() -> Iterator[Stage]:
    """The system under test. It is not touched before a test asks something of it."""
    with Stage(targets_from_environment()) as stage:
        yield stage

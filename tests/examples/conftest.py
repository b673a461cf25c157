"""The stand-in stack, started when a test first asks for a part of it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from staging_processes import Staging


@pytest.fixture(scope="module")
def staging() -> Iterator[Staging]:
    with tempfile.TemporaryDirectory() as data_dir:
        staging = Staging(Path(data_dir))
        try:
            yield staging
        finally:
            staging.stop()

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from data.store.connect import writing
from data.store.lock import Deadline
from data.store.warehouse import Warehouse


@pytest.fixture(scope="session")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse as it is made, before its first run: half a second for tables, views, comments."""
    path = tmp_path_factory.mktemp("empty") / "gate.duckdb"
    with writing(path, Deadline(5)):
        pass
    return path


@pytest.fixture
def warehouse(tmp_path: Path, empty_file: Path) -> Warehouse:
    path = tmp_path / "var" / "gate.duckdb"
    path.parent.mkdir()
    shutil.copy(empty_file, path)
    return Warehouse(path, wait_s=10.0)


@pytest.fixture
def unmade(tmp_path: Path) -> Warehouse:
    """A warehouse that nobody has written yet."""
    return Warehouse(tmp_path / "var" / "gate.duckdb", wait_s=10.0)

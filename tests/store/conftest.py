from __future__ import annotations

from pathlib import Path

import pytest

from data.store.warehouse import Warehouse


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return Warehouse(tmp_path / "var" / "gate.duckdb", wait_s=10.0)

"""Upkeep as a flow: whole warehouses stay, damaged ones are rebuilt and said, backups are made."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from data.store.backup import require_whole
from data.store.warehouse import Warehouse
from flows.upkeep import upkeep
from tests.store.test_published import spooled
from tests.store.test_upkeep import scribble


@pytest.fixture
def on_server(prefect_api: str) -> Iterator[None]:
    with temporary_settings({PREFECT_API_URL: prefect_api}):
        yield


@pytest.mark.usefixtures("on_server")
async def test_upkeep_backs_up_and_rebuilds_and_says_so(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path / "w.duckdb")
    spooled(warehouse, 1)
    lake = tmp_path / "lake"
    kept = await upkeep(
        str(warehouse.path), str(tmp_path / "backups"), lake=str(lake), return_state=True
    )
    assert len(list(lake.rglob("plan=shop/**/part.parquet"))) > 10
    assert (kept.name, kept.is_completed()) == ("Kept", True)
    [backup] = (tmp_path / "backups").iterdir()
    require_whole(backup)
    scribble(warehouse.path)
    rebuilt = await upkeep(str(warehouse.path), return_state=True)
    assert rebuilt.name == "Rebuilt"
    assert "1 runs" in (rebuilt.message or "")
    elsewhere = tmp_path / "file"
    elsewhere.write_text("")
    failed = await upkeep(str(warehouse.path), str(elsewhere / "x"), return_state=True)
    assert failed.is_failed()

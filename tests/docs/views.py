"""The end of docs/cookbook.md, from the warehouse itself: `python -m tests.docs.views` writes it."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from data.store.migrate import VIEWS
from data.store.warehouse import Warehouse

PAGE = Path(__file__).parents[2] / "docs" / "cookbook.md"
MARKER = "<!-- generated: python -m tests.docs.views -->"


def generated(warehouse: Warehouse) -> str:
    """One section a view: its grain as the warehouse says it, and its columns."""
    return "\n".join(_section(warehouse, view) for view in VIEWS)


def _section(warehouse: Warehouse, view: str) -> str:
    about = "SELECT comment FROM duckdb_views() WHERE schema_name = 'main' AND view_name = "
    _, [(comment,)] = warehouse.query(f"{about}'{view}'")
    _, rows = warehouse.query(f"DESCRIBE {view}")
    columns = ", ".join(f"`{row[0]}`" for row in rows)
    return f"### {view}\n\n{comment}.\n\n{columns}\n"


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        text = generated(Warehouse(Path(folder) / "empty.duckdb"))
    PAGE.write_text(PAGE.read_text().split(MARKER)[0] + f"{MARKER}\n\n{text}")

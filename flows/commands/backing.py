"""`backup` and `restore` of a warehouse with its journals and labels."""

from __future__ import annotations

from pathlib import Path

import click

from flows.cli import print_json

_WAIT_S = 30.0


@click.command("backup")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.option("--warehouse", metavar="PATH", help="DuckDB file [var/goldenpath.duckdb].")
def backup_command(folder: Path, as_json: bool, warehouse: str | None) -> None:
    """Copy the warehouse, its journals and labels into a new FOLDER, with checksums.

    Runs may go on: what they write after it is in their journals. A damaged warehouse is refused.

    \b
    Example:
      goldenpath backup backups/2026-01-31
    """
    from data.store.backup import back_up
    from data.store.warehouse import Warehouse
    from flows.wiring import warehouse_path

    place = warehouse_path(warehouse)
    size_bytes = back_up(Warehouse(place), folder, _WAIT_S)
    if as_json:
        print_json({"warehouse": str(place), "folder": str(folder), "size_bytes": size_bytes})
    else:
        click.echo(f"{place} is backed up in {folder}: {size_bytes / 1e6:,.1f} MB")


@click.command("restore")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.option("--warehouse", metavar="PATH", help="DuckDB file [var/goldenpath.duckdb].")
def restore_command(folder: Path, as_json: bool, warehouse: str | None) -> None:
    """Put the backup in FOLDER in the place of the warehouse, and take in what came after it.

    The warehouse of before is kept beside it. Runs that ended since come back from their journals.

    \b
    Example:
      goldenpath restore backups/2026-01-31
    """
    from data.store.backup import restore
    from data.store.warehouse import Warehouse
    from flows.wiring import warehouse_path

    place = warehouse_path(warehouse)
    done = restore(Warehouse(place), folder, _WAIT_S)
    kept_as = None if done.kept_as is None else str(done.kept_as)
    if as_json:
        print_json({"n_runs": done.n_runs, "n_later": done.n_later, "kept_as": kept_as})
        return
    click.echo(f"{place} is as in {folder}, and has {done.n_later} later runs: {done.n_runs} runs")
    if kept_as:
        click.echo(f"what was there before is {kept_as}")

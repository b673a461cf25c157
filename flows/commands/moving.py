"""`move`: from one machine's file to a warehouse that many machines share."""

from __future__ import annotations

import click

from flows.cli import print_json

_WAIT_S = 30.0
_TO = "Where to: postgresql://USER@HOST/DATABASE, without the password (PGPASSWORD, PGPASSFILE)."


@click.command("move")
@click.option("--to", "address", required=True, metavar="ADDRESS", help=_TO)
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.option("--warehouse", metavar="PATH", help="DuckDB file [var/goldenpath.duckdb].")
def move_command(address: str, as_json: bool, warehouse: str | None) -> None:
    """Send every run and label of a DuckDB file to a PostgreSQL. The file stays; twice is as once.

    \b
    Example:
      goldenpath move --to postgresql://gate@db.example.com/goldenpath
    """
    from data.errors import UsageError
    from data.store.address import is_address
    from data.store.moving import move
    from flows.wiring import warehouse_path

    if not is_address(address):
        raise UsageError("--to: expected postgresql://USER@HOST/DATABASE")
    warehouse_path(address)  # refuses one with a password in it
    place = warehouse_path(warehouse)
    done = move(place, address, _WAIT_S)
    if as_json:
        print_json({"warehouse": str(place), **done._asdict()})
        return
    click.echo(f"{done.n_runs} runs and {done.n_labels} labels of {place} are in {address}")
    for run_id in done.going_on:
        click.echo(f"not {run_id}: it goes on; move again when it has ended")

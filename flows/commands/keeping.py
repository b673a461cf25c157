"""`upkeep`: what a warehouse needs from time to time."""

from __future__ import annotations

import click

from flows.cli import print_json

_WAIT_S = 30.0
_COMPACT = "Raw samples of older runs become histograms."


@click.command("upkeep")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.option("--compact-after", type=click.IntRange(min=1), metavar="DAYS", help=_COMPACT)
@click.option("--warehouse", metavar="PATH", help="DuckDB file [var/goldenpath.duckdb].")
def upkeep_command(as_json: bool, compact_after: int | None, warehouse: str | None) -> None:
    """Read the whole warehouse, rebuild it from journals when damaged, take in what is left over.

    \b
    Example:
      goldenpath upkeep
      goldenpath upkeep --compact-after 180
    """
    from data.store.upkeep import keep_up
    from data.store.warehouse import Warehouse
    from flows.ageing import compact_older
    from flows.wiring import warehouse_path

    place = warehouse_path(warehouse)
    done = keep_up(Warehouse(place), _WAIT_S)
    compacted = compact_older(Warehouse(place), compact_after, _WAIT_S)
    if as_json:
        mended = done.mended
        rebuilt = mended and {**mended._asdict(), "kept_as": str(mended.kept_as)}
        print_json(
            {
                "committed": done.committed,
                "filed": done.filed,
                "rebuilt": rebuilt,
                "compacted": compacted and compacted._asdict(),
            }
        )
        return
    if done.mended is not None:
        click.echo(f"{place} was damaged: {done.mended.damage}")
        click.echo(f"rebuilt from journals: {done.mended.n_runs} runs")
        click.echo(f"with {done.mended.n_labels} labels; the damaged file is {done.mended.kept_as}")
    if compacted is not None:
        n_runs, n_samples, n_bins = compacted
        click.echo(f"{n_samples:,} samples of {n_runs:,} runs compacted to {n_bins:,} bins")
    click.echo(f"{len(done.committed)} runs taken in, {len(done.filed)} journals filed")

"""`upkeep`: what a warehouse needs from time to time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from flows.cli import print_json

if TYPE_CHECKING:
    from data.store.lake import Lake
    from data.store.upkeep import Upkeep
    from flows.ageing import Aged

_WAIT_S = 30.0
_LAKE = (
    "Keep every view there as Parquet, in parts; what did not change stays: a folder, s3://…, "
    "gs://… or az://… [GOLDENPATH_LAKE]."
)
_COMPACT = "Raw samples of older runs become histograms."


@click.command("upkeep")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.option("--compact-after", type=click.IntRange(min=1), metavar="DAYS", help=_COMPACT)
@click.option("--lake", envvar="GOLDENPATH_LAKE", metavar="PLACE", help=_LAKE)
@click.option("--warehouse", metavar="PATH", help="DuckDB file [var/goldenpath.duckdb].")
def upkeep_command(
    as_json: bool, compact_after: int | None, lake: str | None, warehouse: str | None
) -> None:
    """Read the whole warehouse, rebuild it from journals when damaged, take in what is left over.

    \b
    Example:
      goldenpath upkeep
      goldenpath upkeep --compact-after 180 --lake lake/
      goldenpath upkeep --lake s3://bucket/checkout
    """
    from data.store.lake import write_lake
    from data.store.upkeep import keep_up
    from data.store.warehouse import Warehouse
    from flows.ageing import compact_older
    from flows.wiring import warehouse_path

    place = warehouse_path(warehouse)
    done = keep_up(Warehouse(place), _WAIT_S)
    compacted = compact_older(Warehouse(place), compact_after, _WAIT_S)
    in_lake = write_lake(place, lake, _WAIT_S) if lake else None
    if as_json:
        print_json(_document(done, compacted, in_lake))
        return
    if done.mended is not None:
        click.echo(f"{place} was damaged: {done.mended.damage}")
        click.echo(f"rebuilt from journals: {done.mended.n_runs} runs")
        kept = f"; the damaged file is {done.mended.kept_as}" if done.mended.kept_as else ""
        click.echo(f"with {done.mended.n_labels} labels{kept}")
    if compacted is not None:
        click.echo(compacted.said)
    click.echo(f"{len(done.committed)} runs taken in, {len(done.filed)} journals filed")
    if in_lake is not None:
        click.echo(
            f"{lake}: {in_lake.n_written} files written, {in_lake.n_kept} as they were, "
            f"{in_lake.n_removed} removed, {in_lake.size_bytes / 1e6:,.1f} MB"
        )


def _document(done: Upkeep, compacted: Aged | None, in_lake: Lake | None) -> dict[str, object]:
    mended = done.mended
    return {
        "committed": done.committed,
        "filed": done.filed,
        "rebuilt": mended
        and {**mended._asdict(), "kept_as": mended.kept_as and str(mended.kept_as)},
        "compacted": compacted and compacted.samples._asdict(),
        "journals": compacted and compacted.journals._asdict(),
        "lake": in_lake and in_lake._asdict(),
    }

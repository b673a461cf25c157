"""`import`: results that another runner left elsewhere, as one run of the warehouse."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from flows.cli import print_json

if TYPE_CHECKING:
    from flows.imported import Imported


@click.command("import")
@click.argument("format", type=click.Choice(["junit", "ctrf", "playwright", "results"]))
@click.argument("files", nargs=-1, required=True)
@click.option("--plan", default="imported", show_default=True, metavar="NAME", help="Name of it.")
@click.option("--environment", default="elsewhere", show_default=True, metavar="NAME")
@click.option("--revision", metavar="NAME", help="What was tested.")
@click.option("--suite", metavar="ID", help="All files are this suite; without it, one a file.")
@click.option("--warehouse", metavar="PATH", help="DuckDB file [var/goldenpath.duckdb].")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def import_command(
    format: str,
    files: tuple[str, ...],
    plan: str,
    environment: str,
    revision: str | None,
    suite: str | None,
    warehouse: str | None,
    as_json: bool,
) -> None:
    """Store files of results as one run without a verdict. FORMAT `results` looks at the content.

    Nothing is stored unless every file can be read: exit 2 tells all faults at once. What a file
    says against itself (torn, wrong totals, no test) is stored with it and told: exit 2, too.

    \b
    Example:
      goldenpath import junit reports/*.xml --suite shop --revision 1.4.2
      goldenpath import results ctrf.json --json
    """
    from flows.imported import import_files, source_of

    source = source_of(
        format=format,
        files=files,
        plan=plan,
        environment=environment,
        revision=revision,
        suite=suite,
        warehouse=warehouse,
    )
    done = import_files(source)
    if as_json:
        print_json(done.model_dump(mode="json"))
    else:
        _tell(done)
    sys.exit(2 if done.faults else 0)


def _tell(done: Imported) -> None:
    for fault in done.faults:
        click.echo(f"not sound: {fault}", err=True)
    for suite in done.suites:
        counts = ", ".join(f"{n} {outcome}" for outcome, n in suite.outcomes.items()) or "no tests"
        click.echo(f"{suite.id}: {counts}")
    click.echo(f"run {done.run_id}: {done.n_tests} tests; see goldenpath show {done.run_id}")

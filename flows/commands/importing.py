"""`import`: results that another runner left elsewhere, as one run of the warehouse."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from flows.cli import print_json

if TYPE_CHECKING:
    from flows.imported import Imported
    from flows.tabled import Tabled

_N_TOLD = 20


@click.command("import")
@click.argument("format", type=click.Choice(["junit", "ctrf", "playwright", "results"]))
@click.argument("files", nargs=-1, required=True)
@click.option("--plan", default="imported", show_default=True, metavar="NAME", help="Name of it.")
@click.option("--environment", default="elsewhere", show_default=True, metavar="NAME")
@click.option("--revision", metavar="NAME", help="What was tested.")
@click.option("--suite", metavar="ID", help="All files are this suite; without it, one a file.")
@click.option(
    "--map", "columns", multiple=True, metavar="FIELD=COLUMN", help="Of a table; see below."
)
@click.option("--warehouse", metavar="PATH", help="DuckDB file [var/goldenpath.duckdb].")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def import_command(
    format: str,
    files: tuple[str, ...],
    plan: str,
    environment: str,
    revision: str | None,
    suite: str | None,
    columns: tuple[str, ...],
    warehouse: str | None,
    as_json: bool,
) -> None:
    """Store files of results as one run without a verdict. FORMAT `results` looks at the content.

    Nothing is stored unless every file can be read: exit 2 tells all faults at once. What a file
    says against itself (torn, wrong totals, no test) is stored with it and told: exit 2, too.

    A table of earlier results (CSV, TSV, Parquet, JSON lines; JSON with --map) becomes one run for
    each time and deployment in it. Fields: test, outcome, started_at; deployment, revision, suite,
    attempt, duration_s or duration_ms, message, detail, plan, environment. A column with a field's
    name needs no --map. Rows that cannot be read are told and left out (exit 2), the rest is
    stored; a second import of the same rows changes nothing. A table with `total` instead of test
    and outcome has totals of reports: total, passed, failed, errors, skipped, and the other fields.

    \b
    Example:
      goldenpath import junit reports/*.xml --suite shop --revision 1.4.2
      goldenpath import results ctrf.json --json
      goldenpath import results old.csv --map test=name --map outcome=status --map started_at=date
    """
    from flows.imported import import_files, source_of
    from flows.tabled import import_tables, is_table, mapped

    source = source_of(
        format=format,
        files=files,
        plan=plan,
        environment=environment,
        revision=revision,
        suite=suite,
        warehouse=warehouse,
    )
    if is_table(source, columns):
        tabled = import_tables(source, mapped(columns))
        print_json(tabled.model_dump(mode="json")) if as_json else _tell_of_tables(tabled)
        sys.exit(2 if tabled.n_rejected else 0)
    done = import_files(source)
    print_json(done.model_dump(mode="json")) if as_json else _tell(done)
    sys.exit(2 if done.faults else 0)


def _tell_of_tables(done: Tabled) -> None:
    for line in done.rejected[:_N_TOLD]:
        click.echo(f"rejected: {line}", err=True)
    if done.n_rejected > _N_TOLD:
        more = done.n_rejected - _N_TOLD
        click.echo(f"rejected: {more:,} more; --json names up to 1,000", err=True)
    counts = [f"{n:,} {outcome}" for outcome, n in done.outcomes.items()] or ["no tests"]
    counts += [f"{done.n_totals:,} with totals"] if done.n_totals else []
    n_read = done.n_tests + done.n_totals
    click.echo(f"{n_read:,} of {done.n_rows:,} rows: {', '.join(counts)}")
    span = f", {done.first_at:%Y-%m-%d} to {done.last_at:%Y-%m-%d}" if done.first_at else ""
    click.echo(f"{done.n_runs:,} runs{span}; {done.n_new:,} are new or have more than before")


def _tell(done: Imported) -> None:
    for fault in done.faults:
        click.echo(f"not sound: {fault}", err=True)
    for suite in done.suites:
        counts = ", ".join(f"{n} {outcome}" for outcome, n in suite.outcomes.items()) or "no tests"
        click.echo(f"{suite.id}: {counts}")
    click.echo(f"run {done.run_id}: {done.n_tests} tests; see goldenpath show {done.run_id}")
    if done.faults:
        click.echo(
            "what could be read is stored, its suites marked broken; whole files, imported again,"
            " are a run of their own",
            err=True,
        )

"""`show`, `runs`, `sql`, `export`, `label`: reading the warehouse."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from flows.cli import print_json
from flows.commands.auditing import show_audit

if TYPE_CHECKING:
    from data.store.warehouse import Warehouse

Command = Callable[..., Any]


def warehouse_option(command: Command) -> Command:
    """`--warehouse PATH`."""
    return click.option("--warehouse", metavar="PATH", help="DuckDB file [var/goldenpath.duckdb].")(
        command
    )


def opened_warehouse(path: str | None) -> Warehouse:
    """The warehouse of the option, or of the settings."""
    from data.store.warehouse import Warehouse
    from flows.wiring import warehouse_path

    return Warehouse(warehouse_path(path))


@click.command("show")
@click.argument("run_id")
@click.option("--json", "form", flag_value="json", help="The document of run --json.")
@click.option("--markdown", "form", flag_value="markdown", help="The release worklog.")
@click.option("--why", "form", flag_value="why", help="Rule, evidence, decision; what turns it.")
@click.option("--html", "html", metavar="FILE", help="Write one self-contained page.")
@warehouse_option
def show_command(run_id: str, form: str | None, html: str | None, warehouse: str | None) -> None:
    """Report of one run. RUN_ID may be `last`.

    \b
    Example:
      goldenpath show last
      goldenpath show last --why
      goldenpath show last --html report.html
    """
    from data.report.document import run_document
    from data.report.html import run_html
    from data.report.markdown import run_markdown
    from data.report.text import run_text
    from data.report.why import why_text
    from tasks.publish.files import write_whole

    found = opened_warehouse(warehouse)
    named = _run_id(warehouse, run_id)
    audit = found.audit(named)
    if audit is not None:
        show_audit(audit, form, html)
        return
    view = found.view(named)
    if html is not None:
        click.echo(write_whole(Path(html), run_html(view)))
    elif form == "json":
        print_json(run_document(view))
    else:
        drawn = {"markdown": run_markdown, "why": why_text}.get(form or "", run_text)
        click.echo(drawn(view))


@click.command("runs")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 10_000))
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@warehouse_option
def runs_command(limit: int, as_json: bool, warehouse: str | None) -> None:
    """List runs, newest first.

    \b
    Example:
      goldenpath runs --limit 5
    """
    rows = [run.model_dump(mode="json") for run in opened_warehouse(warehouse).runs(limit)]
    if as_json:
        print_json(rows)
        return
    wanted = ("run_id", "environment", "revision", "verdict", "started_at")
    _table(wanted, [[row.get(name) for name in wanted] for row in rows])


@click.command("sql")
@click.argument("query")
@click.option("--csv", "form", flag_value="csv", help="CSV on stdout.")
@click.option("--json", "form", flag_value="json", help="A JSON list of objects on stdout.")
@warehouse_option
def sql_command(query: str, form: str | None, warehouse: str | None) -> None:
    """Ask the warehouse anything; it is opened for reading only.

    \b
    Example:
      goldenpath sql "FROM pass_rate_by_deployment"
      goldenpath sql "SELECT test_id, message FROM tests WHERE outcome = 'FAIL'" --csv
    """
    columns, rows = opened_warehouse(warehouse).query(query)
    _print_rows(columns, rows, form)


@click.command("export")
@click.argument("folder")
@click.option("--partitioned", is_flag=True, help="Folders by plan, environment and month.")
@warehouse_option
def export_command(folder: str, partitioned: bool, warehouse: str | None) -> None:
    """Write every documented view as Parquet.

    \b
    Example:
      goldenpath export out/
      goldenpath export lake/ --partitioned
    """
    opened_warehouse(warehouse).export(Path(folder), in_parts=partitioned)
    click.echo(f"wrote {len(list(Path(folder).rglob('*.parquet')))} Parquet files to {folder}")


@click.command("label")
@click.argument("run_id")
@click.argument("label", type=click.Choice(["good", "bad"]))
@click.option("--note", default="", help="Why.")
@click.option("--by", default="", help="Who says so.")
@warehouse_option
def label_command(run_id: str, label: str, note: str, by: str, warehouse: str | None) -> None:
    """Say how a deployment turned out; `gate_accuracy` compares it with the verdict.

    \b
    Example:
      goldenpath label last bad --note "customers saw empty answers"
    """
    from tasks.clock import now

    run = _run_id(warehouse, run_id)
    opened_warehouse(warehouse).label(run, "good" if label == "good" else "bad", note, by, now())
    click.echo(f"{run}: {label}")


def _run_id(warehouse: str | None, run_id: str) -> str:
    from data.errors import UsageError

    if run_id != "last":
        return run_id
    runs = opened_warehouse(warehouse).runs(1)
    if not runs:
        raise UsageError("there is no run yet; `goldenpath run PLAN` makes one")
    return runs[0].run_id


def _print_rows(columns: Sequence[str], rows: Sequence[Sequence[Any]], form: str | None) -> None:
    if form == "json":
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
    elif form == "csv":
        out = io.StringIO()
        csv.writer(out).writerows([columns, *rows])
        click.echo(out.getvalue(), nl=False)
    else:
        _table(columns, rows)


def _table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [max(len(c), *(len(r[i]) for r in cells), 0) for i, c in enumerate(columns)]
    for row in (list(columns), ["-" * w for w in widths], *cells):
        line = "  ".join(text.ljust(w) for text, w in zip(row, widths, strict=True))
        click.echo(line.rstrip())


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    text = "" if value is None else str(value).replace("\n", " ")
    return text if len(text) <= 80 else f"{text[:79]}…"

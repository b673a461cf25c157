"""`trends`: what became of the deployments, in the terminal, as a page, as CSV or JSON."""

from __future__ import annotations

import os.path
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flows.cli import print_json
from flows.commands.reading import opened_warehouse, warehouse_option

if TYPE_CHECKING:
    from data.records.trends import Trends
    from data.store.warehouse import Warehouse

METRICS = (
    *("pass_rate", "coverage", "latency", "evidence", "flaky", "first_bad"),
    *("revenue", "cost", "verdicts", "accuracy", "idle"),
)
_EVERYTHING = 1000
_LEAST_STEP = 0.05  # a level that moved by less is no news


@click.command("trends")
@click.option("--metric", type=click.Choice(METRICS), help="One trend; all without it.")
@click.option("--html", metavar="FILE", help="Write one self-contained page to look around in.")
@click.option("--csv", "form", flag_value="csv", help="One row a deployment and series.")
@click.option("--json", "form", flag_value="json", help="One JSON document on stdout.")
@click.option(
    *("--last", "--limit", "last"),
    default=None,
    type=click.IntRange(1, 100_000),
    help="How many deployments  [60; a page, CSV and JSON: 1000].",
)
@click.option("--environment", help="Of this environment.")
@click.option("--plan", help="Of this plan.")
@click.option("--suite", help="Only what is of this suite.")
@click.option("--compare", nargs=2, metavar="A B", help="Two deployments (or revisions, runs).")
@warehouse_option
def trends_command(
    metric: str | None,
    html: str | None,
    form: str | None,
    last: int | None,
    environment: str | None,
    plan: str | None,
    suite: str | None,
    compare: tuple[str, str] | None,
    warehouse: str | None,
) -> None:
    """Trends over deployments: what is usual, what left it, and where it began.

    Without options: the environment and plan of the newest run, in the terminal.

    \b
    Example:
      goldenpath trends
      goldenpath trends --metric latency --last 20
      goldenpath trends --html trends.html
      goldenpath trends --compare v41 v42
    """
    opened = opened_warehouse(warehouse)
    whole = html is not None or form is not None
    many = _EVERYTHING if whole or compare else 60
    chosen = _chosen(opened, environment, plan)
    if not chosen:
        click.echo("nothing yet: `goldenpath run PLAN` makes a run")
        return
    wanted = chosen if whole or compare else chosen[:1]
    scopes = [_read(opened, e, p, suite, last or many) for e, p, _ in wanted]
    if compare:
        _compare(scopes, compare, form)
    elif html is not None:
        click.echo(_page(scopes, Path(html), opened))
    else:
        _print(scopes, metric, form, chosen)


def _chosen(
    opened: Warehouse, environment: str | None, plan: str | None
) -> list[tuple[str, str, int]]:
    from data.errors import UsageError
    from data.store.trends import scopes

    known = scopes(opened)
    found = [s for s in known if environment in (None, s[0]) and plan in (None, s[1])]
    if known and not found:
        told = ", ".join(f"{e} · {p}" for e, p, _ in known)
        raise UsageError(
            f"no deployment of environment {environment!r} and plan {plan!r}: there are {told}"
        )
    return found


def _read(opened: Warehouse, environment: str, plan: str, suite: str | None, last: int) -> Trends:
    from data.records.trends import Step
    from data.rules.change_points import change_points
    from data.rules.trends import of_suite, settled
    from data.store.trends import trends_of

    def steps_of(values: Sequence[float]) -> tuple[Step, ...]:
        found = change_points(values, min_magnitude=_LEAST_STEP)
        return tuple(Step(index=c.index, before=c.before, after=c.after, p=c.p) for c in found)

    read = settled(trends_of(opened, environment, plan, last), steps_of)
    return of_suite(read, suite) if suite else read


def _print(
    scopes: Sequence[Trends],
    metric: str | None,
    form: str | None,
    chosen: Sequence[tuple[str, str, int]],
) -> None:
    from rich.console import Console

    from data.report.sparks import trends_csv, trends_text

    if form == "json":
        print_json([_document(scope, metric) for scope in scopes])
    elif form == "csv":
        click.echo(trends_csv(scopes, metric), nl=False)
    else:
        trends_text(scopes[0], metric, Console())
        for e, p, n in chosen[1:]:
            click.echo(f"also: --environment {e} --plan {p}  ({n} deployments)")


def _document(trends: Trends, metric: str | None) -> dict[str, object]:
    kept = tuple(s for s in trends.series if metric in (None, s.metric))
    return trends.model_copy(update={"series": kept}).model_dump(mode="json")


def _compare(scopes: Sequence[Trends], names: tuple[str, str], form: str | None) -> None:
    from rich.console import Console

    from data.report.sparks import compared_text
    from data.rules.trends import compared, place_of

    trends = next((s for s in scopes if all(place_of(s, n) is not None for n in names)), scopes[0])
    a, b = (_place(trends, name, place_of(trends, name)) for name in names)
    found = compared(trends, a, b)
    if form == "json":
        print_json(found.model_dump(mode="json"))
    else:
        compared_text(trends, found, Console())


def _place(trends: Trends, name: str, found: int | None) -> int:
    from data.errors import UsageError

    if found is None:
        newest = ", ".join(p.deployment_id for p in trends.points[:-6:-1])
        raise UsageError(
            f"no deployment, revision or run {name!r} among the last {len(trends.points)} of "
            f"{trends.environment} · {trends.plan}; the newest are {newest}"
        )
    return found


def _page(scopes: Sequence[Trends], target: Path, opened: Warehouse) -> str:
    from data.report.dashboard import Reports, dashboard_html
    from tasks.clock import now
    from tasks.publish.files import write_whole

    folder = opened.path.parent / "reports"
    near = Path(os.path.relpath(folder.absolute(), target.absolute().parent)).as_posix()
    ids = frozenset(page.stem for page in folder.glob("*.html"))
    reports = Reports(prefix=f"{near}/", run_ids=ids)
    return str(write_whole(target, dashboard_html(scopes, now(), reports)))

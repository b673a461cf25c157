"""`run`: one validation from the command line."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import click

from data.errors import GoldenPathError
from flows.commands.plans import parse_set
from flows.launching import Flow, launch, server_for
from flows.session import Session

if TYPE_CHECKING:
    from data.records.evidence import RunView
    from flows.wiring import Request


@click.command("run")
@click.argument("plan")
@click.option("--revision", metavar="NAME", help="What to deploy and to expect.")
@click.option("--skip-deploy", is_flag=True, help="Validate what is there.")
@click.option("--resume", metavar="RUN_ID", help="Bring only the evidence that a run lacks.")
@click.option("--set", "sets", multiple=True, metavar="KEY=VALUE", help="Override a plan value.")
@click.option("--warehouse", metavar="PATH", help="DuckDB file [var/goldenpath.duckdb].")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def run_command(
    plan: str,
    revision: str | None,
    skip_deploy: bool,
    resume: str | None,
    sets: tuple[str, ...],
    warehouse: str | None,
    as_json: bool,
) -> None:
    """Deploy, check, judge: 0 promote, 10 hold, 11 roll back, 12 superseded, 13 not promoted.

    \b
    Example:
      goldenpath run examples/staging/plan.yaml --revision healthy
      goldenpath run plan.yaml --skip-deploy --set health.deadline=10s --json
    """
    from data.report.wording import exit_code
    from flows.wiring import Request, prefect_defaults

    prefect_defaults()
    request = Request(
        plan=plan,
        revision=revision,
        skip_deploy=skip_deploy,
        resume=resume,
        overrides=parse_set(sets),
        warehouse=warehouse,
    )
    view = asyncio.run(_run(request))
    show_run(view, as_json)
    sys.exit(exit_code(view))


def show_run(view: RunView, as_json: bool) -> None:
    """The run's document or its text on stdout."""
    from data.report.document import run_document
    from data.report.text import run_text
    from flows.cli import print_json

    if as_json:
        print_json(run_document(view))
    else:
        click.echo(run_text(view, colour=sys.stdout.isatty()))


async def _run(request: Request) -> RunView:
    from data.rules.ending import ending_of
    from flows.progress import Progress
    from flows.wiring import open_recorder, wire
    from tasks.room import with_room

    wired = wire(request)
    progress = Progress(wired.plan, sys.stderr)
    progress.say(f"run {wired.run_id}")
    await wired.deployer().prepare()
    server = server_for(wired.home, progress)
    session = Session(wired, open_recorder(wired, [progress]), progress.say)
    session.begin()  # beside the import of Prefect and the boot of its server
    state = await launch(session, server, _import_flow)
    view = session.recorder.view(session.history)
    if view.verdict is None or state.name != ending_of(view):
        said = with_room(str(state.message), wired.home)
        raise GoldenPathError(
            f"the gate failed before a verdict: {said}; the deployment is not approved;"
            f" go on with --resume {wired.run_id}"
        )
    progress.say(f"report: {wired.home / 'reports' / wired.run_id}.html")
    return view


def _import_flow() -> Flow:
    from flows.validate import validate_session

    return validate_session

"""`run`: one validation from the command line."""

from __future__ import annotations

import asyncio
import atexit
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import click

from data.errors import GoldenPathError
from flows.commands.plans import parse_set
from flows.session import Session

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State

    from data.records.evidence import RunView
    from flows.progress import Progress
    from flows.wiring import Request, Wired
    from tasks.prefect_server import PrefectServer

    Validating = Callable[[Session], Awaitable[State[Any]]]


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
    """Deploy, check, judge: 0 promote, 10 hold, 11 roll back, 12 superseded.

    \b
    Example:
      goldenpath run examples/staging/plan.yaml --revision healthy
      goldenpath run plan.yaml --skip-deploy --set health.deadline=10s --json
    """
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
    assert view.verdict is not None
    sys.exit(view.verdict.verdict.exit_code)


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
    from flows.progress import Progress
    from flows.wiring import open_recorder, wire

    wired = wire(request)
    progress = Progress(wired.plan, sys.stderr)
    progress.say(f"run {wired.run_id}")
    await wired.deployer().prepare()
    server = _server(wired, progress)
    session = Session(wired, open_recorder(wired, [progress]))
    session.begin()  # beside the import of Prefect and the boot of its server
    state = await _flow(session, server)
    view = session.recorder.view()
    if view.verdict is None or state.name != view.verdict.verdict:
        raise GoldenPathError(
            f"the gate failed before a verdict: {state.message}; the deployment is not approved;"
            f" go on with --resume {wired.run_id}"
        )
    progress.say(f"report: {wired.home / 'reports' / wired.run_id}.html")
    return view


def _server(wired: Wired, progress: Progress) -> PrefectServer | None:
    """The Prefect server of this run alone, where no other is set."""
    from flows.wiring import has_prefect_api, prefect_server

    if has_prefect_api():
        return None
    progress.say("starting a Prefect server for this run; set PREFECT_API_URL to use yours")
    server = prefect_server(wired.home)
    atexit.register(server.stop)  # before Prefect registers its own: it flushes its logs first
    return server


async def _flow(session: Session, server: PrefectServer | None) -> State[Any]:
    """The run's final state; the session is closed whatever happens."""
    try:
        validating = await asyncio.to_thread(_import_flow)
        if server is not None:
            await asyncio.to_thread(server.wait)
        return await _in_prefect(validating, session)
    finally:
        await session.abandon()
        session.recorder.close()


async def _in_prefect(validating: Validating, session: Session) -> State[Any]:
    """The flow's state. What goes wrong inside it is a state too; what is raised is Prefect's."""
    try:
        return await validating(session)
    except Exception as error:
        raise GoldenPathError(
            f"Prefect could not run the flow: {error or type(error).__name__}; the deployment is"
            f" not approved; go on with --resume {session.wired.run_id}"
        ) from error


def _import_flow() -> Validating:
    from flows.validate import validate_session

    return validate_session

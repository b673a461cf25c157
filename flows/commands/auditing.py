"""`audit`: negative controls from the command line."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import click

from data.errors import GoldenPathError, UsageError
from flows.commands.plans import parse_set

if TYPE_CHECKING:
    from data.records.audit import AuditView
    from data.records.plan import Plan
    from flows.launching import Flow
    from flows.wiring import Request


@click.command("audit")
@click.argument("plan")
@click.option("--revision", metavar="NAME", help="What to deploy before.")
@click.option("--skip-deploy", is_flag=True, help="Audit against what is there.")
@click.option("--resume", metavar="RUN_ID", help="Go on with an audit that was cut off.")
@click.option("--suite", "suites", multiple=True, metavar="ID", help="Only this suite or probe.")
@click.option("--control", "controls", multiple=True, metavar="ID", help="Only this control.")
@click.option("--set", "sets", multiple=True, metavar="KEY=VALUE", help="Override a plan value.")
@click.option("--warehouse", metavar="PATH", help="DuckDB file [var/goldenpath.duckdb].")
@click.option("--html", "html", metavar="FILE", help="Write the page there, too.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def audit_command(
    plan: str,
    revision: str | None,
    skip_deploy: bool,
    resume: str | None,
    suites: tuple[str, ...],
    controls: tuple[str, ...],
    sets: tuple[str, ...],
    warehouse: str | None,
    html: str | None,
    as_json: bool,
) -> None:
    """Run each suite against targets that are broken on purpose.

    A test that stays green there proves nothing about that fault. The matrix is stored, and the
    verdicts of later runs use it. An audit that was killed goes on with --resume: suites keep what
    they did under each control.

    \b
    Example:
      goldenpath audit examples/staging/plan.yaml
      goldenpath audit plan.yaml --skip-deploy --suite checkout --control refused
      goldenpath audit plan.yaml --resume RUN_ID
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
        purpose="audit",
        suites=suites,
        controls=controls,
    )
    show_audit(asyncio.run(_audit(request)), "json" if as_json else None, html)


def show_audit(view: AuditView, form: str | None, html: str | None) -> None:
    """An audit on stdout: as text, `json` or `markdown`; or its page into a file."""
    from pathlib import Path

    from data.report.audit import audit_document, audit_html, audit_markdown, audit_text
    from flows.cli import print_json
    from tasks.publish.files import write_whole

    if html is not None:
        click.echo(write_whole(Path(html), audit_html(view)), err=True)
    if form == "json":
        print_json(audit_document(view))
    else:
        click.echo(audit_markdown(view) if form == "markdown" else audit_text(view))


async def _audit(request: Request) -> AuditView:
    from data.store.fold import audit_view_of
    from flows.launching import launch, server_for
    from flows.progress import Progress
    from flows.session import Session
    from flows.wiring import open_recorder, wire
    from tasks.room import with_room

    wired = wire(request)
    _require_known(wired.plan, request)
    progress = Progress(wired.plan, sys.stderr)
    progress.say(f"audit {wired.run_id}")
    await wired.deployer().prepare()
    server = server_for(wired.home, progress)
    session = Session(wired, open_recorder(wired, [progress]), progress.say)
    session.begin()
    state = await launch(session, server, _import_flow)
    if state.name != "audited":
        raise GoldenPathError(
            f"the audit did not end: {with_room(str(state.message), wired.home)}; "
            f"go on with --resume {wired.run_id}"
        )
    progress.say(f"report: {wired.home / 'reports' / wired.run_id}.html")
    return audit_view_of(session.recorder.facts())


def _require_known(plan: Plan, request: Request) -> None:
    """Raises: UsageError: a suite or control that the plan does not have."""
    from data.rules.sensitivity import controls_of

    controls_of(plan, request.controls)
    known = [one.id for phase in plan.phases for one in (*phase.suites, *phase.probes)]
    unknown = sorted(set(request.suites) - set(known))
    if unknown:
        raise UsageError(
            f"no such suite or probe: {', '.join(unknown)}; this plan has {', '.join(known)}"
        )


def _import_flow() -> Flow:
    from flows.audit import audit_session

    return audit_session

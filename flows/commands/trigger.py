"""`trigger`: a run on the Prefect server, from CI, with the exit codes of `run`."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import TYPE_CHECKING

import click

from data.errors import GoldenPathError, UsageError
from data.records.record import Record
from data.rules.ending import exit_code_of
from data.rules.hooks.answers import link_of
from data.rules.hooks.statuses import StatusPlace, call_of, place_of
from flows.cli import print_json
from flows.commands.plans import parse_set

if TYPE_CHECKING:
    from tasks.hooks.prefect_runs import PrefectRuns

_POLL_S = 2.0
_APIS = {
    "github": ("GITHUB_API_URL", "https://api.github.com", "GITHUB_TOKEN"),
    "gitlab": ("CI_API_V4_URL", "https://gitlab.com/api/v4", "GITLAB_TOKEN"),
}


class Wanted(Record):
    """What the command line asked for."""

    target: str
    parameters: dict[str, object]
    key: str
    wait: bool
    timeout_s: float
    place: StatusPlace | None
    link: str


@click.command("trigger")
@click.argument("target", metavar="PLAN|DEPLOYMENT")
@click.option("--revision", metavar="NAME", help="What to expect, and to deploy if the plan does.")
@click.option("--skip-deploy", is_flag=True, help="Validate what is there.")
@click.option("--set", "sets", multiple=True, metavar="KEY=VALUE", help="Override a plan value.")
@click.option("--key", default="", help="Idempotency key: the same one gives the same run.")
@click.option("--wait/--no-wait", default=True, show_default=True, help="Until the verdict.")
@click.option("--timeout", "timeout_s", default=3600.0, show_default=True, help="Seconds to wait.")
@click.option(
    "--status",
    metavar="PLACE",
    help="Show it at github:OWNER/REPO@COMMIT or gitlab:GROUP/PROJECT@COMMIT.",
)
@click.option(
    "--link", default="", metavar="URL", help="Of the status; {{flow_run_id}} is filled in."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def trigger_command(
    target: str,
    revision: str | None,
    skip_deploy: bool,
    sets: tuple[str, ...],
    key: str,
    wait: bool,
    timeout_s: float,
    status: str | None,
    link: str,
    as_json: bool,
) -> None:
    """Start a run on your Prefect server; exit as `run` does: 0 promote, 10 hold, 11, 12.

    \b
    Example:
      goldenpath trigger validate/staging --revision "$GITHUB_SHA" --key "$GITHUB_RUN_ID"
    """
    from flows.wiring import has_prefect_api, prefect_defaults

    prefect_defaults()
    if not has_prefect_api():
        raise UsageError("set PREFECT_API_URL to the server that has the deployment")
    parameters = {"revision": revision, "skip_deploy": skip_deploy or None}
    wanted = Wanted(
        target=target,
        parameters={k: v for k, v in parameters.items() if v is not None}
        | ({"overrides": parse_set(sets)} if sets else {}),
        key=key,
        wait=wait,
        timeout_s=timeout_s,
        place=place_of(status) if status else None,
        link=link,
    )
    id, state = asyncio.run(_triggered(wanted))
    code = exit_code_of(state) if wait else 0
    if as_json:
        print_json({"flow_run_id": id, "state": state, "exit_code": code})
    else:
        click.echo(f"{state or 'started'}: flow run {id}")
    sys.exit(code)


async def _triggered(wanted: Wanted) -> tuple[str, str]:
    """The run's id, and its final state where it was waited for."""
    from tasks.hooks.prefect_runs import PrefectRuns, deployment_of

    runs, name = PrefectRuns(), await deployment_of(wanted.target)
    token = _token(wanted.place)
    id, _ = await runs.start(name, wanted.parameters, wanted.key, "")
    click.echo(f"flow run {id} of {name}", err=True)
    wanted = wanted.model_copy(update={"link": link_of(wanted.link, "", id)})
    await _show(wanted, name, token, None, "")
    if not wanted.wait:
        return id, ""
    try:
        state, message = await _final(runs, id, wanted.timeout_s)
    except GoldenPathError as error:
        await _show(wanted, name, token, "ERROR", str(error))
        raise
    await _show(wanted, name, token, state, message)
    return id, state


async def _final(runs: PrefectRuns, id: str, timeout_s: float) -> tuple[str, str]:
    """A server that is away for a while is waited for, until the time is up."""
    end_s, trouble = time.monotonic() + timeout_s, ""
    while time.monotonic() < end_s:
        try:
            name, message, is_final = await runs.state(id)
        except UsageError:
            raise
        except GoldenPathError as error:
            trouble = f" ({error})"
        else:
            if is_final:
                return name, message
            trouble = ""
        await asyncio.sleep(min(_POLL_S, timeout_s))
    raise GoldenPathError(f"no verdict within {timeout_s:g} s{trouble}: nothing is approved")


def _token(place: StatusPlace | None) -> str:
    if place is None:
        return ""
    from flows.wiring import variables_of_the_process

    name = _APIS[place.kind][2]
    if not (token := variables_of_the_process().get(name, "")):
        raise UsageError(f"--status needs a token that may write statuses in {name}")
    return token


async def _show(wanted: Wanted, name: str, token: str, state: str | None, why: str) -> None:
    """A status that cannot be shown is said, and changes no exit code."""
    if wanted.place is None:
        return
    from flows.wiring import variables_of_the_process
    from tasks.publish.status import show_status

    variable, usual, _ = _APIS[wanted.place.kind]
    api = variables_of_the_process().get(variable) or usual
    check = f"golden-path/{name.partition('/')[2]}"
    call = call_of(wanted.place, state, why, check, wanted.link)
    if refused := await show_status(api, token, wanted.place, call):
        click.echo(f"status not shown: {refused}", err=True)

"""`hooks`: deployments elsewhere start runs here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from data.errors import UsageError

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from data.records.hooks import Hooks


@click.group("hooks")
def hooks_command() -> None:
    """Deployments that finish elsewhere start runs here.

    \b
    Example:
      goldenpath hooks check hooks.yaml
      goldenpath hooks serve hooks.yaml --port 8787
    """


@hooks_command.command("check")
@click.argument("file", default="hooks.yaml")
def check_command(file: str) -> None:
    """Say everything that is wrong with a hooks.yaml, and with the secrets that it names.

    \b
    Example:
      goldenpath hooks check hooks.yaml
    """
    hooks = read_file(file)
    click.echo(f"{file}: {len(hooks.sources)} sources, {len(hooks.environments)} environments")


@hooks_command.command("serve")
@click.argument("file", default="hooks.yaml")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8787, show_default=True, type=click.IntRange(0, 65535))
@click.option("--warehouse", metavar="PATH", help="DuckDB file [var/goldenpath.duckdb].")
def serve_command(file: str, host: str, port: int, warehouse: str | None) -> None:
    """Receive deliveries until it is ended: 202 at once, the work is done in Prefect.

    It refuses to start without a secret for every source. TLS is for the proxy in front of it.

    \b
    Example:
      goldenpath hooks serve hooks.yaml --host 0.0.0.0 --port 8787
    """
    import uvicorn

    uvicorn.run(
        app_of(file, warehouse),
        host=host,
        port=port,
        log_level="warning",
        access_log=False,  # the audit rows are the log
        server_header=False,
        timeout_graceful_shutdown=10,
    )


def app_of(file: str, warehouse: str | None = None) -> Starlette:
    """The receiver of a hooks.yaml as ASGI application, to run or to mount.

    Raises:
        UsageError: faults in the file, no secret, no Prefect server, or another receiver runs.
    """
    from flows.wiring import (
        has_prefect_api,
        prefect_defaults,
        variables_of_the_process,
        warehouse_path,
    )

    hooks, secrets = read_file(file), variables_of_the_process()
    prefect_defaults()
    if not has_prefect_api():
        raise UsageError(
            "hooks start runs on a Prefect server that stays: set PREFECT_API_URL,"
            " such as http://127.0.0.1:4200/api"
        )
    from flows.hooks.app import make_app
    from flows.hooks.receiver import Receiver
    from tasks.hooks.board import Board
    from tasks.hooks.clients import Clients
    from tasks.hooks.prefect_runs import PrefectRuns

    clients = Clients()
    runs, board = PrefectRuns(clients), Board(clients)
    receiver = Receiver(hooks, secrets, warehouse_path(warehouse), runs, board)
    return make_app(receiver, tuple(secrets[name] for name in hooks.read_tokens))


def read_file(file: str) -> Hooks:
    """The configuration.

    Raises:
        UsageError: it cannot be read, or has faults.
    """
    from data.rules.hooks.config import read_hooks
    from flows.wiring import variables_of_the_process

    try:
        text = Path(file).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {file}: {error}") from None
    return read_hooks(text, file, variables_of_the_process())

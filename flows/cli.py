"""`goldenpath`: the command line. `--json` prints one document on stdout; progress is on stderr."""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import sys
from pathlib import Path
from typing import Any

import click

from data.errors import GoldenPathError, PlanError

_COMMANDS = {
    "run": "run",
    "check": "plans",
    "audit": "auditing",
    "schema": "plans",
    "judge": "judging",
    "compare": "judging",
    "replay": "replaying",
    "show": "reading",
    "runs": "reading",
    "sql": "reading",
    "export": "reading",
    "trends": "trends",
    "label": "reading",
    "approve": "approving",
    "upkeep": "keeping",
    "backup": "backing",
    "restore": "backing",
    "move": "moving",
    "import": "importing",
    "probe": "probing",
    "doctor": "doctor",
    "hooks": "hooks",
    "trigger": "trigger",
    "register": "register",
    "down": "local",
}


class Commands(click.Group):
    """Commands by name, imported on use: `--help` and `check` must not wait for Prefect."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order in which one needs them."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name."""
        module = _COMMANDS.get(cmd_name)
        if module is None:
            return None
        found = getattr(importlib.import_module(f"flows.commands.{module}"), f"{cmd_name}_command")
        return found if isinstance(found, click.Command) else None

    def invoke(self, ctx: click.Context) -> Any:
        """Our own errors are messages with an exit code; never a traceback."""
        _spare_the_collector()
        try:
            return super().invoke(ctx)
        except GoldenPathError as error:
            _complain(error)
            ctx.exit(error.exit_code)
        except BrokenPipeError:
            ctx.exit(1)
        except OSError as error:
            _complain(_without_room(error))
            ctx.exit(1)


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="golden-path", prog_name="goldenpath")
def main() -> None:
    """A deploy gate that cannot be fooled.

    \b
    Example:
      goldenpath check examples/staging/plan.yaml
      goldenpath run examples/staging/plan.yaml --revision healthy

    Exit codes of run: 0 promote (also with watch), 10 hold, 11 roll back, 12 superseded,
    13 approved but its promotion failed, 2 plan or usage error, 1 the gate itself failed
    (then nothing is approved).
    """


def _spare_the_collector() -> None:
    """Look for garbage more rarely, and not at all at the end.

    Prefect and the records make objects by the hundred thousand that live as long as the process:
    looking through them costs half a second at the start and as much again at the end.
    """
    gc.set_threshold(50_000, 20, 20)
    atexit.register(gc.freeze)  # the first that is registered is the last that runs


def print_json(document: Any) -> None:
    """Exactly one JSON document on stdout."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=2, default=str) + "\n")


def _without_room(error: OSError) -> GoldenPathError:
    """What to say of a full disk; any other error of the system is ours, with its traceback."""
    from tasks.room import no_room, tells_no_room

    if not tells_no_room(str(error)):
        raise error
    folder = Path(str(error.filename)).parent if error.filename else Path.cwd()
    return GoldenPathError(f"{error}: {no_room([folder, Path.cwd() / 'var'])}")


def _complain(error: GoldenPathError) -> None:
    if isinstance(error, PlanError) and len(error.faults) > 1:
        click.echo(f"{len(error.faults)} faults:", err=True)
    click.echo(f"goldenpath: {error}" if not isinstance(error, PlanError) else str(error), err=True)


if __name__ == "__main__":
    main()

"""`doctor`: is this machine ready, and if not, what to do."""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

import click

_CAPS = {"prefect": (3, 8), "fastapi": (0, 0), "sqlalchemy": (2, 0), "duckdb": (1, 4)}
_BELOW = {"fastapi": (0, 151), "sqlalchemy": (2, 1), "duckdb": (2, 0), "prefect": (4, 0)}


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    good: bool
    what: str
    advice: str = ""


@click.command("doctor")
@click.option("--warehouse", metavar="PATH", help="DuckDB file [var/goldenpath.duckdb].")
def doctor_command(warehouse: str | None) -> None:
    """Check interpreter, packages, warehouse and Prefect. Exit 2 when something is wrong.

    \b
    Example:
      goldenpath doctor
    """
    checks = [*_python(), *_packages(), *_warehouse(warehouse), *_prefect(), *_tools()]
    for check in checks:
        click.echo(f"{'ok ' if check.good else 'BAD'} {check.what}")
        if not check.good:
            click.echo(f"    {check.advice}")
    sys.exit(0 if all(check.good for check in checks) else 2)


def _python() -> Iterator[Check]:
    good = sys.version_info >= (3, 11)
    yield Check(good, f"Python {platform.python_version()}", "install Python 3.11 or newer")
    linux = sys.platform == "linux"
    yield Check(
        True,
        f"{platform.system()}: contact is seen by "
        + ("connections and bytes moved" if linux else "new connections only"),
    )


def _packages() -> Iterator[Check]:
    for name, at_least in _CAPS.items():
        try:
            found = version(name)
        except PackageNotFoundError:
            yield Check(False, f"{name} is not installed", "run make setup")
            continue
        numbers = tuple(int(p) for p in found.split(".")[:2] if p.isdigit())
        good = at_least <= numbers < _BELOW[name]
        below = ".".join(map(str, _BELOW[name]))
        yield Check(good, f"{name} {found}", f"install {name} below {below}: see pyproject.toml")


def _warehouse(path: str | None) -> Iterator[Check]:
    from data.errors import GoldenPathError
    from data.store.warehouse import Warehouse
    from flows.wiring import warehouse_path

    place = warehouse_path(path)
    try:
        Warehouse(place).check_writable()
        yield Check(True, f"warehouse {place}")
    except GoldenPathError as error:
        yield Check(False, f"warehouse {place}", str(error))


def _prefect() -> Iterator[Check]:
    from flows.wiring import has_prefect_api

    said = (
        "runs go to the server of PREFECT_API_URL"
        if has_prefect_api()
        else ("no Prefect server is set: each run starts one; `make bench` says what it costs")
    )
    yield Check(True, said)


def _tools() -> Iterator[Check]:
    for tool in ("git", "make"):
        yield Check(shutil.which(tool) is not None, tool, f"install {tool}")

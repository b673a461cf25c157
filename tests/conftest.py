"""What end-to-end tests share: one Prefect server a session, and stacks on ports of their own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from gate import Stack, clean_env, free_ports
from hypothesis import settings

if TYPE_CHECKING:
    from tasks.prefect_server import PrefectServer

# How long an example takes is a matter for benchmarks: on a busy machine any may take a second.
settings.register_profile("gate", deadline=None)
settings.load_profile("gate")

NO_PREFECT = "http://127.0.0.1:9/api"  # nobody listens: whoever needs Prefect after all fails


@pytest.fixture(scope="session", autouse=True)
def _booting(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PrefectServer | None]:
    """A Prefect server where a test will need one; it boots beside the tests before that one.

    A worker of pytest-xdist does not know which tests will be its own: there it boots when asked.
    """
    needed = any("prefect_api" in getattr(i, "fixturenames", ()) for i in request.session.items)
    if not needed or "PYTEST_XDIST_WORKER" in os.environ:
        yield None
        return
    server = _boot(tmp_path_factory)
    yield server
    server.stop()


def _boot(tmp_path_factory: pytest.TempPathFactory) -> PrefectServer:
    from tasks.prefect_server import PrefectServer

    folder = tmp_path_factory.mktemp("prefect")
    env = clean_env(
        PREFECT_HOME=str(folder),
        PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS="5",  # 60 s is long for a test
    )
    return PrefectServer(env, folder / "server.log", full=True)


@pytest.fixture(scope="session")
def prefect_api(
    _booting: PrefectServer | None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Address of one real Prefect server, with a database of its own."""
    server = _booting or _boot(tmp_path_factory)
    server.wait()
    yield server.api_url
    server.stop()


@pytest.fixture(scope="module")
def new_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Stack]]:
    """Makes a stack: `new_stack(api)`, where `api` is the address of a Prefect server."""
    made: list[Stack] = []

    def make(api: str = NO_PREFECT, plan: Path | None = None) -> Stack:
        folder = tmp_path_factory.mktemp("stack")
        names = ("STAGING_AUTH_PORT", "STAGING_BACKEND_PORT", "STAGING_FRONTEND_PORT")
        ports = {n: str(p) for n, p in zip(names, free_ports(3), strict=True)}
        home = {"PREFECT_API_URL": api, "PREFECT_HOME": str(folder / "prefect")}
        stack = Stack(folder, clean_env(**ports, **home))
        stack.plan = plan or stack.plan
        made.append(stack)
        return stack

    yield make
    for stack in made:
        stack.close()

"""What end-to-end tests share: one Prefect server a session, and stacks on ports of their own."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from gate import Stack, clean_env, free_ports
from hypothesis import settings

if TYPE_CHECKING:
    from tasks.prefect_server import PrefectServer

# How long an example takes is a matter for benchmarks: on a busy machine any may take a second.
settings.register_profile("gate", deadline=None)
settings.load_profile("gate")

NO_PREFECT = "http://127.0.0.1:9/api"  # nobody listens: whoever needs Prefect after all fails


SHARED = "GOLDENPATH_TEST_PREFECT"  # address of the server of all workers of pytest-xdist
_shared = pytest.StashKey["PrefectServer"]()


def pytest_configure(config: pytest.Config) -> None:
    """The whole suite by several workers: they share one server, which is nobody's but theirs.

    It boots while they start. A worker does not know which tests will be its own, so for some
    tests only, each one that needs a server boots its own.
    """
    is_whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    if is_whole and config.getoption("numprocesses", None) and not config.option.collectonly:
        server = _boot(Path(tempfile.mkdtemp(prefix="goldenpath-prefect-")))
        config.stash[_shared] = server
        os.environ[SHARED] = server.api_url


def pytest_unconfigure(config: pytest.Config) -> None:
    """The workers are gone."""
    if server := config.stash.get(_shared, None):
        server.stop()
        shutil.rmtree(server.log.parent, ignore_errors=True)


@pytest.fixture(scope="session", autouse=True)
def _booting(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PrefectServer | None]:
    """A Prefect server where a test will need one; it boots beside the tests before that one."""
    needed = any("prefect_api" in getattr(i, "fixturenames", ()) for i in request.session.items)
    if not needed or "PYTEST_XDIST_WORKER" in os.environ:
        yield None
        return
    server = _boot(tmp_path_factory.mktemp("prefect"))
    yield server
    server.stop()


def _boot(folder: Path) -> PrefectServer:
    from tasks.prefect_server import PrefectServer

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
    if shared := os.environ.get(SHARED):
        _wait_for(shared)
        yield shared
        return
    server = _booting or _boot(tmp_path_factory.mktemp("prefect"))
    server.wait()
    yield server.api_url
    server.stop()


def _wait_for(api: str) -> None:
    """Until a server answers that another process started."""
    from tasks.prefect_server import BOOT_S

    end_s = time.monotonic() + BOOT_S
    while time.monotonic() < end_s:
        try:
            httpx.get(f"{api}/health", trust_env=False).raise_for_status()
            return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise TimeoutError(f"the Prefect server at {api} did not start")


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

"""What end-to-end tests share: one Prefect server a session, and stacks on ports of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from gate import Stack, clean_env, free_ports

NO_PREFECT = "http://127.0.0.1:9/api"  # nobody listens: whoever needs Prefect after all fails


@pytest.fixture(scope="session")
def prefect_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of one real Prefect server, with a database of its own."""
    from tasks.prefect_server import PrefectServer

    folder = tmp_path_factory.mktemp("prefect")
    env = clean_env(
        PREFECT_HOME=str(folder),
        PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS="5",  # 60 s is long for a test
    )
    server = PrefectServer(env, folder / "server.log")
    try:
        server.wait()
        yield server.api_url
    finally:
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

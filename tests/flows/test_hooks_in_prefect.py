"""The receiver with a real Prefect server: one run a deployment, and the older one ended."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from gate import ROOT, clean_env, free_ports, wait_for
from production import end_group
from test_hooks import ENV, plain, signed

pytestmark = pytest.mark.soak
N = 50
FLOW = """
import asyncio
from prefect import flow


@flow
async def wait(revision: str, run_id: str, skip_deploy: bool = True, for_s: float = 0.0):
    await asyncio.sleep(for_s)
"""
ASIDE = {**ENV, "PREFECT_LOGGING_LEVEL": "ERROR"}


class Api:
    """A Prefect server with a pool, a flow and deployments of it."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder = url, folder
        self.http = httpx.Client(base_url=url, trust_env=False, timeout=30)
        (folder / "waiting.py").write_text(FLOW)
        self.pool = f"hooks-{folder.name}"  # the server is that of the whole session
        self.post("work_pools/", name=self.pool, type="process")
        self.flow = self.post("flows/", name="wait")["id"]

    def post(self, route: str, /, **body: Any) -> Any:
        for _ in range(20):  # SQLite on a busy machine: 503, "database is locked"
            answer = self.http.post(route, json=body)
            if answer.status_code != 503:
                break
            time.sleep(0.5)
        return answer.raise_for_status().json() if answer.content else None

    def deployment(self, name: str, **parameters: Any) -> str:
        made = self.post(
            "deployments/", name=name, flow_id=self.flow, work_pool_name=self.pool, parameters=parameters,
            path=str(self.folder), entrypoint="waiting.py:wait",
        )  # fmt: skip
        return str(made["id"])

    def runs(self, *deployments: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.post(
            "flow_runs/filter", deployments={"id": {"any_": list(deployments)}}, limit=200
        )
        return found


@pytest.fixture
async def api(prefect_api: str, tmp_path: Path) -> AsyncIterator[Api]:
    yield Api(prefect_api, tmp_path)


class Hooks:
    """`goldenpath hooks serve` as a process."""

    def __init__(self, api: Api, config: str) -> None:
        (api.folder / "hooks.yaml").write_text(config)
        [self.port] = free_ports(1)
        env = clean_env(PREFECT_API_URL=api.url, PREFECT_HOME=str(api.folder / "prefect"), **ASIDE)
        argv = [
            sys.executable,
            "-m",
            "flows.cli",
            "hooks",
            "serve",
            "hooks.yaml",
            "--port",
            str(self.port),
        ]
        env["PYTHONPATH"] = str(ROOT)
        self.process = subprocess.Popen(argv, env=env, cwd=api.folder)
        self.url = f"http://127.0.0.1:{self.port}"
        wait_for(self.answers, 60, "the receiver to be ready")

    def answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", trust_env=False, timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)


async def test_a_thousand_deliveries_over_fifty_deployments_are_fifty_runs(api: Api) -> None:
    ids = [api.deployment(f"env-{n}") for n in range(N)]
    places = "".join(f"      place-{n}: env-{n}\n" for n in range(N))
    targets = "".join(f"  env-{n}: {{deployment: wait/env-{n}}}\n" for n in range(N))
    hooks = Hooks(api, f"sources:\n  ci:\n    kind: standard\n    secrets: [SIGNING]\n    environments:\n{places}"
                       f"environments:\n{targets}limits: {{burst: 2000}}\n")  # fmt: skip
    try:
        told = [(n, plain(f"r{n % N}", n % N, f"place-{n % N}")) for n in range(900)]
        told += told[:100]
        random.Random(7).shuffle(told)
        async with httpx.AsyncClient(base_url=hooks.url, trust_env=False, timeout=30) as client:
            for n, body in told:
                answer = await client.post("/hooks/ci", content=body, headers=signed(body, f"m{n}"))
                assert answer.status_code == 202, answer.text
        wait_for(lambda: len(api.runs(*ids)) >= N, 60, "fifty runs")
        await asyncio.sleep(3)
        assert sorted(r["parameters"]["revision"] for r in api.runs(*ids)) == sorted(
            f"r{n}" for n in range(N)
        )
    finally:
        hooks.stop()


async def test_a_newer_deployment_ends_the_run_before(api: Api) -> None:
    id = api.deployment("slow", for_s=120)
    config = (
        "sources:\n  ci: {kind: standard, secrets: [SIGNING], environments: {prod: prod}}\n"
        "environments:\n  prod: {deployment: wait/slow}\n"
    )
    hooks = Hooks(api, config)
    worker = _worker(api)
    try:
        async with httpx.AsyncClient(base_url=hooks.url, trust_env=False) as client:
            for late_s, revision in enumerate(("r1", "r2")):
                body = plain(revision, late_s)
                assert (
                    await client.post("/hooks/ci", content=body, headers=signed(body))
                ).status_code == 202
                wait_for(lambda r=revision: _states(api, id).get(r) == "Running", 90, revision)
        assert _states(api, id) == {"r1": "SUPERSEDED", "r2": "Running"}
    finally:
        hooks.stop()
        end_group(worker)  # at SIGTERM it may wait for its run to end


def _states(api: Api, id: str) -> dict[str, str]:
    return {run["parameters"]["revision"]: run["state"]["name"] for run in api.runs(id)}


def _worker(api: Api) -> subprocess.Popen[bytes]:
    home = {"PREFECT_API_URL": api.url, "PREFECT_HOME": str(api.folder / "prefect")}
    argv = [sys.executable, "-m", "prefect", "worker", "start", "--pool", api.pool]
    with (api.folder / "worker.log").open("wb") as log:
        env = clean_env(**home, PREFECT_WORKER_QUERY_SECONDS="1")
        return subprocess.Popen(
            argv, env=env, cwd=api.folder, stdout=log, stderr=log, start_new_session=True
        )

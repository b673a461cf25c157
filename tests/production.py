"""The topology of production on this machine: PostgreSQL, Prefect's server with API auth, a worker."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from gate import ROOT, clean_env, free_ports, wait_for

AUTH = "gate:a-long-password-for-the-api"


class Postgres:
    """A database cluster of its own, on loopback; not run as root, which it refuses."""

    def __init__(self) -> None:
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
        if not found:
            pytest.skip("no PostgreSQL on this machine (apt package postgresql)")
        self._bin = found[-1].parent
        self._user = "postgres" if os.geteuid() == 0 else None
        self.folder = Path(tempfile.mkdtemp(prefix="gate-pg-", dir="/tmp"))
        if self._user:
            known = pwd.getpwnam(self._user)
            os.chown(self.folder, known.pw_uid, known.pw_gid)
        [self.port] = free_ports(1)
        data = str(self.folder / "data")
        self._run("initdb", "-D", data, "-U", "prefect", "-A", "trust", "--no-sync")
        with (self.folder.parent / f"{self.folder.name}.log").open("wb") as log:
            self.process = subprocess.Popen(
                [str(self._bin / "postgres"), "-D", data, "-p", str(self.port), "-k", str(self.folder),
                 "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"],
                user=self._user, cwd=self.folder, stdout=log, stderr=log,
            )  # fmt: skip
        wait_for(self._ready, 60, "PostgreSQL")
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "prefect", "prefect")
        self.url = f"postgresql+asyncpg://prefect@127.0.0.1:{self.port}/prefect"

    def query(self, sql: str) -> str:
        argv = ["psql", "-h", "127.0.0.1", "-p", str(self.port), "-U", "prefect", "-Atc", sql]
        done = subprocess.run(argv, capture_output=True, text=True, check=True, cwd="/")
        return done.stdout.strip()

    def stop(self) -> None:
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(30)
        shutil.rmtree(self.folder, ignore_errors=True)
        (self.folder.parent / f"{self.folder.name}.log").unlink(missing_ok=True)

    def _ready(self) -> bool:
        argv = [str(self._bin / "pg_isready"), "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(argv, capture_output=True).returncode == 0

    def _run(self, program: str, *args: str) -> None:
        argv = [str(self._bin / program), *args]
        subprocess.run(argv, user=self._user, cwd=self.folder, check=True, capture_output=True)


class Production:
    """A server on PostgreSQL with API auth on, and what is started beside it."""

    def __init__(self, folder: Path, postgres: Postgres) -> None:
        self.folder, self.postgres = folder, postgres
        [self.port] = free_ports(1)
        self.ui = f"http://127.0.0.1:{self.port}"
        self.api = f"{self.ui}/api"
        self.env = clean_env(
            PREFECT_API_URL=self.api,
            PREFECT_API_AUTH_STRING=AUTH,
            PREFECT_HOME=str(folder / "prefect"),
            PREFECT_WORKER_QUERY_SECONDS="2",
            GOLDENPATH_WAREHOUSE=str(folder / "goldenpath.duckdb"),
        )
        self.processes: list[subprocess.Popen[bytes]] = []
        server = {
            "PREFECT_SERVER_API_AUTH_STRING": AUTH,
            "PREFECT_SERVER_DATABASE_CONNECTION_URL": postgres.url,
            "PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "5",
            "PREFECT_SERVER_SERVICES_LATE_RUNS_LOOP_SECONDS": "2",
            "PREFECT_SERVER_SERVICES_LATE_RUNS_AFTER_SECONDS": "3",
        }
        argv = ["-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(self.port)]
        self.start("server", argv, server)
        self.http = httpx.Client(
            base_url=self.api, auth=tuple(AUTH.split(":", 1)), trust_env=False, timeout=30  # type: ignore[arg-type]
        )  # fmt: skip
        wait_for(self.answers, 120, "Prefect's server")

    def answers(self) -> bool:
        try:
            return self.http.get("/health").status_code == 200
        except httpx.HTTPError:
            return False

    def start(
        self, name: str, argv: Sequence[str], env: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """A Python process of its own group, with a log of its name."""
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, *argv], env={**self.env, **(env or {})}, cwd=ROOT,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        self.processes.append(process)
        return process

    def worker(self, pool: str = "golden-path") -> subprocess.Popen[bytes]:
        return self.start("worker", ["-m", "prefect", "worker", "start", "--pool", pool])

    def receiver(self, config: Path) -> str:
        """The hook receiver, once it is ready. Returns: its address."""
        [port] = free_ports(1)
        url = f"http://127.0.0.1:{port}"
        argv = ["-m", "flows.cli", "hooks", "serve", str(config), "--port", str(port)]
        self.start("hooks", argv)
        wait_for(lambda: _is_ready(url), 60, "the receiver")
        return url

    def flow_run(self, run_id: str) -> dict[str, Any]:
        """The flow run that is named after a run; without a state while there is none."""
        found = self.runs(flow_runs={"name": {"any_": [run_id]}})
        return found[0] if found else {"state": {"name": ""}, "id": ""}

    def post(self, route: str, **body: Any) -> Any:
        answer = self.http.post(route, json=body)
        return answer.raise_for_status().json() if answer.content else None

    def runs(self, **filters: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.post("/flow_runs/filter", limit=200, **filters)
        return found

    def stop(self) -> None:
        for process in reversed(self.processes):
            end_group(process)


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def end_group(process: subprocess.Popen[bytes], how: signal.Signals = signal.SIGTERM) -> None:
    """The process and whatever it started; one that stays is killed."""
    for one, patience_s in ((how, 15), (signal.SIGKILL, 15)):
        try:
            os.killpg(process.pid, one)
        except ProcessLookupError:
            break
        try:
            process.wait(patience_s)
        except subprocess.TimeoutExpired:
            continue
    process.wait(5)

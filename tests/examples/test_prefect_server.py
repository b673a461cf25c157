"""A real Prefect server as target: PROMOTE as it is, HOLD on a broken database."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import pytest
from gate import Done, clean_env, free_ports, run

PLAN = "examples/prefect-server/plan.yaml"


@dataclass(frozen=True)
class Target:
    """One Prefect server under test: a folder, a port, and the gate that validates it."""

    folder: Path
    env: dict[str, str]

    def __call__(self, verb: str, *words: str, **env: str) -> Done:
        state = ("--set", f"deploy.state={self.folder / 'state'}")
        argv = [sys.executable, "-m", "flows.cli", verb, PLAN, *state, *words]
        return run(argv, {**self.env, **env}, timeout_s=300)

    def judged(self, **env: str) -> Done:
        warehouse = str(self.folder / "goldenpath.duckdb")
        return self("run", "--json", "--warehouse", warehouse, **env)

    def listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", int(self.env["PREFECT_TARGET_PORT"]))) == 0


@pytest.fixture
def target(tmp_path: Path, prefect_api: str) -> Iterator[Target]:
    env = clean_env(
        PREFECT_API_URL=prefect_api,  # the gate's own; the target is a second server
        PREFECT_TARGET_PORT=str(free_ports(1)[0]),
        PREFECT_TARGET_VERSION=version("prefect"),
    )
    made = Target(tmp_path, env)
    yield made
    made("down")


def test_the_plan_has_no_fault() -> None:
    done = run([sys.executable, "-m", "flows.cli", "check", PLAN], clean_env(), timeout_s=60)
    assert done.exit_code == 0, done.stdout + done.stderr


@pytest.mark.soak
def test_a_sound_server_is_promoted_and_stopped_by_down(target: Target) -> None:
    done = target.judged()
    document = done.json()
    assert (done.exit_code, document["verdict"]) == (0, "PROMOTE"), document["reasons"]
    assert document["coverage"]["seen"] == document["coverage"]["expected"]
    assert document["revisions"]["prefect"]["after"] == version("prefect")
    assert target.listens()
    assert target("down").exit_code == 0
    assert not target.listens()


@pytest.mark.soak
def test_a_server_on_a_broken_database_is_held(target: Target) -> None:
    broken = "sqlite+aiosqlite:////dev/null/broken.db"
    done = target.judged(PREFECT_TARGET_DATABASE_URL=broken)
    document = done.json()
    assert (done.exit_code, document["verdict"]) == (10, "HOLD"), document["reasons"]
    assert document["rule"].startswith("P1 FAIL deploy: prefect ended with exit code"), document[
        "rule"
    ]

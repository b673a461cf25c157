"""A real Prefect server as target: PROMOTE as it is, HOLD on a broken database."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLAN = "examples/prefect-server/plan.yaml"


def _goldenpath(*words: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "flows.cli", *words]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **env}, capture_output=True, text=True, timeout=300)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _judged(folder: Path, **extra: str) -> tuple[int, dict]:
    env = {"PREFECT_TARGET_PORT": str(_free_port()), **extra}
    state = ("--set", f"deploy.state={folder / 'state'}", "--set", "deploy.ttl=20s")
    done = _goldenpath("run", PLAN, "--json", "--warehouse", str(folder / "g.duckdb"), *state, env=env)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_the_plan_has_no_fault() -> None:
    assert _goldenpath("check", PLAN, env={}).returncode == 0


@pytest.mark.soak
def test_a_sound_server_is_promoted(tmp_path: Path) -> None:
    code, document = _judged(tmp_path)
    assert (code, document["verdict"]) == (0, "PROMOTE"), document["reasons"]


@pytest.mark.soak
def test_a_server_on_a_broken_database_is_held(tmp_path: Path) -> None:
    broken = "sqlite+aiosqlite:////dev/null/broken.db"
    code, document = _judged(tmp_path, PREFECT_TARGET_DATABASE_URL=broken)
    assert (code, document["verdict"]) == (10, "HOLD")
    assert "deploy" in document["rule"]

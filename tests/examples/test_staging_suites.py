"""The suites that ship with the stand-in: their numbers, and the four bad variants."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

from staging_processes import STAGING, Staging

P1_COUNTS = {
    "core_platform": 25,
    "websocket_events": 5,
    "message_flow": 8,
    "agent_pipeline": 6,
    "critical_paths": 8,
}


def _pytest(revision: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", *arguments]
    env = {**os.environ, "SUITE_REVISION": revision, **environment}
    return subprocess.run(command, cwd=STAGING, env=env, capture_output=True, text=True, timeout=60)


def _collected(revision: str, *suites: str) -> list[str]:
    found = _pytest(revision, "--collect-only", "-q", *(f"suites/{suite}" for suite in suites))
    return [line for line in found.stdout.splitlines() if "::" in line]


def test_p1_suites_have_their_numbers() -> None:
    ids = _collected("healthy", *P1_COUNTS)
    assert Counter(Path(test_id).parts[-2] for test_id in ids) == P1_COUNTS


def test_bad_variants_keep_the_ids_of_the_honest_suite() -> None:
    honest = _collected("healthy", "core_platform")
    assert _collected("fake-suite", "core_platform") == honest
    assert _collected("hanging-suite", "core_platform") == honest
    assert _collected("empty-suite", "core_platform") == []


def test_broken_suite_fails_to_import() -> None:
    ended = _pytest("broken-suite", "suites/core_platform")
    assert ended.returncode == 2 and "ModuleNotFoundError" in ended.stdout


def test_fake_suite_passes_without_a_target() -> None:
    nowhere = dict.fromkeys(("AUTH_URL", "BACKEND_URL", "FRONTEND_URL", "WS_URL"), "")
    assert "25 passed" in _pytest("fake-suite", "-q", "suites/core_platform", **nowhere).stdout


def test_hanging_suite_passes_when_released_and_p1_is_green_on_healthy(staging: Staging) -> None:
    for service in ("auth", "backend", "frontend"):
        staging(service)
    targets = {f"{name.upper()}_URL": url for name, url in staging.urls.items()}
    targets["WS_URL"] = staging("backend").ws_url
    suites = [f"suites/{suite}" for suite in P1_COUNTS]
    ended = _pytest("hanging-suite", "-q", *suites, HANGING_SUITE_RELEASED="1", **targets)
    assert "52 passed" in ended.stdout, ended.stdout

"""Suites of unittest and of Node's own runner against a real target."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from gate import ROOT, clean_env, free_ports, run, stop_supervisor

EXAMPLE = ROOT / "examples" / "runners"


def node_version() -> int:
    """0 without node."""
    node = shutil.which("node")
    if node is None:
        return 0
    said = subprocess.run([node, "--version"], capture_output=True, text=True).stdout
    return int(said.lstrip("v").partition(".")[0] or 0)


pytestmark = pytest.mark.skipif(node_version() < 20, reason="needs Node 20 or later on PATH")


@dataclass(frozen=True)
class Shop:
    """A copy of the example, a port and a warehouse of its own."""

    folder: Path
    env: dict[str, str]

    def judged(self, plan: str = "plan.yaml", **env: str) -> dict[str, Any]:
        words = ["--json", "--warehouse", str(self.folder / "w.duckdb")]
        state = ["--set", f"deploy.state={self.folder / 'state'}"]
        argv = [sys.executable, "-m", "flows.cli", "run", str(self.folder / plan)]
        done = run([*argv, *words, *state], {**self.env, **env}, timeout_s=200)
        document: dict[str, Any] = done.json()
        return document


@pytest.fixture
def shop(tmp_path: Path, prefect_api: str) -> Iterator[Shop]:
    shutil.copytree(EXAMPLE, tmp_path, dirs_exist_ok=True)
    port = str(free_ports(1)[0])
    yield Shop(tmp_path, clean_env(PREFECT_API_URL=prefect_api, RUNNERS_PORT=port))
    stop_supervisor(tmp_path / "state")


def test_every_test_is_told_and_a_proxy_sees_its_contact(shop: Shop) -> None:
    """Contact by time is weak: on a busy machine it may be unknown, and then holds."""
    for _ in range(3):
        document = shop.judged()
        if "contact with the target unknown" not in str(document["reasons"]):
            break
    suites = {s["id"]: s for s in document["suites"]}
    assert {id: (s["collected"], s["passed"]) for id, s in suites.items()} == {
        "unittest": (3, 3),
        "node": (3, 3),
    }
    assert document["verdict"] == "PROMOTE", document["reasons"]
    marks = {c["id"]: c for c in document["criteria"]}
    for name in ("p1/suites/unittest", "p1/suites/node"):
        assert marks[name]["outcome"] == "PASS", marks[name]


@pytest.mark.soak
def test_a_broken_shop_turns_the_suites_red(shop: Shop) -> None:
    document = shop.judged(SHOP_FAULT="prices")
    failed = {s["id"]: s["failed"] for s in document["suites"]}
    assert failed == {"unittest": 1, "node": 1}
    assert "FAIL" in json.dumps(document["criteria"])
    assert document["verdict"] == "HOLD"


IDLE = """
test("idle", async () => { await new Promise((done) => setTimeout(done, 300)); });
"""


@pytest.mark.soak
def test_playwright_with_a_real_browser(shop: Shop) -> None:
    """Needs the network for `npm install`, and a Chromium."""
    chromium = shutil.which("chromium")
    if chromium is None or shutil.which("npm") is None:
        pytest.skip("needs chromium and npm on PATH")
    browser = shop.folder / "browser"
    npm = subprocess.run(["npm", "install", "--no-audit"], cwd=browser, capture_output=True)
    if npm.returncode:
        pytest.skip("npm cannot install @playwright/test here")
    document = shop.judged("browser.yaml", CHROMIUM=chromium)
    assert document["verdict"] == "PROMOTE", document["reasons"]
    document = shop.judged("browser.yaml", CHROMIUM=chromium, SHOP_FAULT="prices")
    assert [s["failed"] for s in document["suites"]] == [1]
    with (browser / "shop.spec.mjs").open("a") as spec:
        spec.write(IDLE)
    document = shop.judged("browser.yaml", CHROMIUM=chromium)
    assert [(s["passed"], s["vacuous"]) for s in document["suites"]] == [(3, 1)]
    assert document["verdict"] == "HOLD"

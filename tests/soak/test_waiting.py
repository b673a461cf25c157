"""Runs that wait for a person, in production: nobody takes one for dead, and none is forgotten.

Real parts: PostgreSQL, Prefect's server behind its password, a worker, the hook receiver, which
looks for dead runs every ten seconds, and the deployment `zombies`, which does every minute.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from gate import alive, processes_with, run, wait_for
from production import Postgres, Production

from tasks.hooks.board import EXPIRED
from tasks.hooks.signatures import sign_standard
from tests.flows.test_approval import plan
from tests.flows.test_promoting import telling

pytestmark = pytest.mark.soak
SECRET = "whsec_" + "c2VjcmV0IG9mIHRoZSB0ZXN0cywgMzIgYnl0ZXMh"
CONFIG = """
sources:
  ci:
    kind: standard
    secrets: [CI_HOOK_SECRET]
    environments: {here: here, hasty: hasty}
environments:
  here: {deployment: validate/small-here, parameters: {skip_deploy: false}}
  hasty:
    deployment: validate/small-here
    parameters: {skip_deploy: false, overrides: {approval.wait: 3s}}
"""


class Site:
    """All parts, and what people and senders do from outside."""

    def __init__(self, folder: Path, production: Production) -> None:
        self.folder, self.production, self.n = folder, production, 0
        production.env |= {"CI_HOOK_SECRET": SECRET, "SITE": str(folder)}
        self("register", str(folder / "plan.yaml"))
        (folder / "hooks.yaml").write_text(CONFIG)
        self.hooks = production.receiver(folder / "hooks.yaml")
        production.worker()

    def __call__(self, *args: str, **env: str) -> Any:
        argv = [sys.executable, "-m", "flows.cli", *args]
        return run(argv, {**self.production.env, **env}, 120)

    def deploy(self, revision: str, environment: str = "here") -> str:
        self.n += 1
        at, id = datetime.now(UTC), f"d{self.n}"
        told = {"environment": environment, "revision": revision}
        body = json.dumps(
            {"type": "deployment.succeeded", "timestamp": at.isoformat(), "data": told}
        ).encode()
        stamp = int(at.timestamp())
        headers = {"webhook-id": id, "webhook-timestamp": f"{stamp}"}
        headers["webhook-signature"] = sign_standard(SECRET, id, stamp, body)
        answer = httpx.post(
            f"{self.hooks}/hooks/ci", content=body, headers=headers, trust_env=False
        )
        assert answer.json()["outcome"] == "ACCEPTED", answer.text
        return str(answer.json()["run_id"])

    def state(self, run_id: str) -> str:
        return str(self.production.flow_run(run_id)["state"]["name"])

    def until(self, run_id: str, state: str, within_s: float = 90) -> float:
        began = time.monotonic()
        wait_for(lambda: self.state(run_id) == state, within_s, f"{run_id} to be {state}")
        return time.monotonic() - began

    def processes(self, run_id: str) -> list[int]:
        """Of the worker, for this run."""
        id = self.production.flow_run(run_id)["id"]
        return [pid for pid in processes_with(f"PREFECT__FLOW_RUN_ID={id}") if alive(pid)]

    def document(self, run_id: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self("show", run_id, "--json").stdout)
        return found


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    postgres, folder = Postgres(), tmp_path_factory.mktemp("site")
    with telling(folder / "tested") as tested, telling(folder / "live") as live:
        plan(folder, tested, live, "P3", wait="10m")
        production = Production(folder, postgres)
        yield Site(folder, production)
        production.stop()
    postgres.stop()


def test_a_run_that_waits_is_no_zombie_and_goes_on_when_somebody_decides(site: Site) -> None:
    run_id = site.deploy("v2")
    site.until(run_id, "Paused")
    time.sleep(75)  # the receiver has looked seven times by then, `zombies` at least once
    assert site.state(run_id) == "Paused" and site.processes(run_id)
    assert site.document(run_id)["exit_code"] == 10, "held while nobody has decided"
    told = site(
        "approve", run_id, "--decision", "promote", "--by", "Ann", "--reason", "known",
        GOLDENPATH_WAREHOUSE=str(site.folder / "another-machine" / "goldenpath.duckdb"),
    )  # fmt: skip
    assert told.exit_code == 0, told.stderr
    site.until(run_id, "PROMOTE_WITH_WATCH")
    assert (site.folder / "live").read_text() == "v2"
    assert site.document(run_id)["decision"]["by"] == "Ann"


def test_nobody_in_time_ends_as_hold(site: Site) -> None:
    run_id = site.deploy("v3", "hasty")
    site.until(run_id, "HOLD")
    assert site.document(run_id)["decision"]["how"] == "time-out"
    assert (site.folder / "live").read_text() == "v2"


def test_a_newer_deployment_ends_a_run_that_waits_and_its_process(site: Site) -> None:
    older = site.deploy("v4")
    site.until(older, "Paused")
    processes = site.processes(older)
    newer = site.deploy("v5")
    site.until(older, "SUPERSEDED")
    wait_for(lambda: not any(alive(pid) for pid in processes), 30, "its process to end")
    assert site.document(older)["exit_code"] != 0
    late = site("approve", older, "--decision", "promote", "--by", "A", "--reason", "b")
    assert late.exit_code == 2
    site.until(newer, "Paused")
    assert (site.folder / "live").read_text() == "v2"
    assert site("approve", newer, "--decision", "hold", "--by", "A", "--reason", "b").exit_code == 0
    site.until(newer, "HOLD")


def test_one_that_is_killed_while_it_waits_is_closed_as_hold_within_a_minute(site: Site) -> None:
    run_id = site.deploy("v6")
    site.until(run_id, "Paused")
    for pid in site.processes(run_id):
        os.kill(pid, signal.SIGKILL)
    print(f"closed after {site.until(run_id, 'HOLD', 60):.0f} s")
    assert site.document(run_id)["exit_code"] == 10


def _lost(site: Site, run_id: str, **state: Any) -> None:
    """A flow run that no journal is here of, in a state."""
    old = site.production.runs(flow_runs={"state": {"name": {"any_": ["HOLD"]}}})[0]
    made = {"flow_id": old["flow_id"], "name": run_id, "parameters": {"run_id": run_id}}
    id = site.production.post("/flow_runs/", **made)["id"]
    site.production.post(f"/flow_runs/{id}/set_state", state=state, force=True)


def test_one_whose_machine_is_lost_is_closed_as_hold_when_its_time_has_run_out(site: Site) -> None:
    """No journal is here, and Prefect shows it as Paused: all that is left is its time."""
    waits = datetime.now(UTC).timestamp() + 25
    until = datetime.fromtimestamp(waits, UTC).isoformat()
    _lost(site, "lost", type="PAUSED", name="Paused", state_details={"pause_timeout": until})
    while time.time() < waits - 2:
        assert site.state("lost") == "Paused"
        time.sleep(2)
    site.until("lost", "HOLD", 60)


def test_one_that_prefect_failed_first_is_hold_too(site: Site) -> None:
    """Prefect's server looks for expired runs itself; which of the two comes first is chance."""
    _lost(site, "expired", type="FAILED", name="Failed", message=EXPIRED)
    _lost(site, "failed", type="FAILED", name="Failed", message="another reason")
    site.until("expired", "HOLD", 60)
    assert site.state("failed") == "Failed"

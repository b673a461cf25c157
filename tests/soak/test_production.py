"""Production on this machine: a signed delivery becomes a run, a verdict, a status; faults included.

Real parts: PostgreSQL, Prefect's server behind its password, a worker, the hook receiver, the stack
as processes, all started as docs/operate.md says. The forge is a server that answers as GitHub does.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from browser import Browser, chromium
from forge_server import TOKEN, Forge, forge_server
from gate import STAGING, alive, free_ports, processes_with, run, stop_supervisor, wait_for
from production import AUTH, Postgres, Production

pytestmark = pytest.mark.soak
HUB, READ = "a-long-secret-of-github", "a-long-token-to-read"
BAD = "badc0de1"
DEPLOYMENT = "validate/staging-golden-path-staging"
CONFIG = """
sources:
  hub:
    kind: github
    secrets: [HUB]
    environments: {{staging: staging, "protect:staging": staging}}
    answers: {{token_in: FORGE, api: "{api}"}}
environments:
  staging:
    deployment: {deployment}
    parameters: {{skip_deploy: false, overrides: {{deploy.state: "{state}"}}}}
read_tokens: [READ]
link: "{ui}/runs/flow-run/{{{{flow_run_id}}}}"
"""


class Site:
    """All parts, and what a sender and a reader can do from outside."""

    def __init__(self, folder: Path, production: Production, forge: Forge, api: str) -> None:
        self.folder, self.production, self.forge = folder, production, forge
        shutil.copytree(STAGING, folder / "staging")
        with (folder / "staging" / "stack" / "revisions.py").open("a") as table:
            table.write(f'\nTABLE["{BAD}"] = Behaviour(sockets="cut")\n')
        self.state = folder / "state"
        ports = dict(zip(("AUTH", "BACKEND", "FRONTEND"), free_ports(3), strict=True))
        production.env |= {f"STAGING_{name}_PORT": str(port) for name, port in ports.items()}
        production.env |= {"HUB": HUB, "READ": READ, "FORGE": TOKEN, "SITE": str(folder)}
        self.backend = f"http://127.0.0.1:{ports['BACKEND']}"
        plan = str(folder / "staging" / "plan.yaml")
        self("register", plan)
        config = CONFIG.format(
            api=api, deployment=DEPLOYMENT, state=self.state, ui=production.ui
        )  # fmt: skip
        (folder / "hooks.yaml").write_text(config)
        self.hooks = production.receiver(folder / "hooks.yaml")
        self.worker = production.worker()
        self.n = 0

    def __call__(self, *args: str) -> Any:
        done = run([sys.executable, "-m", "flows.cli", *args], self.production.env, 240)
        assert done.exit_code == 0, done
        return done

    def deploy(self, revision: str) -> str:
        """GitHub tells, signed, that it deployed; returns the run's id."""
        self.n += 1
        told = {"deployment": {"environment": "staging", "sha": revision}}
        at = datetime.now(UTC).isoformat()
        told |= {"deployment_status": {"state": "success", "created_at": at}}
        body = json.dumps(told | {"repository": {"full_name": "acme/shop"}}).encode()
        code = hmac.new(HUB.encode(), body, hashlib.sha256).hexdigest()
        headers = {"x-github-event": "deployment_status", "x-github-delivery": f"d{self.n}"}
        answer = httpx.post(
            f"{self.hooks}/hooks/hub", content=body, trust_env=False,
            headers=headers | {"x-hub-signature-256": f"sha256={code}"},
        )  # fmt: skip
        assert (answer.status_code, answer.json()["outcome"]) == (202, "ACCEPTED"), answer.text
        return str(answer.json()["run_id"])

    def state_name(self, run_id: str) -> str:
        return str(self.production.flow_run(run_id)["state"]["name"])

    def until(self, run_id: str, *states: str, within_s: float = 180) -> str:
        wait_for(lambda: self.state_name(run_id) in states, within_s, f"{run_id} to be {states}")
        return self.state_name(run_id)

    def in_progress(self, run_id: str) -> None:
        """Until its first test has ended."""
        journal = self.folder / "goldenpath.duckdb.spool" / f"{run_id}.jsonl"
        wait_for(lambda: journal.exists() and '"test"' in journal.read_text(), 120, "a test's end")

    def statuses(self, revision: str) -> list[str]:
        found = [(p, b) for _, p, b in self.forge.got if p.endswith(f"/statuses/{revision}")]
        return [body["state"] for _, body in found]

    def read(self, run_id: str) -> dict[str, Any]:
        headers = {"authorization": f"Bearer {READ}"}
        found: dict[str, Any] = httpx.get(
            f"{self.hooks}/runs/{run_id}", headers=headers, trust_env=False, timeout=30
        ).json()
        return found

    def verdict(self, run_id: str) -> str:
        sql = f"SELECT verdict FROM runs WHERE run_id = '{run_id}'"
        rows = json.loads(self("sql", sql, "--json").stdout)
        return str(rows[0]["verdict"])

    def serves(self) -> str:
        answer = httpx.get(f"{self.backend}/version", trust_env=False, timeout=10)
        return str(answer.json()["revision"])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    postgres = Postgres()
    folder = tmp_path_factory.mktemp("site")
    production = Production(folder, postgres)
    with forge_server() as (forge, api):
        made = Site(folder, production, forge, api)
        yield made
        production.stop()
    stop_supervisor(made.state)
    postgres.stop()


def test_1_a_signed_delivery_leads_to_a_verdict_everywhere(site: Site) -> None:
    run_id = site.deploy("c0ffee01")
    assert site.until(run_id, "PROMOTE", "HOLD", "ROLL_BACK", "Crashed", "Failed") == "PROMOTE"
    assert site.read(run_id)["verdict"] == site.verdict(run_id) == "PROMOTE"
    assert site.serves() == "c0ffee01"
    wait_for(lambda: site.statuses("c0ffee01") == ["pending", "success"], 20, "the status")
    [link] = [b["target_url"] for _, p, b in site.forge.got if b and b["state"] == "success"]
    assert link == f"{site.production.ui}/runs/flow-run/{site.production.flow_run(run_id)['id']}"
    n = site.production.postgres.query("SELECT count(*) FROM flow_run WHERE state_name = 'PROMOTE'")
    assert n == "1", "Prefect keeps it in PostgreSQL"
    if chromium():
        _photograph(site, link)


def _photograph(site: Site, link: str) -> None:
    password = base64.b64encode(AUTH.encode()).decode()
    with Browser((1440, 1000)) as page:
        page.open(site.production.ui)
        page.run(f"localStorage.setItem('prefect-password', '{password}')")
        page.open(link, "document.body.innerText.includes('PROMOTE')")
        time.sleep(2)  # the chart is drawn after the text
        picture = base64.b64decode(page.send("Page.captureScreenshot")["data"])
    place = os.environ.get("GOLDENPATH_PICTURES")
    if place:
        (Path(place) / "production-run.png").write_bytes(picture)
    assert len(picture) > 20_000


def test_2_a_newer_delivery_ends_the_run_before(site: Site) -> None:
    older = site.deploy("c0ffee02")
    site.in_progress(older)
    newer = site.deploy("c0ffee03")
    assert site.until(older, "SUPERSEDED", "PROMOTE") == "SUPERSEDED"
    assert site.until(newer, "PROMOTE", "HOLD", "ROLL_BACK", "Crashed") == "PROMOTE"
    assert site.verdict(older) == "SUPERSEDED" and site.read(older)["suites"]
    assert site.serves() == "c0ffee03"
    wait_for(lambda: site.statuses("c0ffee02") == ["pending", "failure"], 20, "the status")


def test_3_a_bad_revision_is_rolled_back(site: Site) -> None:
    run_id = site.deploy(BAD)
    assert site.until(run_id, "PROMOTE", "HOLD", "ROLL_BACK", "Crashed") == "ROLL_BACK"
    wait_for(lambda: site.serves() == "c0ffee03", 30, "the old revision")
    wait_for(lambda: site.statuses(BAD) == ["pending", "failure"], 20, "the status")
    assert site.verdict(run_id) == "ROLL_BACK"


def test_4_a_run_whose_worker_was_killed_is_closed_within_a_minute(site: Site) -> None:
    run_id = site.deploy("c0ffee04")
    site.in_progress(run_id)
    mark = str(site.folder)
    spared = {p.pid for p in site.production.processes if p is not site.worker}
    stack = set(_supervised(site))
    for pid in processes_with(f"SITE={mark}"):
        if pid not in spared | stack:
            os.kill(pid, signal.SIGKILL)
    began = time.monotonic()
    assert site.until(run_id, "HOLD", "PROMOTE", "ROLL_BACK", within_s=60) == "HOLD"
    print(f"closed after {time.monotonic() - began:.0f} s")
    assert site.read(run_id)["verdict"] == "HOLD" and site.read(run_id)["not_seen"]
    wait_for(lambda: site.statuses("c0ffee04") == ["pending", "failure"], 20, "the status")
    site.worker.wait(10)
    site.worker = site.production.worker()
    again = site.deploy("c0ffee05")
    assert site.until(again, "PROMOTE", "HOLD", "ROLL_BACK", "Crashed") == "PROMOTE"


def _supervised(site: Site) -> list[int]:
    """The supervisor and what it started: they are the product, not the worker."""
    top = int(json.loads((site.state / "supervisor.json").read_text())["pid"])
    found, fresh = [top], [top]
    while fresh:
        parent = fresh.pop()
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            children = [int(pid) for pid in task.read_text().split()]
            found += children
            fresh += children
    return [pid for pid in found if alive(pid)]

"""`goldenpath register` against a real server on PostgreSQL with API auth on."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from gate import PLAN, ROOT, Done, run, wait_for
from production import Postgres, Production

from data.errors import UsageError
from data.records.registration import Planned, Wanted
from data.rules.registering import orders_of

SECRET = "q8Zk-this-is-secret"
NAME = "staging-golden-path-staging"


def wanted(*plans: tuple[str, str], **more: str) -> Wanted:
    made = tuple(Planned(file=f"/{p}.yaml", plan=p, environment=e) for p, e in plans)
    return Wanted(plans=made, pool="pool", warehouse="/w.duckdb", **more)


def test_all_runs_of_an_environment_share_a_queue_and_upkeep_waits_for_none() -> None:
    orders = orders_of(wanted(("a", "prod"), ("b", "prod"), every="1 * * * *", audit="2 2 * * *", upkeep="3 3 * * *"))  # fmt: skip
    queues = {f"{o.flow}/{o.name}": o.queue for o in orders}
    assert queues == {
        "audit/a-prod-audit": "prod",
        "audit/b-prod-audit": "prod",
        "upkeep/nightly": "upkeep",
        "validate/a-prod": "prod",
        "validate/a-prod-scheduled": "prod",
        "validate/b-prod": "prod",
        "validate/b-prod-scheduled": "prod",
        "zombies/every-minute": "upkeep",
    }
    assert all(o.parameters["warehouse"] == "/w.duckdb" for o in orders)
    scheduled = [o for o in orders if o.name.endswith("-scheduled")]
    assert all(o.parameters["skip_deploy"] and o.cron for o in scheduled)


def test_only_plans_that_want_it_are_watched_in_the_queue_of_their_environment() -> None:
    (plan,) = wanted(("a", "prod")).plans
    both = (plan.model_copy(update={"watched": True}), plan.model_copy(update={"plan": "b"}))
    made = Wanted(plans=both, pool="pool", warehouse="/w.duckdb", watch="*/10 * * * *")
    found = [(o.name, o.queue, o.cron) for o in orders_of(made) if o.flow == "watch"]
    assert found == [("a-prod-watch", "prod", "*/10 * * * *")]


def test_two_plans_of_one_name_and_environment_are_refused() -> None:
    with pytest.raises(UsageError, match="validate/a-prod"):
        orders_of(wanted(("a", "prod"), ("a", "prod")))


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Production]:
    postgres = Postgres()
    made = Production(tmp_path_factory.mktemp("production"), postgres)
    yield made
    made.stop()
    postgres.stop()


@contextmanager
def inbox() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    got: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/{SECRET}", got
    server.shutdown()


def register(production: Production, *args: str, **env: str) -> Done:
    argv = [sys.executable, "-m", "flows.cli", "register", *args]
    return run(argv, {**production.env, **env}, 240)


def seen(production: Production) -> dict[str, Any]:
    """Everything that registering makes, without ids and times."""
    deployments = production.post("/deployments/filter", limit=100)
    blocks = production.post("/block_documents/filter", include_secrets=False, limit=100)
    automations = production.post("/automations/filter", limit=100)
    queues = production.post("/work_pools/golden-path/queues/filter")
    return {
        "deployments": sorted(
            [d["name"], d["entrypoint"], d["parameters"], d["work_queue_name"], sorted(d["tags"]),
             [s["schedule"]["cron"] for s in d["schedules"]]] for d in deployments
        ),
        "blocks": sorted((b["name"], b["data"].get("variables")) for b in blocks if b["name"]),
        "automations": sorted((a["name"], a["trigger"]["expect"]) for a in automations),
        "queues": sorted((q["name"], q["concurrency_limit"]) for q in queues),
    }  # fmt: skip


@pytest.mark.soak
def test_registering_again_changes_nothing_and_what_is_made_works(production: Production) -> None:
    refused = httpx.post(f"{production.api}/deployments/filter", json={}, trust_env=False)
    assert refused.status_code == 401, "the API is behind its password"
    with inbox() as (address, got):
        options = ["--every", "17 * * * *", "--secret", "SHOP_TOKEN", "--variable", "SHOP_URL"]
        options += ["--notify", "TEAM", "--backups", str(production.folder / "backups")]
        env = {"SHOP_TOKEN": SECRET, "SHOP_URL": "http://shop.test", "TEAM": address}
        done = register(production, str(PLAN), *options, **env)
        assert done.exit_code == 0, done
        first = seen(production)
        again = register(production, str(PLAN), *options, **env)
        assert again.exit_code == 0 and seen(production) == first
        kept = production.folder.rglob("*")
        said = done.stdout + done.stderr + again.stdout + again.stderr
        assert SECRET not in said and not any(SECRET.encode() in f.read_bytes() for f in kept if f.is_file())  # fmt: skip
        assert [name for name, *_ in first["deployments"]] == [
            "every-minute", "nightly", f"{NAME}", f"{NAME}-audit", f"{NAME}-scheduled"
        ]  # fmt: skip
        assert ("golden-path-staging", {"SHOP_URL": "http://shop.test"}) in first["blocks"]
        assert ("staging", 1) in first["queues"] and len(first["automations"]) == 2
        _form_explains_itself(production)
        _late_run_is_told(production, got)


def _form_explains_itself(production: Production) -> None:
    for deployment in production.post("/deployments/filter", limit=100):
        schema = deployment["parameter_openapi_schema"]["properties"]
        assert [n for n, p in schema.items() if not p.get("description")] == [], deployment["name"]


def _late_run_is_told(production: Production, got: list[dict[str, Any]]) -> None:
    """No worker is there, so a run is late: the server tells it by itself."""
    deployments = production.post("/deployments/filter", limit=100)
    [id] = [d["id"] for d in deployments if d["name"] == NAME]
    production.post(f"/deployments/{id}/create_flow_run", parameters={})
    wait_for(lambda: got, 90, "the message of the automation")
    assert "Golden Path: a run is late" in got[0]["text"]


@pytest.mark.soak
def test_faults_of_all_plans_are_told_and_nothing_is_made(
    production: Production, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("plan: x\n")
    before = production.post("/deployments/filter", limit=100)
    done = register(production, str(bad), str(tmp_path / "none.yaml"))
    assert done.exit_code == 2 and "bad.yaml" in done.stderr and "none.yaml" in done.stderr
    done = register(production, str(PLAN), "--secret", "NOT_THERE")
    assert done.exit_code == 2 and "NOT_THERE" in done.stderr
    assert production.post("/deployments/filter", limit=100) == before


def test_without_a_server_it_says_what_to_set(tmp_path: Path) -> None:
    env = {"PATH": "/usr/bin", "HOME": str(tmp_path), "PREFECT_API_URL": ""}
    argv = [sys.executable, "-m", "flows.cli", "register", str(PLAN)]
    done = subprocess.run(argv, env=env, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2 and "PREFECT_API_URL" in done.stderr

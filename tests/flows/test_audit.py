"""An audit from the command line, and what later verdicts make of it."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from gate import PLAIN, Done, Stack

PLAN = """
plan: shop
environment: here
services:
  api: {{url: "http://127.0.0.1:{port}", health: {{path: /health}}}}
health: {{interval: 10ms, consecutive: 1, deadline: 5s}}
phases:
  - id: core
    priority: P1
    suites:
      - id: orders
        command: [python, -m, pytest, -p, "no:cacheprovider", orders]
        expect: 5
        env: {{API: "{{{{services.api.url}}}}"}}
        proves: [orders]
      - id: fixed
        command: [python, -m, pytest, -p, "no:cacheprovider", fixed]
        env: {{API: "http://127.0.0.1:{port}"}}
    probes:
      - id: price
        kind: http
        request: {{url: "{{{{services.api.url}}}}/order"}}
        expect: {{status: 200, json: {{price: 12}}}}
capabilities:
  orders: {{sensitive_to: [broken, cheap]}}
audit:
  controls: [refused, broken, empty, forbidden]
  mutations: [{{id: cheap, kind: status, status: 204, path: /order}}]
"""
ORDERS = """
import os, urllib.error, urllib.request

def ask(path):
    return urllib.request.urlopen(os.environ["API"] + path, timeout=5)

def test_strong():
    assert b"12" in ask("/order").read()

def test_ignores_the_body():
    assert ask("/order").status == 200

def test_accepts_errors():
    try:
        ask("/order")
    except urllib.error.HTTPError:
        pass

def test_swallows():
    try:
        ask("/order")
    except Exception:
        pass

def test_has_its_own_address():
    urllib.request.urlopen("http://127.0.0.1:{port}/order", timeout=5)
"""
FIXED = "import urllib.request\n\ndef test_ok():\n    urllib.request.urlopen('http://127.0.0.1:{port}/order')\n"


class Shop(http.server.BaseHTTPRequestHandler):
    """Healthy, and asks 12 for an order."""

    def do_GET(self) -> None:
        body = json.dumps({"status": "healthy", "price": 12}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Be quiet."""


@dataclass(frozen=True)
class Audited:
    """A run before the audit, the audit, and a run after it, in one warehouse."""

    stack: Stack
    before: Done
    audit: Done
    after: Done


@pytest.fixture(scope="module")
def audited(
    prefect_api: str, new_stack: Callable[..., Stack], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Audited]:
    shop = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    threading.Thread(target=shop.serve_forever, daemon=True).start()
    plan = written(tmp_path_factory.mktemp("shop"), shop.server_address[1])
    stack = new_stack(prefect_api)
    stack.env.update(PLAIN)
    (run,) = {("run", str(plan), "--json")}
    yield Audited(stack, stack(*run), stack("audit", str(plan), "--json"), stack(*run))
    shop.shutdown()


def written(folder: Path, port: int) -> Path:
    for name, text in {"orders": ORDERS, "fixed": FIXED}.items():
        (folder / name).mkdir()
        (folder / name / f"test_{name}.py").write_text(text.replace("{port}", str(port)))
    (folder / "plan.yaml").write_text(PLAN.format(port=port))
    return folder / "plan.yaml"


def matrix(document: dict[str, Any]) -> dict[str, set[str]]:
    """Test -> controls that turned it red."""
    found: dict[str, set[str]] = {}
    for cell in document["matrix"]:
        name = cell["test_id"].rpartition("::")[2] or cell["suite"]
        found.setdefault(name, set()).update({cell["fault"]} if cell["turned_red"] else set())
    return found


def test_each_weakness_shows_in_the_matrix(audited: Audited) -> None:
    assert audited.audit.exit_code == 0, audited.audit.stderr
    document = audited.audit.json()
    assert document["controls"] == ["refused", "forbidden", "broken", "empty", "cheap"]
    assert matrix(document) == {
        "test_strong": {"refused", "broken", "empty", "forbidden", "cheap"},
        "test_ignores_the_body": {"refused", "broken", "forbidden", "cheap"},
        "test_accepts_errors": {"refused"},
        "test_swallows": set(),
        "price": {"refused", "broken", "empty", "forbidden", "cheap"},
    }


def test_what_has_an_address_of_its_own_is_unknown_and_not_accused(audited: Audited) -> None:
    suites = {suite["id"]: suite for suite in audited.audit.json()["suites"]}
    assert suites["orders"]["unmoved"] == ["orders/test_orders.py::test_has_its_own_address"]
    assert suites["fixed"]["audited"] is False
    assert "cannot be moved" in suites["fixed"]["reason"]
    assert suites["orders"]["never_red"] == ["orders/test_orders.py::test_swallows"]


def test_a_capability_is_held_until_an_audit_has_tried_its_faults(audited: Audited) -> None:
    before, after = audited.before.json(), audited.after.json()
    assert (audited.before.exit_code, before["verdict"]) == (10, "HOLD")
    assert "no audit in force has tried broken, cheap" in before["rule"]
    assert (audited.after.exit_code, after["verdict"]) == (0, "PROMOTE"), after["rule"]
    rows = {c["id"]: c["sentence"] for c in after["criteria"]}
    assert "see broken, cheap" in rows["capability/orders"]
    assert {s["id"]: s["insensitive"] for s in after["suites"]} == {"orders": 1, "fixed": 0}


def test_an_audit_is_stored_and_shown_and_is_no_run(audited: Audited) -> None:
    stack, run_id = audited.stack, audited.audit.json()["run_id"]
    cells = stack("sql", "SELECT count(*) AS n FROM sensitivity", "--json").json()
    assert cells == [{"n": len(audited.audit.json()["matrix"])}]
    runs = stack("sql", "SELECT run_id FROM runs", "--json").json()
    assert run_id not in {run["run_id"] for run in runs}
    shown = stack("show", run_id)
    assert "1 of 5 tests never turn red" in shown.stdout
    assert (stack.folder / "reports" / f"{run_id}.html").is_file()


def test_a_name_that_is_not_there_is_told_with_those_that_are(audited: Audited) -> None:
    plan = audited.before.json()["run_id"] and audited.stack.folder  # the fixture has run
    file = next(plan.parent.glob("shop*/plan.yaml"))
    for option, known in (("--suite", "orders, fixed, price"), ("--control", "refused")):
        done = audited.stack("audit", str(file), option, "nope")
        assert done.exit_code == 2
        assert "nope" in done.stderr
        assert known in done.stderr


def test_no_audit_against_a_target_that_is_down(
    prefect_api: str, new_stack: Callable[..., Stack], tmp_path: Path
) -> None:
    stack = new_stack(prefect_api)
    done = stack("audit", str(written(tmp_path, 9)), "--set", "health.deadline=1s")
    assert done.exit_code == 1
    assert "no audit without a sound target: api is down" in done.stderr

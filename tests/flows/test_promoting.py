"""A tested revision reaches users only where plan, verdict and what serves now agree."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from gate import Done, Stack
from suites.stage import QuietServer

pytestmark = pytest.mark.soak  # a run of the whole gate each


class Telling(BaseHTTPRequestHandler):
    """Tells the revision in its file; after `n_true` reads another one."""

    def do_GET(self) -> None:
        told = self.server.place.read_text()  # type: ignore[attr-defined]
        if self.path == "/version":
            self.server.n_reads += 1  # type: ignore[attr-defined]
            told = told if self.server.n_reads <= self.server.n_true else "drifted"  # type: ignore[attr-defined]
        body = json.dumps({"revision": told}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Silent."""


@contextmanager
def telling(place: Path, n_true: int = 10**9) -> Iterator[str]:
    place.write_text("v1")
    server = QuietServer(("127.0.0.1", 0), Telling)
    server.place, server.n_true, server.n_reads = place, n_true, 0  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()


def writes(name: str) -> list[str]:
    text = "import pathlib, sys; pathlib.Path(sys.argv[1]).write_text(sys.argv[2])"
    return [sys.executable, "-c", text, name, "{{revision}}"]


def plan(folder: Path, tested: str, live: str, promotion: dict[str, Any], **changes: Any) -> Path:
    path = folder / "plan.yaml"
    wanted = changes.pop("status", 200)
    ask = {
        "id": "ask",
        "kind": "http",
        "request": {"url": f"{tested}/"},
        "expect": {"status": wanted},
    }
    document = {
        "plan": "small", "environment": "here", "fence_reads": 1,
        "services": {"api": {"url": tested, "health": {"path": "/", "status": None},
                             "revision": {"json": "revision"}}},
        "health": {"interval": "10ms", "consecutive": 1, "deadline": "5s"},
        "deploy": {"deployer": "command", "command": writes("tested"),
                   "promote": changes.pop("promote", writes("live"))},
        "phases": [{"id": "one", "priority": "P1", "probes": [ask]}],
        "promotion": {"live": {"api": live}, **promotion},
    }  # fmt: skip
    path.write_text(json.dumps(document))
    return path


# case → (promotion, changes, true reads of the tested address, exit code, actions, users then get)
CASES: dict[str, tuple[dict[str, Any], dict[str, Any], int, int, list[tuple[str, str]], str]] = {
    "promoted and read back": ({"execute": True}, {}, 99, 0,
        [("promote v2", "done"), ("read back", "done")], "v2"),
    "dry run": ({}, {}, 99, 0, [("promote v2", "dry run")], "v1"),
    "held": ({"execute": True}, {"status": 418}, 99, 10, [("promote v2", "refused")], "v1"),
    "drift between test and promotion": ({"execute": True}, {}, 2, 0,
        [("promote v2", "refused")], "v1"),
    "a command that lies": ({"execute": True}, {"promote": ["true"]}, 99, 13,
        [("promote v2", "done"), ("read back", "failed")], "v1"),
    "a command that fails": ({"execute": True}, {"promote": ["false"]}, 99, 13,
        [("promote v2", "failed")], "v1"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_users_get_what_was_tested_or_what_they_had(
    case: str, new_stack: Callable[..., Stack], prefect_api: str, tmp_path: Path
) -> None:
    promotion, changes, n_true, code, actions, users_get = CASES[case]
    with telling(tmp_path / "tested", n_true) as tested, telling(tmp_path / "live") as live:
        path = plan(tmp_path, tested, live, promotion, **changes)
        done: Done = new_stack(prefect_api)("run", str(path), "--revision", "v2", "--json")
    assert done.exit_code == code, done.stderr
    acted = [(a["action"], a["outcome"]) for a in done.json()["acted"]]
    assert (acted, (tmp_path / "live").read_text()) == (actions, users_get)


def test_a_resumed_run_does_not_repeat_a_promotion_that_was_done(
    new_stack: Callable[..., Stack], prefect_api: str, tmp_path: Path
) -> None:
    text = "import sys; open('switched', 'a').write('x'); open('live', 'w').write(sys.argv[1])"
    again = {"promote": [sys.executable, "-c", text, "{{revision}}"]}
    with telling(tmp_path / "tested") as tested, telling(tmp_path / "live") as live:
        path, stack = (
            plan(tmp_path, tested, live, {"execute": True}, **again),
            new_stack(prefect_api),
        )
        first = stack("run", str(path), "--revision", "v2", "--json").json()
        resumed = stack("run", str(path), "--resume", first["run_id"], "--json")
    assert resumed.exit_code == 0, resumed.stderr
    assert resumed.json()["acted"] == first["acted"]
    assert (tmp_path / "switched").read_text() == "x"


def test_a_run_records_that_its_deployment_goes_back_and_labels_and_guard_read_it(
    new_stack: Callable[..., Stack], prefect_api: str, tmp_path: Path
) -> None:
    stack, rolls = new_stack(prefect_api), {"rollback": {"armed": True}}
    with telling(tmp_path / "tested") as tested, telling(tmp_path / "live") as live:
        path = plan(tmp_path, tested, live, {})
        for revision in ("a", "b", "a", "b"):
            assert stack("run", str(path), "--revision", revision).exit_code == 0
        document = json.loads(plan(tmp_path, tested, live, {}, status=418).read_text()) | rolls
        document["deploy"]["rollback"] = writes("tested")
        path.write_text(json.dumps(document))
        red = stack("run", str(path), "--revision", "a", "--json")
    ask = "SELECT list(is_rollback ORDER BY started_at) AS went_back FROM runs"
    assert stack("sql", ask, "--json").json() == [{"went_back": [False, False, True, False, True]}]
    asked = "SELECT revision, label, source FROM labels ORDER BY started_at"
    bad = {"label": "bad", "source": "rollback"}
    assert stack("sql", asked, "--json").json() == [{"revision": "b", **bad}] * 2
    refused = [r for r in red.json()["reasons"] if "itself a rollback" in r]
    assert (red.exit_code, len(refused)) == (10, 1), red.stdout

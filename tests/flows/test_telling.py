"""People are told of a verdict when it is news, and a verdict stands whether they hear it or not."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from gate import Done, Stack
from small_gate import asking, target, write_plan

ACTED = "SELECT action_taken, outcome, message FROM acted WHERE run_id = '{}' ORDER BY action_taken"
SECRET = "q8Zk-this-is-secret"
RECEIVERS = [
    {"to": "CHAT", "link": "https://ci.test/{{run_id}}"},
    {"to": "PAGER", "verdicts": ["ROLL_BACK"]},
    {"to": "NOBODY"},
]


class Inbox(BaseHTTPRequestHandler):
    """Takes what Apprise posts as JSON."""

    got: list[dict[str, Any]]

    def do_POST(self) -> None:
        self.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Be quiet."""


@contextmanager
def inbox() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    got: list[dict[str, Any]] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Mine", (Inbox,), {"got": got}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"json://127.0.0.1:{server.server_address[1]}/{SECRET}", got
    server.shutdown()


@pytest.mark.parametrize("again", [False, pytest.param(True, marks=pytest.mark.soak)])
def test_a_verdict_is_told_when_it_is_news_and_recorded_without_the_address(
    again: bool, new_stack: Callable[..., Stack], prefect_api: str, tmp_path: Path
) -> None:
    stack, phases = new_stack(prefect_api), {"id": "one", "priority": "P1"}
    with target() as server, inbox() as (address, got):
        env = {"CHAT": address, "PAGER": address}

        def run(code: str) -> Done:
            suites = [{"id": "s", "code": code}]
            port = server.server_address[1]
            plan = write_plan(tmp_path, port, [{**phases, "suites": suites}], notify=RECEIVERS)
            return stack("run", str(plan), "--json", **env)

        red = run(asking({"t": 0}) + "    assert 0\n")
        assert red.json()["verdict"] == "HOLD"
        if again:
            run(asking({"t": 0}) + "    assert 0\n")

    assert [post["title"] for post in got] == ["HOLD: small on here, live"], "again is no news"
    assert red.json()["rule"] in got[0]["message"]
    assert got[0]["message"].endswith(f"https://ci.test/{red.json()['run_id']}")
    rows = stack("sql", ACTED.format(red.json()["run_id"]), "--json").json()
    assert [(r["action_taken"], r["outcome"], r["message"]) for r in rows] == [
        ("tell CHAT", "done", ""),
        ("tell NOBODY", "failed", "NOBODY is not set"),
    ]
    kept = b"".join(f.read_bytes() for f in stack.folder.rglob("*") if f.is_file())
    assert SECRET.encode() not in kept
    assert SECRET not in red.stderr

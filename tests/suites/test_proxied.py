"""A runner that nobody can look into, behind the proxy: who touched the target is seen."""

from __future__ import annotations

import http.server
import sys
import threading
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path

import pytest

from data.records.facts import SuiteResult, TestResult
from data.records.orders import SuiteOrder
from data.records.plan import Suite
from tasks.suites.run import run_suite

# Tells each case when it ends, as runners do that write while they go.
RUNNER = """
import os, sys, time, urllib.request
def case(out, name, work):
    began = time.time(); work()
    took = time.time() - began
    out.write(f'<testcase classname="c" name="{name}" time="{took:.3f}"/>'); out.flush()
    time.sleep(0.8)
with open("r.xml", "w") as out:
    out.write('<testsuite name="s">')
    case(out, "asks", lambda: urllib.request.urlopen(os.environ["URL"] + "/x").read())
    case(out, "sleeps", lambda: time.sleep(0.05))
    case(out, "asks_again", lambda: urllib.request.urlopen(sys.argv[1]).read())
    out.write("</testsuite>")
"""


class Hello(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        """Be quiet."""


@pytest.fixture
def url() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hello)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()


def order(tmp_path: Path, url: str) -> SuiteOrder:
    (tmp_path / "runner.py").write_text(RUNNER)
    suite = Suite.model_validate(
        {"id": "s", "command": ["x"], "results": {"format": "junit", "path": "r.xml"}}
    )
    return SuiteOrder(
        run_id="r", phase="p", suite=suite, command=(sys.executable, "runner.py", f"{url}/y"),
        cwd=tmp_path, env={"URL": url}, targets=(), work_dir=tmp_path / "work", timeout_s=30,
        proxied={"api": url},
    )  # fmt: skip


async def test_each_test_gets_the_contact_of_its_own_time(tmp_path: Path, url: str) -> None:
    last: dict[str, TestResult] = {}
    kinds = []
    async with aclosing(run_suite(order(tmp_path, url))) as facts:
        async for fact in facts:
            kinds.append(type(fact))
            if isinstance(fact, TestResult):
                last[fact.test_id.rpartition("::")[2]] = fact
    assert kinds[-1] is SuiteResult
    names = {name.rpartition(".")[2]: test for name, test in last.items()}
    assert {name: test.witnessed for name, test in names.items()} == {
        "asks": True,
        "sleeps": False,
        "asks_again": True,
    }
    assert names["asks"].received_bytes > 0
    assert all("by time alone" in test.findings[-1] for test in names.values())

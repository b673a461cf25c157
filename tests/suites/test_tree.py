"""A runner that nobody can look into, and a target that speaks TLS: whose contact it was."""

from __future__ import annotations

import http.server
import json
import os
import shutil
import ssl
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path
from typing import NamedTuple

import pytest
import trustme

from data.records.facts import TestResult
from data.records.orders import Endpoint, SuiteOrder
from data.records.plan import Suite
from data.rules.contact_by_time import NOWHERE, WEAKER_STILL
from tasks.suites.run import run_suite

# One test a line: a name, and what it does to the target, in whatever language.
PYTHON = """
import json, os, ssl, subprocess, sys, time, urllib.request
trust = ssl.create_default_context(cafile=os.environ["CA"])
def ask(): urllib.request.urlopen(os.environ["URL"], context=trust).read()
def curl(): subprocess.run(["curl", "-s", "--cacert", os.environ["CA"], os.environ["URL"]], check=True)
def idle(): time.sleep(0.05)
tests = []
for name in os.environ["TESTS"].split():
    start = time.time()
    globals()[name.rpartition("_")[2]]()
    stop = time.time()
    tests.append({"name": name, "status": "passed", "start": start * 1000, "stop": stop * 1000,
                  "duration": (stop - start) * 1000})
    time.sleep(0.1)
with open("ctrf.json", "w") as out:
    json.dump({"results": {"tool": {"name": "t"}, "summary": {}, "tests": tests}}, out)
"""
NODE = """
const https = require("https"), fs = require("fs");
const agent = new https.Agent({ keepAlive: true, ca: fs.readFileSync(process.env.CA) });
const ask = () => new Promise((done, failed) => https.get(process.env.URL, { agent }, (answer) =>
  answer.resume().on("end", done)).on("error", failed));
const idle = () => new Promise((done) => setTimeout(done, 50));
(async () => {
  const tests = [];
  for (const name of process.env.TESTS.split(" ")) {
    const start = Date.now();
    await (name.endsWith("ask") ? ask() : idle());
    const stop = Date.now();
    tests.push({ name, status: "passed", start, stop, duration: stop - start });
    await new Promise((done) => setTimeout(done, 100));
  }
  fs.writeFileSync("ctrf.json", JSON.stringify({ results: { tool: { name: "t" }, summary: {}, tests } }));
  agent.destroy();
})();
"""


class Hello(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        time.sleep(0.02)  # a target is some way off
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        """Be quiet."""


class Place(NamedTuple):
    port: int
    authority: Path


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    file = tmp_path_factory.mktemp("tls") / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hello)
    server.daemon_threads = True
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Place(server.server_address[1], file)
    server.shutdown()


async def told(
    folder: Path,
    place: Place,
    tests: str,
    command: tuple[str, ...],
    code: str,
    host: str = "localhost",
) -> dict[str, TestResult]:
    (folder / "runner").write_text(code)
    suite = Suite.model_validate(
        {"id": "s", "command": ["x"], "results": {"format": "ctrf", "path": "ctrf.json"}}
    )
    target = Endpoint(host=host, port=place.port)
    env = {
        **os.environ,
        "URL": f"https://localhost:{place.port}/",
        "CA": str(place.authority),
        "TESTS": tests,
    }
    order = SuiteOrder(
        run_id="r", phase="p", suite=suite, command=(*command, "runner"), cwd=folder, env=env,
        targets=(target,), watched=(target,), work_dir=folder / "work", timeout_s=30,
    )  # fmt: skip
    last: dict[str, TestResult] = {}
    async with aclosing(run_suite(order)) as facts:
        async for fact in facts:
            if isinstance(fact, TestResult):
                last[fact.test_id.rpartition("::")[2]] = fact
    return last


def blind(tests: dict[str, TestResult]) -> bool:
    """On a busy machine the guard may have been late: then an idle test is unknown, not accused."""
    return any("nobody looked" in finding for one in tests.values() for finding in one.findings)


@pytest.mark.parametrize(
    ("command", "code", "names"),
    [
        ((sys.executable,), PYTHON, "a_ask b_idle c_curl d_ask"),
        (("node",), NODE, "a_ask b_idle c_ask d_ask"),
    ],
    ids=["python and curl", "node, one connection kept"],
)
async def test_contact_over_tls_is_the_tests_own_and_an_idle_test_has_none(
    command: tuple[str, ...], code: str, names: str, tmp_path: Path, place: Place
) -> None:
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    tests = await told(tmp_path, place, names, command, code)
    busy = [name for name in names.split() if not name.endswith("idle")]
    assert {name: tests[name].witnessed for name in busy} == dict.fromkeys(busy, True)
    assert all(tests[name].received_bytes > 0 for name in busy)
    assert all(tests[name].findings[-1] == WEAKER_STILL for name in busy)
    assert tests["b_idle"].witnessed is (None if blind(tests) else False)


async def test_a_suite_that_was_never_seen_with_a_target_is_unknown_and_not_accused(
    tmp_path: Path, place: Place
) -> None:
    tests = await told(tmp_path, place, "a_idle b_idle", (sys.executable,), PYTHON)
    assert [one.witnessed for one in tests.values()] == [None, None]
    assert all(one.findings[-1] == NOWHERE for one in tests.values())


async def test_an_address_that_may_be_a_target_accuses_nobody_and_credits_nobody(
    tmp_path: Path, place: Place
) -> None:
    tests = await told(tmp_path, place, "a_ask b_idle", (sys.executable,), PYTHON, host="192.0.2.1")
    assert [one.witnessed for one in tests.values()] == [None, None]
    log = (tmp_path / "work" / "contacts-1.jsonl").read_text().splitlines()
    assert any("which may be a target" in json.loads(line).get("doubt", "") for line in log)


async def test_a_neighbours_contact_is_nobodys(tmp_path: Path, place: Place) -> None:
    enough = threading.Event()

    def neighbour() -> None:
        import urllib.request

        trust = ssl.create_default_context(cafile=str(place.authority))
        while not enough.is_set():
            urllib.request.urlopen(f"https://localhost:{place.port}/", context=trust).read()

    thread = threading.Thread(target=neighbour)
    thread.start()
    try:
        tests = await told(tmp_path, place, "a_ask b_idle", (sys.executable,), PYTHON)
    finally:
        enough.set()
        thread.join()
    assert tests["a_ask"].witnessed
    assert not tests["b_idle"].witnessed

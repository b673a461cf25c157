"""The local deployer with real processes: nothing is routed to before it listens, nothing is left."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from gate import alive, free_ports, processes_with, stop_supervisor, wait_for

from data.errors import UsageError
from data.records.plan import Plan
from data.records.words import Outcome
from tasks.deploy.deployer import DeployOrder
from tasks.deploy.local import LocalDeployer

SERVICE = """
import http.server, os, sys, time
NAME, REVISION = sys.argv[1], os.environ["REVISION"]
if REVISION == "crash" and NAME == "back":
    print("starting up", flush=True)
    sys.exit("FATAL: the schema is older than the code")
if REVISION == "deaf":
    time.sleep(600)

class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        told = [NAME, REVISION, os.environ.get("PREVIOUS_REVISION", ""), os.environ["KEY"]]
        body = " ".join(told).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Answer).serve_forever()
"""


class Site:
    """Two services, front and back, in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.state = folder, folder / "state"
        self.ports = dict(zip(("front", "back"), free_ports(2), strict=True))
        (folder / "service.py").write_text(SERVICE)

    def deployer(self, revision: str | None, **deploy: Any) -> LocalDeployer:
        plan = Plan.model_validate(
            {
                "plan": "site",
                "environment": "test",
                "services": {n: {"url": f"http://127.0.0.1:{p}"} for n, p in self.ports.items()},
                "deploy": {
                    "deployer": "local",
                    "state": str(self.state),
                    "start_timeout": "5s",
                    "generate": ["KEY"],
                    "processes": {
                        n: {"command": [sys.executable, "service.py", n]} for n in self.ports
                    },
                    **deploy,
                },
                "phases": [{"id": "p", "priority": "P1"}],
            }
        )
        env = {"PATH": os.environ["PATH"]}
        order = DeployOrder(
            run_id="r", plan=plan, revision=revision, root=self.folder, env=env, variables={}
        )
        return LocalDeployer(order, plan.deploy)  # type: ignore[arg-type]

    def ask(self, service: str = "back") -> list[str]:
        """[service, revision, previous revision, secret] as the public address answers."""
        return self.read(f"http://127.0.0.1:{self.ports[service]}")

    @staticmethod
    def read(url: str) -> list[str]:
        return httpx.get(url, trust_env=False, timeout=5).text.split(" ")

    @property
    def supervisor(self) -> int:
        return int(json.loads((self.state / "supervisor.json").read_text())["pid"])

    def processes(self) -> list[int]:
        """Every living process of the site: the supervisor and its services."""
        return processes_with(str(self.state))


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    site = Site(tmp_path)
    try:
        yield site
    finally:
        stop_supervisor(site.state)
        left = site.processes()
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        assert left == [], "processes were left behind"


async def test_a_deployed_revision_serves_on_the_public_addresses(site: Site) -> None:
    result = await site.deployer("one").deploy()
    assert (result.outcome, result.revision, result.previous) == (Outcome.PASS, "one", None)
    assert result.revisions == {"front": "one", "back": "one"}
    assert [site.ask(name)[:3] for name in ("front", "back")] == [
        ["front", "one", ""],
        ["back", "one", ""],
    ]


async def test_a_second_deploy_takes_over_and_keeps_the_first(site: Site) -> None:
    await site.deployer("one").deploy()
    secret = site.ask()[3]
    result = await site.deployer("two").deploy()
    assert result.previous == "one"
    assert site.ask() == ["back", "two", "one", secret]
    kept = await site.deployer("two").retained("one")
    assert set(kept) == {"front", "back"}
    assert site.read(kept["back"])[:2] == ["back", "one"]
    assert site.ask()[1] == "two", "looking at what is kept routes nothing to it"


async def test_rolling_back_sends_all_traffic_to_the_earlier_revision(site: Site) -> None:
    for revision in ("one", "two"):
        await site.deployer(revision).deploy()
    rolled = await site.deployer("two").roll_back("one")
    assert rolled.done
    assert {site.ask(name)[1] for name in ("front", "back")} == {"one"}


async def test_a_kept_connection_is_cut_when_the_route_changes(site: Site) -> None:
    await site.deployer("one").deploy()
    async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
        url = f"http://127.0.0.1:{site.ports['back']}"
        assert (await client.get(url)).text.split(" ")[1] == "one"
        with socket.create_connection(("127.0.0.1", site.ports["back"])) as idle:
            await site.deployer("two").deploy()
            idle.settimeout(5)
            assert idle.recv(1) == b""
        assert (await client.get(url)).text.split(" ")[1] == "two"


async def test_nothing_was_ever_deployed_under_an_unknown_name(site: Site) -> None:
    await site.deployer("one").deploy()
    rolled = await site.deployer("one").roll_back("never")
    assert (rolled.done, rolled.message) == (False, "revision never was never deployed here")
    assert await site.deployer("one").retained("never") == {}
    assert site.ask()[1] == "one"


async def test_a_revision_that_crashes_at_start_fails_with_its_last_words_and_changes_nothing(
    site: Site,
) -> None:
    await site.deployer("one").deploy()
    result = await site.deployer("crash").deploy()
    assert result.outcome is Outcome.FAIL
    assert result.message == (
        "back ended with exit code 1 at start: FATAL: the schema is older than the code"
    )
    assert "starting up" in result.log_tail
    assert result.previous == "one"
    assert site.ask()[1] == "one"
    assert len(site.processes()) == 3, "the crashed revision's other service was stopped"


async def test_a_revision_that_never_listens_fails_at_the_deadline(site: Site) -> None:
    began = time.monotonic()
    result = await site.deployer("deaf", start_timeout="1s").deploy()
    assert result.outcome is Outcome.FAIL
    assert "did not listen on its port within 1 s" in result.message
    assert time.monotonic() - began < 6


async def test_a_command_that_is_not_there_fails_by_name(site: Site) -> None:
    processes = {n: {"command": ["no-such-program-here"]} for n in site.ports}
    result = await site.deployer("one", processes=processes).deploy()
    assert result.outcome is Outcome.FAIL
    assert "no-such-program-here could not be started" in result.message


async def test_a_port_in_use_is_a_usage_error_and_no_other_port_is_held(site: Site) -> None:
    with socket.create_server(("127.0.0.1", site.ports["back"])):
        with pytest.raises(UsageError, match=f"port {site.ports['back']} of service back"):
            await site.deployer("one").prepare()
        wait_for(lambda: not site.processes(), 3, "the supervisor that holds nothing to end")
        with socket.create_server(("127.0.0.1", site.ports["front"])):
            pass  # nobody listens there any more


async def test_a_revision_must_be_named(site: Site) -> None:
    with pytest.raises(UsageError, match="no revision to deploy"):
        await site.deployer(None).prepare()
    assert site.processes() == []


async def test_after_its_ttl_without_use_everything_stops(site: Site) -> None:
    await site.deployer("one", ttl="1s").deploy()
    assert len(site.processes()) == 3
    wait_for(lambda: not site.processes(), 8, "the stack to stop by itself")
    assert not (site.state / "supervisor.json").exists()


async def test_a_deploy_that_takes_longer_than_the_ttl_is_not_stopped(site: Site) -> None:
    result = await site.deployer("deaf", ttl="1s", start_timeout="3s").deploy()
    assert "did not listen on its port within 3 s" in result.message


async def test_stop_ends_everything_and_twice_is_as_good_as_once(site: Site) -> None:
    deployer = site.deployer("one")
    await deployer.deploy()
    await deployer.stop()
    wait_for(lambda: not site.processes(), 8, "everything to stop")
    await deployer.stop()
    assert site.processes() == []


async def test_a_supervisor_that_is_killed_takes_its_services_along(site: Site) -> None:
    await site.deployer("one").deploy()
    pid = site.supervisor
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not alive(pid) and not site.processes(), 3, "the services to be gone")
    again = await site.deployer("two").deploy()  # what the dead one left behind is no obstacle
    assert (again.outcome, site.ask()[1]) == (Outcome.PASS, "two")


async def test_who_does_not_know_the_token_can_do_nothing(site: Site) -> None:
    await site.deployer("one").deploy()
    port = json.loads((site.state / "supervisor.json").read_text())["port"]
    with socket.create_connection(("127.0.0.1", port), timeout=5) as control:
        control.sendall(json.dumps({"token": "guess", "do": "stop"}).encode() + b"\n")
        assert json.loads(control.makefile().readline()) == {"ok": False, "message": "wrong token"}
    assert site.ask()[1] == "one"
    assert (site.state / "supervisor.json").stat().st_mode & 0o077 == 0
    assert (site.state / "secrets.json").stat().st_mode & 0o077 == 0

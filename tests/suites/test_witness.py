"""Laws of the witness: a test touched the target, or it did not."""

from __future__ import annotations

import ast
import importlib
import re
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from data.records.orders import Endpoint
from tasks.suites.launch import WITNESS_DIR
from tests.suites.stage import Told, order_for, run, running_target

SUITE = """
import asyncio, os, socket, subprocess, sys, threading, urllib.request
import httpx, pytest, websockets
from unittest import TestCase
from websockets.sync.client import connect

URL, NAME_URL, WS_URL, OTHER_URL = (os.environ[n] for n in ("URL", "NAME_URL", "WS_URL", "OTHER_URL"))
HOST, PORT = "127.0.0.1", int(URL.rpartition(":")[2])

async def fetch():
    return 1

@pytest.fixture(scope="module")
def client():
    with httpx.Client(base_url=URL) as client:
        yield client

@pytest.fixture(scope="module")
def warmed():
    urllib.request.urlopen(URL).read()

@pytest.fixture(scope="module")
def ws():
    with connect(WS_URL, ping_interval=None) as ws:
        yield ws

def test_honest_urllib(): assert urllib.request.urlopen(URL).read() == b"ok"
def test_honest_other_name(): assert urllib.request.urlopen(NAME_URL).status == 200
def test_honest_httpx(): assert httpx.get(URL).status_code == 200

async def test_honest_httpx_async():
    async with httpx.AsyncClient() as client:
        assert (await client.get(URL)).text == "ok"

async def test_honest_asyncio():
    reader, writer = await asyncio.open_connection(HOST, PORT)
    writer.close()

async def test_honest_websockets():
    async with websockets.connect(WS_URL) as ws:
        await ws.send("a")
        assert await ws.recv() == "a"

def test_honest_websockets_sync():
    with connect(WS_URL) as ws:
        ws.send("a")
        assert ws.recv() == "a"

def test_honest_keep_alive_first(client): assert client.get("/").text == "ok"
def test_honest_keep_alive_again(client): assert client.get("/").text == "ok"
def test_honest_keep_alive_closed_in_test(client): assert client.get("/close").text == "ok"
def test_honest_socket_opened_in_its_set_up(ws): pass

def test_honest_open_socket_used(ws):
    ws.send("a")
    assert ws.recv() == "a"

def test_honest_in_a_thread():
    thread = threading.Thread(target=httpx.get, args=(URL,))
    thread.start()
    thread.join()

def test_honest_never_closed():
    sock = socket.socket()
    sock.connect((HOST, PORT))
    sock.sendall(b"GET / HTTP/1.1\\r\\n\\r\\n")
    assert sock.recv(9)

def test_honest_module_fixture_first(warmed): pass

class TestHonest(TestCase):
    def test_honest_method(self): assert urllib.request.urlopen(URL).status == 200

def test_vacuous_constant(): assert 85 < 100
def test_vacuous_module_fixture_again(warmed): pass
def test_vacuous_open_socket_not_used(ws): assert ws
def test_vacuous_unawaited(): fetch()
def test_vacuous_unawaited_beside_contact(): urllib.request.urlopen(URL); fetch()

@pytest.mark.filterwarnings("ignore")
def test_vacuous_unawaited_and_filtered(): urllib.request.urlopen(URL); fetch()

class TestVacuous(TestCase):
    async def test_vacuous_async_method(self): assert httpx.get(URL).text == "no"

def test_vacuous_mock_on_another_port(): assert urllib.request.urlopen(OTHER_URL).status == 200

def test_vacuous_refused_and_swallowed():
    sock = socket.socket()
    try: sock.connect((HOST, 1))
    except OSError: pass

def test_vacuous_child_process():
    subprocess.run([sys.executable, "-S", "-c", ""])

def test_vacuous_not_tcp():
    a, b = socket.socketpair()
    a.send(b"x")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.connect((HOST, PORT))
        udp.send(b"x")
"""
NAMES = re.findall(r"def (test_\w+)", SUITE)
HONEST = [name for name in NAMES if "honest" in name]
VACUOUS = [name for name in NAMES if "vacuous" in name]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    with running_target() as target:
        order = order_for(tmp_path_factory.mktemp("witness"), SUITE, target=target)
        refusing = Endpoint(host="localhost", port=1)
        return run(order.model_copy(update={"targets": (*order.targets, refusing)}))


@pytest.mark.parametrize("name", HONEST)
def test_contact_is_witnessed(told: Told, name: str) -> None:
    result = next(result for key, result in told.tests.items() if key.endswith(name))
    assert (result.outcome, result.witnessed) == ("PASS", True), result
    assert result.sent_bytes + result.received_bytes + result.n_connections > 0


@pytest.mark.parametrize("name", VACUOUS)
def test_a_pass_without_contact_is_not_witnessed(told: Told, name: str) -> None:
    result = next(result for key, result in told.tests.items() if key.endswith(name))
    assert (result.outcome, result.witnessed) == ("PASS", False), result


@pytest.mark.parametrize("name", [name for name in VACUOUS if "unawaited" in name])
def test_an_unawaited_coroutine_is_named(told: Told, name: str) -> None:
    assert any("coroutine 'fetch' was never awaited" in f for f in told.tests[name].findings)


def test_an_async_method_that_never_ran_is_named(told: Told) -> None:
    result = told.tests["TestVacuous::test_vacuous_async_method"]
    assert any("never awaited" in finding for finding in result.findings)


def test_a_child_that_does_nothing_is_no_contact_and_no_finding(told: Told) -> None:
    child = told.tests["test_vacuous_child_process"]
    assert (child.witnessed, child.findings) == (False, ())


def test_keep_alive_moves_bytes_without_a_connection(told: Told) -> None:
    again = told.tests["test_honest_keep_alive_again"]
    assert again.n_connections == 0
    assert again.sent_bytes > 50
    assert again.received_bytes > 20


def test_the_suite_itself_is_untouched(told: Told) -> None:
    assert told.suite.exit_code == 0, told.suite.output_tail
    assert told.suite.broken == ""
    assert "goldenpath" not in told.suite.output_tail
    assert "Exception ignored" not in told.suite.output_tail


def test_looking_three_times_costs_less_than_a_millisecond(monkeypatch: pytest.MonkeyPatch) -> None:
    """The dear part of a test's overhead; the whole was measured as 0.15 to 0.3 ms."""
    monkeypatch.syspath_prepend(str(WITNESS_DIR))
    contact = importlib.import_module("goldenpath_contact")
    with running_target() as target:
        ledger = contact.Ledger(contact.Targets(f"localhost:{target.http}"))
        sockets = [socket.create_connection(("127.0.0.1", target.http)) for _ in range(10)]
        times_s = [_timed(ledger.scan) for _ in range(200)]
        for sock in sockets:
            sock.close()
    assert len(ledger.counters) == 10
    assert 3 * min(times_s) < 0.001, "the quickest of 200: neighbours of this process are no part"


def _timed(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


@pytest.mark.parametrize("path", sorted(WITNESS_DIR.glob("*.py")), ids=lambda path: path.name)
def test_the_plugin_is_python_3_8(path: Path) -> None:
    ast.parse(path.read_text(), feature_version=(3, 8))

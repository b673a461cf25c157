"""Honest suites of every client are witnessed, test by test, and none is called vacuous."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from concurrent import futures
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
import trustme

from data.records.orders import Endpoint
from data.rules.look.looking import is_static
from tests.suites.stage import Answers, QuietServer, order_for, run, running_target

# Each client is made once and used by two tests, so that the second moves bytes on a connection that
# is open already; the third test uses nothing and must not be credited with what the others did.
TWICE = """
@pytest.mark.parametrize("n", [1, 2])
def test_asks(client, n):
    {ask}
def test_idles(client):
    assert client is not None
"""
SYNC = {
    "httpx": ("httpx.Client(trust_env=False)", 'assert client.get(os.environ["URL"]).text == "ok"'),
    "requests": ("requests.Session()", 'assert client.get(os.environ["URL"]).text == "ok"'),
    "urllib3": ("urllib3.PoolManager()", 'assert client.request("GET", os.environ["URL"]).data == b"ok"'),
    "http.client": (
        'http.client.HTTPConnection(os.environ["URL"][7:])',
        'client.request("GET", "/"); assert client.getresponse().read() == b"ok"',
    ),
    "websockets.sync.client": (
        'websockets.sync.client.connect(os.environ["WS_URL"])',
        'client.send("hi"); assert client.recv() == "hi"',
    ),
    "websocket": (
        'websocket.create_connection(os.environ["WS_URL"])',
        'client.send("hi"); assert client.recv() == "hi"',
    ),
    "grpc": (
        'grpc.insecure_channel(os.environ["GRPC"])',
        'assert client.unary_unary("/s/Echo")(b"hi", timeout=5) == b"hi"',
    ),
    "httpx over IPv6": ("httpx.Client(trust_env=False)", 'assert client.get(os.environ["URL6"]).text == "ok"'),
    "httpx over TLS": (
        'httpx.Client(trust_env=False, verify=ssl.create_default_context(cafile=os.environ["CA"]))',
        'assert client.get(os.environ["TLS_URL"]).text == "ok"',
    ),
    "a name with several addresses": (
        "httpx.Client(trust_env=False)",
        'assert client.get(os.environ["NAME_URL"]).text == "ok"',
    ),
    "a thread": (
        "futures.ThreadPoolExecutor(1)",
        'assert client.submit(urllib.request.urlopen, os.environ["URL"]).result().read() == b"ok"',
    ),
}  # fmt: skip
IMPORTS = """
import os, ssl, http.client, urllib.request, pytest
from concurrent import futures
"""
ASYNC = """
import os, pytest, {module}
async def ask():
    {ask}
@pytest.mark.parametrize("n", [1, 2])
{def_} test_asks(n):
    {call}
def test_idles():
    assert True
"""
AWAITED = {
    "httpx": ("httpx", 'async with httpx.AsyncClient(trust_env=False) as c: assert (await c.get(os.environ["URL"])).text == "ok"'),
    "aiohttp": ("aiohttp", 'async with aiohttp.ClientSession() as c, c.get(os.environ["URL"]) as r: assert await r.text() == "ok"'),
    "websockets": (
        "websockets.asyncio.client",
        'async with websockets.asyncio.client.connect(os.environ["WS_URL"]) as c: await c.send("x"); assert await c.recv() == "x"',
    ),
}  # fmt: skip
SEEN = {"test_asks[1]": True, "test_asks[2]": True, "test_idles": False}


@dataclass(frozen=True)
class Servers:
    """What the suites talk to."""

    env: dict[str, str]
    endpoints: tuple[Endpoint, ...]


class Six(QuietServer):
    address_family = socket.AF_INET6


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with ExitStack() as stack:
        target = stack.enter_context(running_target())
        six = stack.enter_context(_serving(Six(("::1", 0), Answers)))
        tls, ca = _tls(tmp_path_factory.mktemp("tls"))
        over_tls = stack.enter_context(_serving(tls))
        rpc = stack.enter_context(_grpc())
        env = {
            **target.env, "URL6": f"http://[::1]:{six}", "GRPC": f"127.0.0.1:{rpc}",
            "TLS_URL": f"https://localhost:{over_tls}", "CA": str(ca),
        }  # fmt: skip
        here = [("127.0.0.1", p) for p in (target.http, target.ws, rpc)]
        places = [*here, ("::1", six), ("localhost", over_tls)]
        yield Servers(env, tuple(Endpoint(host=h, port=p) for h, p in places))


@contextmanager
def _serving(server: QuietServer) -> Iterator[int]:
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()


def _tls(folder: Path) -> tuple[QuietServer, Path]:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    server = QuietServer(("127.0.0.1", 0), Answers)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    return server, folder / "ca.pem"


@contextmanager
def _grpc() -> Iterator[int]:
    server = grpc.server(futures.ThreadPoolExecutor(2))
    echo = grpc.unary_unary_rpc_method_handler(lambda request, _: request)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("s", {"Echo": echo}),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield port
    server.stop(0)


def contact(servers: Servers, folder: Path, code: str, *options: str) -> dict[str, bool | None]:
    """Test -> whether it touched the target. Each of them passes."""
    command = ("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", *options)
    told = run(order_for(folder, code, command=command, env=servers.env, targets=servers.endpoints))
    assert set(told.outcomes.values()) == {"PASS"}, [t.message for t in told.tests.values()]
    assert not any(is_static(f) for t in told.tests.values() if t.witnessed for f in t.findings)
    return {name: test.witnessed for name, test in told.tests.items()}


@pytest.mark.parametrize("name", SYNC)
def test_a_client_that_stays_open_is_seen_in_each_test(
    name: str, servers: Servers, tmp_path: Path
) -> None:
    made, ask = SYNC[name]
    module = made.partition("(")[0].rpartition(".")[0].replace("futures", "concurrent.futures")
    fixture = f"@pytest.fixture(scope='session')\ndef client():\n    return {made}\n"
    code = f"{IMPORTS}import {module}\n{fixture}{TWICE.format(ask=ask)}"
    assert contact(servers, tmp_path, code) == SEEN


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
@pytest.mark.parametrize("name", AWAITED)
def test_an_async_client_is_seen_in_each_test(
    name: str, loop: str, servers: Servers, tmp_path: Path
) -> None:
    module, ask = AWAITED[name]
    runs = f"import {loop}; {loop}.run(ask())"
    code = ASYNC.format(module=module, ask=ask, def_="def", call=runs)
    assert contact(servers, tmp_path, code) == SEEN


def test_an_async_test_is_seen(servers: Servers, tmp_path: Path) -> None:
    module, ask = AWAITED["httpx"]
    code = ASYNC.format(module=module, ask=ask, def_="async def", call="await ask()")
    assert contact(servers, tmp_path, code) == SEEN


def test_workers_of_xdist_are_seen(servers: Servers, tmp_path: Path) -> None:
    code = IMPORTS + "@pytest.fixture\ndef client(): return 1\n" + TWICE.format(
        ask='assert urllib.request.urlopen(os.environ["URL"]).read() == b"ok"'
    )  # fmt: skip
    assert contact(servers, tmp_path / "one", code, "-n", "1") == SEEN
    two = contact(servers, tmp_path / "two", code, "-n", "2")
    idle = two.pop("test_idles")
    assert all(two.values()), two
    assert not idle, "beside a worker that asks it may be unknown, never credited"

"""Suites that turn against what watches them: clocks, limits, signals, streams, interpreters, hooks."""

from __future__ import annotations

from tests.suites.liars import SEEN, VACUOUS, Liar

LOGS = """
import pytest
@pytest.hookimpl(tryfirst=True)
def pytest_runtest_logreport(report):
    report.outcome, report.longrepr = "passed", None
"""
REPLACES = """
def pytest_collection_modifyitems(items):
    for item in items:
        item.obj = lambda: None
"""
FORGETS = """
import sys
def pytest_collection_finish():
    sys.modules["goldenpath_witness"].SESSION = None
"""
OWN_PROXY = """
import http.server, threading, urllib.request
class Proxy(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = urllib.request.build_opener(urllib.request.ProxyHandler({})).open(self.path).read()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
threading.Thread(target=server.serve_forever, daemon=True).start()
through = urllib.request.build_opener(
    urllib.request.ProxyHandler({"http": "http://127.0.0.1:%d" % server.server_address[1]}))
def test_a():
    assert through.open(URL).read() == b"ok"
def test_b():
    assert through is not None
"""
OTHER_ADDRESS = """
import http.server, threading
class Mock(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header("Content-Length", "2"); self.end_headers()
        self.wfile.write(b"ok")
    def log_message(self, *_): pass
def test_a():
    port = int(URL.rpartition(":")[2])
    server = http.server.HTTPServer(("127.0.0.2", port), Mock)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    assert ask("http://127.0.0.2:%d" % port) == b"ok"
"""
AT_IMPORT = """
import http.client
line = http.client.HTTPConnection(URL[7:]); line.connect()
spare = http.client.HTTPConnection(URL[7:]); spare.connect()
def test_a():
    line.request("GET", "/"); assert line.getresponse().read() == b"ok"
def test_b():
    spare.close()
def test_c():
    assert line.sock is not None
"""

POLLS = """
import threading
def poll():
    while True:
        ask(); time.sleep(0.01)
def test_a():
    threading.Thread(target=poll, daemon=True).start(); time.sleep(0.1)
def test_b():
    time.sleep(0.1)
"""
PICKS = """
import pytest
@pytest.hookimpl(tryfirst=True, hookwrapper=True)
def pytest_runtest_call(item):
    result = yield
    result.force_result(None)
"""
SWALLOWS = """
import pytest
@pytest.hookimpl(hookwrapper=True)
def pytest_pyfunc_call(pyfuncitem):
    result = yield
    result.force_result(True)
"""
GREEN_CLASS = """
import unittest
class TestIt(unittest.TestCase):
    def run(self, result=None):
        result.startTest(self); result.addSuccess(self); result.stopTest(self)
    def test_a(self):
        ask(); assert 0
"""
SUBTESTS = """
import unittest
class TestIt(unittest.TestCase):
    def test_a(self):
        ask()
        for n in range(2):
            with self.subTest(n=n):
                self.assertEqual(n, 0)
"""
GENERATOR = """
def test_a():
    ask()
    assert (False for _ in [1])
def test_b():
    ask()
    assert lambda: False
"""

_EVERY: dict[str, Liar] = {
    "stops every clock": Liar(
        "def test_a():\n    ask(); time.time = time.monotonic = time.perf_counter = lambda: 0.0\n"
        "def test_b():\n    assert time.time() == 0\ndef test_c():\n    time.sleep(60)",
        {"test_a": SEEN, "test_b": VACUOUS, "test_c": "FAIL"},
    ),
    "turns sleep off": Liar(
        "def test_a():\n    time.sleep = lambda s: None; time.sleep(60)\ndef test_b():\n    ask()",
        {"test_a": VACUOUS, "test_b": SEEN},
    ),
    "ignores the alarm and hangs": Liar(
        "import signal\ndef test_a():\n    signal.signal(signal.SIGALRM, signal.SIG_IGN)\n    time.sleep(60)",
        {"test_a": "FAIL"},
    ),
    "blocks the alarm and hangs": Liar(
        "import signal\ndef test_a():\n    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])\n    time.sleep(60)",
        {"test_a": "FAIL"},
    ),
    "leaves no descriptors": Liar(
        "import resource\ndef test_a():\n    ask(); resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))\n"
        "def test_b():\n    assert sys\n",
        {"test_a": "PASS", "test_b": "NOT_RUN"},
        "the witness failed: OSError",
    ),
    "forbids to write files": Liar(
        "import resource\ndef test_a():\n    ask()\n"
        "def test_b():\n    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\ndef test_c():\n    ask()",
        {"test_a": SEEN, "test_b": "NOT_RUN", "test_c": "NOT_RUN"},
    ),
    "removes the witness's stream": Liar(
        "os.remove(os.environ['GOLDENPATH_STREAM'])\ndef test_a():\n    ask()",
        {},
        broken="before it collected any test",
    ),
    "becomes another program": Liar(
        "def test_a():\n    ask()\ndef test_b():\n    os.execv('/bin/true', ['true'])",
        {"test_a": SEEN, "test_b": "NOT_RUN"},
    ),
    "a plugin rewrites reports as they are logged": Liar(
        "def test_a():\n    ask(); assert 0\ndef test_b():\n    ask()",
        {"test_a": "FAIL", "test_b": SEEN},
        "reported as passed although it raised",
        files={"conftest.py": LOGS},
    ),
    "conftest replaces the tests": Liar(
        "def test_a():\n    ask(); assert 0\ndef test_b():\n    ask()",
        {"test_a": VACUOUS, "test_b": VACUOUS},
        files={"conftest.py": REPLACES},
    ),
    "conftest makes the witness forget": Liar(
        "def test_a():\n    assert 0\ndef test_b():\n    ask()",
        {"test_a": "NOT_RUN", "test_b": "NOT_RUN"},
        files={"conftest.py": FORGETS},
    ),
    "runs another pytest inside": Liar(
        "def test_a():\n    pytest.main(['-q', '-p', 'no:cacheprovider', 'inner.py'])\ndef test_b():\n    ask()",
        {"test_a": VACUOUS, "test_b": SEEN},
        files={"inner.py": "def test_inner():\n    assert 0\n"},
    ),
    "no parameters": Liar(
        "@pytest.mark.parametrize('n', [])\ndef test_a(n):\n    ask()", {"test_a[NOTSET]": "SKIPPED"}
    ),
    "asserts switched off": Liar(
        "def test_a():\n    ask(); assert not URL",
        {"test_a": "PASS"},
        "python -O",
        options=("--assert=plain",),
        env={"PYTHONOPTIMIZE": "1"},
    ),
    "a HEAD and a literal": Liar(
        "import http.client\ndef test_a():\n    line = http.client.HTTPConnection(URL[7:])\n"
        "    line.request('HEAD', '/health'); line.getresponse().read()\n    status = 200\n    assert status == 200",
        {"test_a": SEEN},
        "asserts literals",
    ),
    "a mock on the target's port at another address": Liar(OTHER_ADDRESS, {"test_a": VACUOUS}),
    "closes a connection of import time, and does no more": Liar(
        AT_IMPORT, {"test_a": SEEN, "test_b": VACUOUS, "test_c": VACUOUS}
    ),
    "honest, through a proxy of its own": Liar(OWN_PROXY, {"test_a": SEEN, "test_b": VACUOUS}),
    "a wrapper forgives every call": Liar(
        "def test_a():\n    ask(); assert 0\ndef test_b():\n    ask()",
        {"test_a": "PASS", "test_b": SEEN},
        "a hook kept from pytest that it raised: AssertionError",
        files={"conftest.py": PICKS},
    ),
    "a wrapper forgives every function": Liar(
        "def test_a():\n    ask(); assert 0\ndef test_b():\n    ask()",
        {"test_a": "PASS", "test_b": SEEN},
        "a hook kept from pytest that it raised: AssertionError",
        files={"conftest.py": SWALLOWS},
    ),
    "a unittest that adds its own success": Liar(GREEN_CLASS, {"TestIt::test_a": VACUOUS}),
    "a subtest fails": Liar(SUBTESTS, {"TestIt::test_a": "FAIL"}),
    "asserts things that are always true": Liar(
        GENERATOR, {"test_a": SEEN, "test_b": SEEN}, "a generator is always true"
    ),
    "an exit handler hangs": Liar(
        "import atexit\natexit.register(time.sleep, 60)\ndef test_a():\n    ask()",
        {"test_a": SEEN},
    ),
    # Whose thread it is, nobody sees: a client of the session may work in one, too. An audit does.
    "a thread of an earlier test goes on": Liar(POLLS, {"test_a": SEEN, "test_b": SEEN}),
    "stubs the name lookup": Liar(
        "import socket\ndef test_a():\n    port = int(ELSEWHERE.rpartition(':')[2])\n"
        "    socket.getaddrinfo = lambda *_, **__: [(2, 1, 6, '', ('127.0.0.1', port))]\n"
        "    assert ask() == b'ok'",
        {"test_a": VACUOUS},
    ),
    "stubs connect": Liar(
        "import socket\ndef test_a():\n    port = int(ELSEWHERE.rpartition(':')[2])\n"
        "    real = socket.socket.connect\n"
        "    socket.socket.connect = lambda self, _: real(self, ('127.0.0.1', port))\n"
        "    assert ask() == b'ok'",
        {"test_a": VACUOUS},
    ),
    "connects and says nothing": Liar(
        "import socket\ndef test_a():\n    port = int(URL.rpartition(':')[2])\n"
        "    with socket.create_connection(('127.0.0.1', port)): pass\n    assert port",
        {"test_a": SEEN},
    ),
}  # fmt: skip

# What each stands for has no sibling among the others; the rest is for the soak.
_DEFAULT = (
    "leaves no descriptors",
    "runs another pytest inside",
    "asserts switched off",
    "a mock on the target's port at another address",
    "a wrapper forgives every call",
    "asserts things that are always true",
)
LIARS_ATTACK = {name: _EVERY[name] for name in _DEFAULT}
LIARS_SOAK = {name: liar for name, liar in _EVERY.items() if name not in _DEFAULT}

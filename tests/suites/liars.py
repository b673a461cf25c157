"""Little suites, each with one way to lie or to break, and what the gate must make of it.

A suite is one test file (`test_it.py`) and perhaps others. `target.py` is beside it: `ask()` fetches a
page of the real target, `URL` is its address, `ELSEWHERE` the one of a mock. Expected is one word a
test: the outcome, and for a pass its grade.
"""

from __future__ import annotations

from dataclasses import dataclass, field

TARGET = """
import os, urllib.request
URL, ELSEWHERE = os.environ["TARGET"], os.environ["MOCK"]
def ask(url=URL):
    return urllib.request.urlopen(url, timeout=5).read()
"""


@dataclass(frozen=True)
class Liar:
    """One suite and what must be said of it.

    Attributes:
        tests: name of the test -> expected word; every test of the suite, no more.
        finding: part of a finding that some test must carry; "" for none.
        broken: part of the suite's own fault; "" when the suite itself is in order.
        options: for pytest.
        env: more of the environment.
    """

    code: str
    tests: dict[str, str]
    finding: str = ""
    broken: str = ""
    options: tuple[str, ...] = ()
    files: dict[str, str] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)


VACUOUS, SEEN = "PASS VACUOUS", "PASS WITNESSED"
HEAD = "from target import ask, URL, ELSEWHERE\nimport os, sys, time, pytest\n"

LIARS: dict[str, Liar] = {
    # --- greens that prove nothing
    "constant assert": Liar(
        "def test_a():\n    assert 1 == 1", {"test_a": VACUOUS}, "test_it.py:4: cannot fail"
    ),
    "constant assert beside contact of its module": Liar(
        "@pytest.fixture(autouse=True)\ndef page():\n    return ask()\n"
        "def test_a():\n    assert 200 in (200, 401)",
        {"test_a": VACUOUS},
        "test_it.py:7: cannot fail",
    ),
    "constant assert beside a fixture that may fail": Liar(
        "@pytest.fixture\ndef page():\n    return ask()\ndef test_a(page):\n    assert True",
        {"test_a": SEEN},
        "test_it.py:7: cannot fail",
    ),
    "published numbers beside real contact": Liar(
        "def test_a():\n    ask()\n    latency_ms = 85\n    assert latency_ms < 100",
        {"test_a": SEEN},
        "test_it.py:6: asserts literals",
    ),
    "swallows whatever goes wrong": Liar(
        "def test_a():\n    try:\n        assert ask() == b'no'\n    except Exception as e:\n"
        "        print(e)",
        {"test_a": SEEN},
        "test_it.py:6: swallows failures",
    ),
    "suppresses whatever goes wrong": Liar(
        "import contextlib\ndef test_a():\n    with contextlib.suppress(AssertionError):\n"
        "        assert ask() == b'no'",
        {"test_a": SEEN},
        "test_it.py:5: swallows failures",
    ),
    "takes refusals for successes": Liar(
        "import urllib.request\n@pytest.mark.parametrize('path', ['/', '/a[b]::c'])\n"
        "def test_a(path):\n    r = urllib.request.urlopen(URL + path)\n"
        "    assert r.status in (200, 401, 403, 500)",
        {"test_a[/]": SEEN, "test_a[/a[b]::c]": SEEN},
        "test_it.py:7: accepts failures: a status of 200, 401, 403, 500 passes",
    ),
    "asserts a tuple": Liar(
        "def test_a():\n    assert (ask() == b'no', 'not ok')",
        {"test_a": SEEN},
        "test_it.py:4: assert of a tuple",
    ),
    "compares and does not assert": Liar(
        "import urllib.request\ndef test_a():\n    urllib.request.urlopen(URL).status == 500",
        {"test_a": SEEN},
        "test_it.py:5: comparison without assert",
    ),
    "asserts a coroutine": Liar(
        "async def check():\n    return False\ndef test_a():\n    ask()\n    assert check()",
        {"test_a": VACUOUS},
        "test_it.py:7: un-awaited call",
    ),
    "a lie from another file": Liar(
        "from other import *",
        {"test_a": VACUOUS},
        "other.py:3: cannot fail",
        files={"other.py": "\ndef test_a():\n    assert 1"},
    ),
    "published numbers are literals": Liar(
        "def test_a():\n    latency_ms = 85\n    assert latency_ms < 100", {"test_a": VACUOUS}
    ),
    "empty body": Liar("def test_a():\n    pass", {"test_a": VACUOUS}),
    "returns instead of asserting": Liar(
        "def test_a():\n    return ask() == b'nonsense'", {"test_a": SEEN}, "returned a value"
    ),
    "un-awaited coroutine": Liar(
        "import asyncio\nasync def check():\n    ask(); assert False\ndef test_a():\n    check()",
        {"test_a": VACUOUS},
        "un-awaited coroutine",
    ),
    "un-awaited beside real contact": Liar(
        "async def check():\n    assert False\ndef test_a():\n    ask(); check()",
        {"test_a": VACUOUS},
        "un-awaited coroutine",
    ),
    "unittest with async methods": Liar(
        "import unittest\nclass TestIt(unittest.TestCase):\n    async def test_a(self):\n"
        "        ask(); assert False",
        {"TestIt::test_a": VACUOUS},
        "never awaited",
    ),
    "talks to a mock on another port": Liar(
        "def test_a():\n    assert ask(ELSEWHERE) == b'ok'", {"test_a": VACUOUS}
    ),
    "reads a recorded answer": Liar(
        "def test_a():\n    assert open(__file__).read()", {"test_a": VACUOUS}
    ),
    "fake transport": Liar(
        "import httpx\ndef test_a():\n"
        "    client = httpx.Client(transport=httpx.MockTransport(lambda r: httpx.Response(200)))\n"
        "    assert client.get(URL).status_code == 200",
        {"test_a": VACUOUS},
    ),
    "patched urlopen": Liar(
        "import urllib.request\ndef test_a(monkeypatch):\n"
        "    monkeypatch.setattr(urllib.request, 'urlopen', lambda *a, **k: open(__file__, 'rb'))\n"
        "    assert ask()",
        {"test_a": VACUOUS},
    ),
    "patched socket": Liar(
        "import socket\nclass Fake:\n    def connect(self, address): return None\n"
        "def test_a(monkeypatch):\n    monkeypatch.setattr(socket, 'socket', Fake)\n"
        "    socket.socket().connect(('127.0.0.1', int(URL.rpartition(':')[2])))",
        {"test_a": VACUOUS},
    ),
    "connection refused and swallowed": Liar(
        "import socket\ndef test_a():\n    s = socket.socket(); s.bind(('127.0.0.1', 0))\n"
        "    try: socket.create_connection(s.getsockname(), 1)\n    except OSError: pass",
        {"test_a": VACUOUS},
    ),
    "datagrams only": Liar(
        "import socket\ndef test_a():\n    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        "    s.sendto(b'x', ('127.0.0.1', int(URL.rpartition(':')[2])))",
        {"test_a": VACUOUS},
    ),
    "contact in tear-down only": Liar(
        "@pytest.fixture\ndef late():\n    yield\n    ask()\ndef test_a(late):\n    assert True",
        {"test_a": VACUOUS},
    ),
    "contact of another test's set-up": Liar(
        "@pytest.fixture(scope='module')\ndef page():\n    return ask()\n"
        "def test_a(page):\n    assert page\ndef test_b(page):\n    assert page",
        {"test_a": SEEN, "test_b": VACUOUS},
    ),
    "looks the name up and never connects": Liar(
        "import socket\ndef test_a():\n    assert socket.getaddrinfo('localhost', 80)",
        {"test_a": VACUOUS},
    ),
    "contact made at import": Liar(
        "PAGE = ask()\ndef test_a():\n    assert PAGE", {"test_a": VACUOUS}
    ),
    # --- it skips, or is not there
    "module-level skip": Liar(
        "pytest.skip('not today', allow_module_level=True)\ndef test_a(): pass",
        {},
    ),
    "skips at run time": Liar("def test_a():\n    pytest.skip('no')", {"test_a": "SKIPPED"}),
    "skipif always": Liar(
        "@pytest.mark.skipif(True, reason='never')\ndef test_a(): assert False",
        {"test_a": "SKIPPED"},
    ),
    "collects nothing": Liar("def helper(): pass", {}),
    "everything deselected": Liar("def test_a():\n    ask()", {}, options=("-k", "nothing")),
    "stops at the first failure": Liar(
        "def test_a():\n    assert ask() == b'no'\ndef test_b():\n    ask()",
        {"test_a": "FAIL", "test_b": "NOT_RUN"},
        options=("-x",),
    ),
    "stops after two failures": Liar(
        "def test_a():\n    assert 0\ndef test_b():\n    assert 0\ndef test_c():\n    ask()",
        {"test_a": "FAIL", "test_b": "FAIL", "test_c": "NOT_RUN"},
        options=("--maxfail=2",),
    ),
    "expected to fail": Liar(
        "@pytest.mark.xfail(reason='known')\ndef test_a():\n    assert ask() == b'no'",
        {"test_a": "SKIPPED"},
    ),
    "expected to fail and passes": Liar(
        "@pytest.mark.xfail(reason='known')\ndef test_a():\n    ask()", {"test_a": SEEN}, "xpass"
    ),
    "strictly expected to fail and passes": Liar(
        "@pytest.mark.xfail(strict=True)\ndef test_a():\n    ask()", {"test_a": "FAIL"}
    ),
    # --- the suite itself is broken
    "fixture raises": Liar(
        "@pytest.fixture\ndef bad():\n    raise OSError('x')\ndef test_a(bad): pass",
        {"test_a": "ERROR"},
    ),
    "fixture is not there": Liar("def test_a(nobody): pass", {"test_a": "ERROR"}),
    "tear-down raises": Liar(
        "@pytest.fixture\ndef bad():\n    yield\n    raise OSError('x')\ndef test_a(bad):\n    ask()",
        {"test_a": "ERROR"},
    ),
    "import error": Liar(
        "import not_there_at_all\ndef test_a(): pass", {}, broken="not_there_at_all"
    ),
    "syntax error": Liar("def test_a(:\n    pass", {}, broken="SyntaxError"),
    "exits at import": Liar("sys.exit(0)\ndef test_a(): pass", {}, broken=" "),
    "conftest is broken": Liar(
        "def test_a(): pass", {}, broken=" ", files={"conftest.py": "raise RuntimeError('no')"}
    ),
    "two tests of one id": Liar(
        "@pytest.mark.parametrize('x', [1, 1], ids=['same', 'same'])\ndef test_a(x):\n    ask()",
        {"test_a[same0]": SEEN, "test_a[same1]": SEEN},
    ),
    # --- the process goes wrong
    "hangs in set-up": Liar(
        "@pytest.fixture\ndef slow():\n    time.sleep(60)\ndef test_a(slow): pass\n"
        "def test_b():\n    ask()",
        {"test_a": "ERROR", "test_b": SEEN},
    ),
    "hangs in the call": Liar(
        "def test_a():\n    time.sleep(60)\ndef test_b():\n    ask()",
        {"test_a": "FAIL", "test_b": SEEN},
    ),
    "swallows its time-out once": Liar(
        "def test_a():\n    try: time.sleep(60)\n    except Exception: pass\ndef test_b():\n    ask()",
        {"test_a": "FAIL", "test_b": SEEN},
    ),
    "kills its own process": Liar(
        "def test_a():\n    ask()\ndef test_b():\n    os.kill(os.getpid(), 9)\ndef test_c(): pass",
        {"test_a": SEEN, "test_b": "NOT_RUN", "test_c": "NOT_RUN"},
    ),
    "crashes": Liar(
        "import ctypes\ndef test_a():\n    ask()\ndef test_b():\n    ctypes.string_at(0)",
        {"test_a": SEEN, "test_b": "NOT_RUN"},
    ),
    "leaves by os._exit(0)": Liar(
        "def test_a():\n    ask()\ndef test_b():\n    os._exit(0)\ndef test_c(): pass",
        {"test_a": SEEN, "test_b": "NOT_RUN", "test_c": "NOT_RUN"},
    ),
    "exits the runner as a success": Liar(
        "def test_a():\n    ask()\ndef test_b():\n    pytest.exit('done', returncode=0)\n"
        "def test_c(): pass",
        {"test_a": SEEN, "test_b": "ERROR", "test_c": "NOT_RUN"},
    ),
    "leaves a child behind": Liar(
        "import subprocess\ndef test_a():\n    ask()\n    subprocess.Popen(['sleep', '300'])",
        {"test_a": SEEN},
    ),
    "forks and the child goes on": Liar(
        "def test_a():\n    ask()\n    if os.fork() == 0:\n        time.sleep(300)\n"
        "def test_b():\n    ask()",
        {"test_a": SEEN, "test_b": SEEN},
    ),
    "prints a hundred megabytes": Liar(
        "def test_a(capfd):\n    with capfd.disabled():\n"
        "        for _ in range(100): os.write(1, b'x' * 1_000_000)\n    ask()",
        {"test_a": SEEN},
    ),
    "closes stdout and stderr": Liar(
        "def test_a():\n    ask(); os.close(1); os.close(2)\ndef test_b():\n    ask()",
        {"test_a": "ERROR", "test_b": "NOT_RUN"},
        options=("-s",),
    ),
    "moves to another folder": Liar(
        "def test_a():\n    os.chdir('/'); ask()\ndef test_b():\n    ask()",
        {"test_a": SEEN, "test_b": SEEN},
    ),
    "clears its environment": Liar(
        "def test_a():\n    os.environ.clear(); ask(URL)\ndef test_b():\n    assert 1",
        {"test_a": SEEN, "test_b": VACUOUS},
    ),
    "writes a lying result file": Liar(
        "def test_a():\n    open('junit.xml', 'w').write('<testsuite tests=\"9\"/>')\n    assert 0",
        {"test_a": "FAIL"},
    ),
    "prints what a runner prints": Liar(
        "def test_a():\n    print('25 passed in 0.01s'); assert 0", {"test_a": "FAIL"}
    ),
    # --- honest, and never to be accused
    "honest": Liar("def test_a():\n    assert ask() == b'ok'", {"test_a": SEEN}),
    "honest failure": Liar("def test_a():\n    assert ask() == b'no'", {"test_a": "FAIL"}),
    "honest, in a thread": Liar(
        "import threading\ndef test_a():\n    t = threading.Thread(target=ask); t.start(); t.join()",
        {"test_a": SEEN},
    ),
    "honest, one client for the session": Liar(
        "import http.client\n@pytest.fixture(scope='session')\ndef client():\n"
        "    return http.client.HTTPConnection(URL[7:])\n"
        "@pytest.mark.parametrize('n', [1, 2, 3])\ndef test_a(client, n):\n"
        "    client.request('GET', '/'); assert client.getresponse().read() == b'ok'",
        {"test_a[1]": SEEN, "test_a[2]": SEEN, "test_a[3]": SEEN},
    ),
}

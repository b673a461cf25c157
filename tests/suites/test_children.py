"""What the processes of a test do is the test's doing: seen, told as theirs, lent to nobody."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from data.records.facts import TestResult
from tests.suites.stage import Target, order_for, run, running_target

HEAD = """
import multiprocessing, os, subprocess, sys, time
import pytest
URL, OTHER = os.environ["URL"], os.environ["OTHER_URL"]
PYTHON = "import sys, urllib.request; urllib.request.urlopen(sys.argv[1]).read()"
def fetch(url=URL):
    import urllib.request
    assert urllib.request.urlopen(url).read() == b"ok"
"""
ASKING = {
    "curl": 'subprocess.run(["curl", "-s", "-f", URL], check=True)',
    "curl through a shell": 'assert os.system("curl -s -f " + URL) == 0',
    "a Python child": "subprocess.run([sys.executable, '-c', PYTHON, URL], check=True)",
    "a grandchild": """subprocess.run(["sh", "-c", "sh -c 'curl -s -f %s'; true" % URL], check=True)""",
    "a session of its own": """
    one = subprocess.Popen([sys.executable, "-c", PYTHON, URL], start_new_session=True)
    assert one.wait() == 0""",
    "node": """
    code = "fetch(process.argv[1]).then(r => r.text()).then(t => { if (t !== 'ok') process.exit(1) })"
    subprocess.run(["node", "-e", code, URL], check=True)""",
    "os.fork": """
    pid = os.fork()
    if pid == 0:
        fetch(); os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0""",
    "a pool that forks": """
    with multiprocessing.get_context("fork").Pool(2) as pool:
        pool.map(fetch, [URL] * 2)""",
    "a child that outlives the test": """
    code = "import sys, time, urllib.request as u; u.urlopen(sys.argv[1]).read(); open(sys.argv[2], 'w').close(); time.sleep(30)"
    subprocess.Popen([sys.executable, "-c", code, URL, "done"])
    while not os.path.exists("done"):
        time.sleep(0.01)""",
}  # fmt: skip
UVLOOP = """
    import asyncio, uvloop
    async def work():
        one = await asyncio.create_subprocess_exec({args})
        assert await one.wait() == 0
    uvloop.run(work())"""
ASKING["curl under uvloop"] = UVLOOP.format(args='"curl", "-s", "-f", URL')
IDLE = {
    "a child under uvloop that does nothing": UVLOOP.format(args='"true"'),
    "a child that does nothing": 'subprocess.run(["true"], check=True)',
    "a child that asks somebody else": "subprocess.run([sys.executable, '-c', PYTHON, OTHER], check=True)",
    "a fork that does nothing": """
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)""",
}


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    with running_target() as one:
        yield one


def told(target: Target, folder: Path, body: str, more: str = "") -> dict[str, TestResult]:
    code = f"{HEAD}\ndef test_a():\n    {body.strip()}\n{more}"
    found = run(order_for(folder, code, target=target))
    assert set(found.outcomes.values()) == {"PASS"}, [t.message for t in found.tests.values()]
    return found.tests


@pytest.mark.parametrize("name", ASKING)
def test_what_a_child_does_is_the_tests_doing(name: str, target: Target, tmp_path: Path) -> None:
    if name.split()[0] in ("curl", "node") and not shutil.which(name.split()[0]):
        pytest.skip(f"{name.split()[0]} is not on this machine")
    for attempt in range(4):  # a busy machine may miss what lives for half a millisecond
        test = told(target, tmp_path / str(attempt), ASKING[name])["test_a"]
        assert test.witnessed is not False, test.findings
        if test.witnessed:
            break
    assert test.witnessed is True, test.findings
    assert test.n_connections >= 1
    assert test.findings == ("the contact is that of a process which the test started",)


@pytest.mark.parametrize("name", IDLE)
def test_a_child_that_does_not_touch_the_target_lends_nothing(
    name: str, target: Target, tmp_path: Path
) -> None:
    test = told(target, tmp_path, IDLE[name])["test_a"]
    assert (test.witnessed, test.findings) == (False, ())


SILENT = """
    import ctypes
    libc = ctypes.CDLL(None)
    {call}"""
LIVES = """
def test_b(): pass
def test_end():
    with open("/proc/self/task/%d/children" % os.getpid()) as file:
        os.kill(int(file.read()), 9)
"""


def test_a_child_that_nothing_tells_of_is_no_ground_to_accuse(
    target: Target, tmp_path: Path
) -> None:
    """C code that forks by itself is noticed when the kernel counts its child, too late to look."""
    asks = SILENT.format(call='assert libc.system(("curl -s -f " + URL).encode()) == 0')
    tests = told(target, tmp_path / "ended", asks, "\ndef test_b(): pass\n")
    assert tests["test_a"].witnessed is None
    assert tests["test_a"].findings == ("started a process: contact that it made is not seen",)
    assert tests["test_b"].witnessed is False
    lives = SILENT.format(call="if libc.fork() == 0:\n        time.sleep(9); os._exit(0)")
    tests = told(target, tmp_path / "lives", lives, LIVES)
    assert {name: test.witnessed for name, test in tests.items()} == {
        "test_a": None,
        "test_b": False,  # from here on the guard watches it
        "test_end": False,
    }


@contextmanager
def _a_stranger(url: str) -> Iterator[None]:
    """Another process of this machine that talks to the target all the time."""
    code = "import sys, urllib.request as u\nwhile True: u.urlopen(sys.argv[1] + '/close').read()"
    process = subprocess.Popen([sys.executable, "-c", code, url])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def test_a_neighbour_lends_nothing_and_leaves_a_doubt(target: Target, tmp_path: Path) -> None:
    """Its sockets come and go, and nobody can tell whose those were that nobody holds any more."""
    with _a_stranger(target.env["URL"]):
        tests = told(target, tmp_path, 'subprocess.run(["sleep", "0.3"], check=True)')
    assert tests["test_a"].witnessed is None
    assert "nobody was seen to hold" in tests["test_a"].findings[0]


def test_a_child_of_the_session_works_for_the_test_in_which_it_moves_bytes(
    target: Target, tmp_path: Path
) -> None:
    """It keeps one connection open; a test that does not use it has touched nothing."""
    more = '''
CHILD = """
import http.client, os, sys
line = http.client.HTTPConnection(os.environ["URL"][7:])
for _ in sys.stdin:
    line.request("GET", "/"); print(line.getresponse().read(), flush=True)
"""
@pytest.fixture(scope="module")
def child():
    one = subprocess.Popen([sys.executable, "-u", "-c", CHILD], stdin=-1, stdout=-1, text=True)
    yield one
    one.kill()
def ask(child):
    child.stdin.write("go\\\\n"); child.stdin.flush()
    assert "ok" in child.stdout.readline()
def test_first(child):
    ask(child)
def test_second(child):
    ask(child)
def test_idle(child):
    assert child.poll() is None
'''.replace("\\\\n", "\\n")
    tests = told(target, tmp_path, "fetch()", more)
    found = {name: test.witnessed for name, test in tests.items()}
    assert found == {"test_a": True, "test_first": True, "test_second": True, "test_idle": False}


def test_nothing_is_added_to_the_suites_own_process(target: Target, tmp_path: Path) -> None:
    body = """
    import threading, warnings
    warnings.simplefilter("error")
    subprocess.run(["true"], check=True)
    assert threading.active_count() == 1
    with pytest.raises(ChildProcessError):
        os.wait()"""
    told(target, tmp_path, body)
    assert threading.active_count() >= 1

"""More little suites: those that reach into pytest, the witness or the process to look better."""

from __future__ import annotations

from tests.suites.liars import SEEN, Liar

FORCED = """
import pytest
@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    report.outcome, report.longrepr = "passed", None
"""
SKIPPED = """
import pytest
@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.failed:
        report.outcome, report.longrepr = "skipped", ("conftest.py", 1, "Skipped: not today")
"""
RERUNS = """
from _pytest.runner import runtestprotocol
def pytest_runtest_protocol(item, nextitem):
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for again in (True, False):
        reports = runtestprotocol(item, nextitem=nextitem, log=False)
        failed = any(report.failed for report in reports)
        for report in reports:
            if again and report.failed:
                report.outcome = "rerun"
            item.ihook.pytest_runtest_logreport(report=report)
        if not failed:
            break
    return True
"""
DESELECTS = """
def pytest_collection_modifyitems(config, items):
    gone = [item for item in items if item.name == "test_b"]
    items[:] = [item for item in items if item.name != "test_b"]
    config.hook.pytest_deselected(items=gone)
"""
EXITS_ZERO = """
def pytest_sessionfinish(session):
    session.exitstatus = 0
"""

LIARS_INSIDE: dict[str, Liar] = {
    "conftest turns failures into passes": Liar(
        "def test_a():\n    ask(); assert 0\ndef test_b():\n    ask()",
        {"test_a": "FAIL", "test_b": SEEN},
        "reported as passed although it raised",
        files={"conftest.py": FORCED},
    ),
    "conftest turns failures into skips": Liar(
        "def test_a():\n    ask(); assert 0\ndef test_b():\n    ask()",
        {"test_a": "ERROR", "test_b": SEEN},
        "reported as skipped although it raised",
        files={"conftest.py": SKIPPED},
    ),
    "a hook swallows the call": Liar(
        "def test_a():\n    ask(); assert 0\ndef test_b():\n    ask()",
        {"test_a": "PASS VACUOUS", "test_b": "PASS VACUOUS"},
        files={"conftest.py": "def pytest_pyfunc_call(pyfuncitem):\n    return True\n"},
    ),
    "a worker of xdist crashes": Liar(
        "def test_a():\n    ask()\ndef test_b():\n    os.kill(os.getpid(), 9)\n",
        {"test_a": SEEN, "test_b": "ERROR"},
        options=("-p", "xdist.plugin", "-n", "1", "--max-worker-restart", "0"),
    ),
    "conftest reruns until it passes": Liar(
        "TRIES = []\ndef test_a():\n    ask(); TRIES.append(1); assert len(TRIES) > 1",
        {"test_a": "FLAKY WITNESSED"},
        files={"conftest.py": RERUNS},
    ),
    "conftest deselects what fails": Liar(
        "def test_a():\n    ask()\ndef test_b():\n    assert 0",
        {"test_a": SEEN},
        files={"conftest.py": DESELECTS},
    ),
    "conftest forces exit code 0": Liar(
        "def test_a():\n    ask(); assert 0", {"test_a": "FAIL"}, files={"conftest.py": EXITS_ZERO}
    ),
    "sys.exit(0) in a session fixture": Liar(
        "@pytest.fixture(scope='session')\ndef gone():\n    sys.exit(0)\n"
        "def test_a(gone):\n    ask()\ndef test_b():\n    ask()",
        {"test_a": "ERROR", "test_b": SEEN},
    ),
    "closes every descriptor": Liar(
        "def test_a():\n    ask()\ndef test_b():\n    os.closerange(3, 256)\n"
        "def test_c():\n    ask()",
        {"test_a": SEEN, "test_b": "NOT_RUN", "test_c": "NOT_RUN"},
    ),
    "writes into the witness's spool": Liar(
        "import json\ndef test_a():\n    with open(os.environ['GOLDENPATH_STREAM'], 'a') as f:\n"
        "        f.write(json.dumps({'event': 'test', 'id': 'test_it.py::test_a',"
        " 'outcome': 'PASS', 'witnessed': True}) + '\\n')\n    assert 0",
        {"test_a": "FAIL"},
    ),
    "switches the witness off by addopts": Liar(
        "def test_a():\n    ask()",
        {"test_a": SEEN},
        files={"pytest.ini": "[pytest]\naddopts = -p no:goldenpath_witness\n"},
    ),
    "switches the witness off on the command line": Liar(
        "def test_a():\n    ask()",
        {},
        broken="before it collected any test",
        options=("-p", "no:goldenpath_witness"),
    ),
    "a child holds stdout": Liar(
        "import subprocess\ndef test_a():\n    ask()\n"
        "    subprocess.Popen(['sleep', '300'], start_new_session=True)",
        {"test_a": SEEN},
        options=("-s",),
    ),
}

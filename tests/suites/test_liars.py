"""Every way to lie or to break has its word, and honest suites are never accused."""

from __future__ import annotations

import asyncio
import http.server
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, aclosing, contextmanager
from pathlib import Path

import pytest
from gate import PLAIN

from data.records.facts import SuiteResult, TestResult
from data.records.orders import Endpoint, SuiteOrder
from data.records.plan import Suite
from data.rules.outcomes import final_outcomes
from tasks.suites.run import run_suite
from tests.suites.liars import HEAD, TARGET, Liar
from tests.suites.liars import LIARS as PLAIN_LIARS
from tests.suites.liars_attack import LIARS_ATTACK, LIARS_SOAK
from tests.suites.liars_inside import LIARS_INSIDE

AT_ONCE = 4
PYTEST = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
LIARS = PLAIN_LIARS | LIARS_INSIDE | LIARS_ATTACK


class Answer(http.server.BaseHTTPRequestHandler):
    """Says ok and keeps the connection."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        """Be quiet."""


class Quiet(http.server.ThreadingHTTPServer):
    """Clients of this corpus die in the middle of a request."""

    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Expected."""


@contextmanager
def serving() -> Iterator[int]:
    server = Quiet(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


class Told:
    """What the gate was told of one suite."""

    def __init__(self) -> None:
        self.tests: list[TestResult] = []
        self.suite: SuiteResult | None = None

    @property
    def words(self) -> dict[str, str]:
        """Test -> outcome, and for a pass its grade."""
        finals = final_outcomes(self.tests)
        return {
            name.partition("::")[2]: f"{final.outcome} {final.grade}"
            if final.grade
            else final.outcome
            for (_, _, name), final in finals.items()
            if final.last.stage != "collect"
        }

    @property
    def findings(self) -> str:
        return "; ".join(finding for test in self.tests for finding in test.findings)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Told]:
    """All suites of the corpus, some at a time."""
    with ExitStack() as stack:
        target, mock = (stack.enter_context(serving()) for _ in range(2))
        home = tmp_path_factory.mktemp("liars")
        return asyncio.run(_all(home, target, mock, LIARS))


async def _all(home: Path, target: int, mock: int, liars: Mapping[str, Liar]) -> Mapping[str, Told]:
    places, found = asyncio.Semaphore(AT_ONCE), dict[str, Told]()

    async def one(ordinal: int, name: str, liar: Liar) -> None:
        async with places:
            found[name] = await _run(home / str(ordinal), liar, target, mock)

    async with asyncio.TaskGroup() as group:
        for ordinal, (name, liar) in enumerate(liars.items()):
            group.create_task(one(ordinal, name, liar))
    return found


async def _run(folder: Path, liar: Liar, target: int, mock: int) -> Told:
    _write(folder, liar)
    told = Told()
    async with aclosing(run_suite(_order(folder, liar, target, mock))) as facts:  # type: ignore[type-var]
        async for fact in facts:
            if isinstance(fact, TestResult):
                told.tests.append(fact)
            elif isinstance(fact, SuiteResult):
                told.suite = fact
    return told


def _write(folder: Path, liar: Liar) -> None:
    folder.mkdir()
    files = {"test_it.py": f"{HEAD}{liar.code}\n", "target.py": TARGET, **liar.files}
    for name, text in files.items():
        (folder / name).write_text(text)


def _order(folder: Path, liar: Liar, target: int, mock: int) -> SuiteOrder:
    env = {
        "PATH": "/usr/bin:/bin",
        "TARGET": f"http://127.0.0.1:{target}",
        "MOCK": f"http://127.0.0.1:{mock}",
        **PLAIN,
        **liar.env,
    }
    return SuiteOrder(
        run_id="r", phase="p", suite=Suite(id="s", command=("pytest",)), cwd=folder, env=env,
        command=(*PYTEST, *liar.options, "test_it.py"),
        targets=(Endpoint(host="127.0.0.1", port=target),), work_dir=folder / "work",
        timeout_s=20, test_timeout_s=2,
    )  # fmt: skip


def judge(liar: Liar, found: Told) -> None:
    assert found.suite is not None
    assert found.words == liar.tests
    assert liar.finding in found.findings
    assert bool(liar.broken) == bool(found.suite.broken), found.suite.broken
    assert liar.broken in f" {found.suite.broken}"


@pytest.mark.parametrize("name", LIARS)
def test_each_way_to_lie_has_its_word(name: str, told: Mapping[str, Told]) -> None:
    judge(LIARS[name], told[name])


@pytest.mark.soak
def test_each_attack_on_what_watches_has_its_word(tmp_path: Path) -> None:
    with ExitStack() as stack:
        target, mock = (stack.enter_context(serving()) for _ in range(2))
        told = asyncio.run(_all(tmp_path, target, mock, LIARS_SOAK))
    for name, liar in LIARS_SOAK.items():
        print(name)
        judge(liar, told[name])
        assert not name.startswith("honest") or told[name].findings == ""


@pytest.mark.parametrize("name", [name for name in LIARS if name.startswith("honest")])
def test_what_is_honest_has_no_finding(name: str, told: Mapping[str, Told]) -> None:
    assert told[name].findings == ""


def test_the_corpus_is_not_small() -> None:
    assert len(LIARS) >= 40

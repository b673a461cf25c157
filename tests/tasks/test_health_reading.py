"""Health and revisions read from a real server: bodies are believed, status codes are not."""

from __future__ import annotations

import http.server
import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from gate import free_ports

from data.records.facts import HealthReading, RevisionReading
from data.records.plan import HealthGate, Service
from data.records.words import HealthState
from tasks.health import check_health, read_revisions

Answer = tuple[int, Any, dict[str, str]]
GOOD: Answer = (200, {"status": "healthy"}, {})


class QuietServer(http.server.ThreadingHTTPServer):
    """A client that hangs up is no news; a thread that told it at exit would abort the runner."""

    def handle_error(self, *_: object) -> None:
        """Be quiet."""


class Server:
    """A service whose n-th answer (0, 1, …) to each path is scripted."""

    def __init__(self) -> None:
        self.script: Callable[[int], Answer] = lambda n: GOOD
        self.asked: list[str] = []
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                owner.answer(self)

            def log_message(self, *_: object) -> None:
                """Be quiet."""

        self.http = QuietServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        self.clients: set[Any] = set()
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()

    def answer(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        n = self.asked.count(handler.path)
        self.asked.append(handler.path)
        self.clients.add(handler.client_address)
        status, content, headers = self.script(n)
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.http.shutdown()
    server.http.server_close()


async def health(url: str, patient: bool = True, health: Any = None, **gate: Any) -> HealthReading:
    service = Service.model_validate({"url": url, **({"health": health} if health else {})})
    wanted = {"deadline": "2s", "interval": "20ms", "consecutive": 2, **gate}
    found = [
        reading
        async for reading in check_health(
            "r", "gate", {"it": service}, HealthGate.model_validate(wanted), patient
        )
    ]
    assert len(found) == 1
    return found[0]


async def test_health_is_believed_after_so_many_good_answers_in_a_row(server: Server) -> None:
    reading = await health(server.url, consecutive=4)
    assert (reading.state, reading.n_reads, len(server.asked)) == (HealthState.HEALTHY, 4, 4)
    assert reading.ready_after_s is not None


async def test_one_bad_answer_begins_the_count_anew(server: Server) -> None:
    bad: Answer = (503, {"status": "starting"}, {})
    server.script = lambda n: bad if n in (0, 1, 3) else GOOD
    reading = await health(server.url, consecutive=2)
    assert (reading.state, reading.n_reads) == (
        HealthState.HEALTHY,
        6,
    )  # bad bad good bad good good


async def test_a_flapping_service_is_unknown_although_its_last_answer_was_good(
    server: Server,
) -> None:
    server.script = lambda n: GOOD if n % 2 else (503, {"status": "down"}, {})
    reading = await health(server.url, deadline="400ms", consecutive=2)
    assert reading.state in (HealthState.UNKNOWN, HealthState.DOWN), reading
    assert reading.ready_after_s is None
    assert reading.n_reads > 4


async def test_the_deadline_ends_the_waiting(server: Server) -> None:
    server.script = lambda n: (503, {"status": "starting"}, {})
    began = time.monotonic()
    reading = await health(server.url, deadline="300ms")
    assert 0.2 < time.monotonic() - began < 20
    assert reading.state is not HealthState.HEALTHY
    assert reading.ready_after_s is None
    assert f"after {reading.n_reads} reads" in reading.message


async def test_the_impatient_look_once(server: Server) -> None:
    server.script = lambda n: (503, {"status": "starting"}, {})
    reading = await health(server.url, patient=False)
    assert (reading.n_reads, len(server.asked)) == (1, 1)
    assert reading.state is not HealthState.HEALTHY


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (GOOD, HealthState.HEALTHY),
        ((200, {"status": "degraded"}, {}), HealthState.DEGRADED),
        ((200, {"status": "unhealthy"}, {}), HealthState.DOWN),
        ((200, {"status": "on fire"}, {}), HealthState.DOWN),
        ((200, {}, {}), HealthState.UNKNOWN),
        ((200, b"", {}), HealthState.UNKNOWN),
        ((200, b"<html>healthy</html>", {}), HealthState.UNKNOWN),
        ((503, {"status": "healthy"}, {}), HealthState.DOWN),
        ((302, b"", {"Location": "/login"}), HealthState.DOWN),
    ],
    ids=str,
)
async def test_the_body_says_how_a_service_is(
    answer: Answer, state: HealthState, server: Server
) -> None:
    server.script = lambda n: answer
    reading = await health(server.url, patient=False)
    assert reading.state is state, reading.message
    assert reading.status_code == answer[0]
    assert str(answer[0]) in reading.message


async def test_nobody_listening_is_down_and_no_exception() -> None:
    reading = await health(f"http://127.0.0.1:{free_ports(1)[0]}", patient=False)
    assert (reading.state, reading.status_code) == (HealthState.DOWN, None)
    assert "/health" in reading.message


async def test_an_answer_that_never_comes_is_down_at_the_checks_own_time_out(
    server: Server,
) -> None:
    server.script = lambda n: time.sleep(1) or GOOD  # type: ignore[func-returns-value]
    check = {"path": "/health", "timeout": "200ms"}
    reading = await health(server.url, patient=False, health=check)
    assert reading.state is HealthState.DOWN
    assert "ReadTimeout" in reading.message


async def test_the_worst_of_several_checks_counts(server: Server) -> None:
    server.script = lambda n: GOOD
    paths = [{"path": "/health"}, {"path": "/deep", "status": "checks.db"}]
    reading = await health(server.url, patient=False, health=paths)
    assert reading.state is HealthState.UNKNOWN  # /deep does not say what it was asked for
    assert sorted(server.asked) == ["/deep", "/health"]


async def test_each_read_is_a_fresh_connection(server: Server) -> None:
    await health(server.url, consecutive=3)
    assert len(server.clients) == 3


# --- revisions


async def revision(
    url: str, source: dict[str, str], expected: str = "v2", n_reads: int = 4
) -> RevisionReading:
    service = Service.model_validate({"url": url, "revision": source})
    read = read_revisions("r", "start", {"it": service}, {"it": expected}, n_reads)
    found = [reading async for reading in read]
    assert len(found) == 1
    return found[0]


BODY = {"path": "/version", "json": "build.revision"}


def told(name: str) -> Answer:
    return (200, {"build": {"revision": name}}, {"X-Revision": name})


async def test_one_revision_that_answers_is_read_so_many_times(server: Server) -> None:
    server.script = lambda n: told("v2")
    reading = await revision(server.url, BODY)
    assert (reading.seen, reading.n_reads, reading.error) == (("v2",), 4, "")
    assert len(server.clients) == 4, "a kept connection would go on talking to the old revision"


async def test_two_revisions_that_answer_in_turn_are_both_seen(server: Server) -> None:
    server.script = lambda n: told("v2" if n % 3 else "v1")
    assert (await revision(server.url, BODY)).seen == ("v1", "v2")


async def test_a_revision_can_be_a_header(server: Server) -> None:
    server.script = lambda n: (204, b"", {"X-Revision": "v7"})
    assert (await revision(server.url, {"header": "x-revision"})).seen == ("v7",)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((200, {}, {}), "build.revision"),
        ((200, {"build": {"revision": None}}, {}), "build.revision"),
        ((200, {"build": {"revision": ""}}, {}), "build.revision"),
        ((200, ["v2"], {}), "build.revision"),
        ((200, b"v2", {}), "JSONDecodeError"),
        ((500, {"build": {"revision": "v2"}}, {}), "500"),
    ],
    ids=str,
)
async def test_a_revision_that_cannot_be_read_is_said_and_not_guessed(
    answer: Answer, said: str, server: Server
) -> None:
    server.script = lambda n: answer
    reading = await revision(server.url, BODY)
    assert reading.seen == ()
    assert said in reading.error
    assert len(server.asked) == 1, "a service that cannot say is not asked again"


async def test_a_revision_that_stops_being_readable_is_not_the_one_seen_before(
    server: Server,
) -> None:
    server.script = lambda n: told("v2") if n < 2 else (503, {}, {})
    reading = await revision(server.url, BODY)
    assert (reading.seen, reading.n_reads) == ((), 2)
    assert "503" in reading.error


async def test_a_missing_header_and_a_dead_service_are_errors_of_the_reading(
    server: Server,
) -> None:
    assert "x-revision" in (await revision(server.url, {"header": "x-revision"})).error
    dead = await revision(f"http://127.0.0.1:{free_ports(1)[0]}", BODY)
    assert "ConnectError" in dead.error


async def test_a_service_without_a_revision_is_not_read(server: Server) -> None:
    services = {"it": Service(url=server.url)}
    assert [r async for r in read_revisions("r", "start", services, {}, 3)] == []
    assert server.asked == []

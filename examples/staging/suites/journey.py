"""How a user walks through the product: sign up, connect, ask, and read the five events.

The targets come from the environment only. Everything that can go wrong on the way is
turned into an assertion that says what was seen, since the text of a failure is what
its incident is recognised by.
"""

from __future__ import annotations

import json
import os
import secrets
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.sync.client import ClientConnection, connect

Message = dict[str, Any]

EVENT_TIMEOUT_S = 10.0
HTTP_TIMEOUT_S = 5.0
FIVE_EVENTS = [
    "agent_started",
    "agent_thinking",
    "tool_executing",
    "tool_completed",
    "agent_completed",
]
NON_ANSWERS = ("Agent response for", "Mock", "Fallback", "Degraded mode")


@dataclass(frozen=True)
class Targets:
    """Where the system under test is."""

    auth: str
    backend: str
    frontend: str
    ws: str


def targets_from_environment(env: Mapping[str, str] = os.environ) -> Targets:
    """Return the targets; a missing variable is a KeyError that names it."""
    return Targets(env["AUTH_URL"], env["BACKEND_URL"], env["FRONTEND_URL"], env["WS_URL"])


@dataclass(frozen=True)
class User:
    """Someone who signed up."""

    id: str
    email: str
    password: str
    name: str
    access_token: str
    refresh_token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.access_token}"}


class Stage:
    """The system under test, as one suite uses it."""

    def __init__(self, targets: Targets) -> None:
        self.targets = targets
        self._http = httpx.Client(timeout=HTTP_TIMEOUT_S, trust_env=False)
        self._user: User | None = None

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    # -- HTTP -------------------------------------------------------------------------

    def auth(self, method: str, path: str, **request: Any) -> httpx.Response:
        return self._http.request(method, self.targets.auth + path, **request)

    def backend(self, method: str, path: str, **request: Any) -> httpx.Response:
        return self._http.request(method, self.targets.backend + path, **request)

    def frontend(self, method: str, path: str, **request: Any) -> httpx.Response:
        return self._http.request(method, self.targets.frontend + path, **request)

    # -- people -----------------------------------------------------------------------

    def user(self) -> User:
        """Return this suite's user, signed up when first asked for."""
        # Not a fixture: a sign-up that fails is the product's failure, and has to be
        # one of the test that needed it.
        if self._user is None:
            self._user = self.new_user()
        return self._user

    def new_user(self) -> User:
        """Sign up someone new."""
        name = f"walker-{uuid.uuid4().hex[:12]}"
        wanted = {"email": f"{name}@example.com", "password": secrets.token_hex(8), "name": name}
        body = ok(self.auth("POST", "/auth/register", json=wanted))
        return User(
            id=body["user"]["id"],
            access_token=body["access_token"],
            refresh_token=body["refresh_token"],
            **wanted,
        )

    def new_thread(self, user: User, title: str) -> Message:
        """Open a thread."""
        answer = self.backend("POST", "/api/threads", headers=user.headers, json={"title": title})
        return ok(answer)

    # -- sockets ----------------------------------------------------------------------

    @contextmanager
    def socket(self, user: User, *, path: str | None = None) -> Iterator[ClientConnection]:
        """Connect as a user and read the greeting; closed at the end."""
        url = self.targets.ws if path is None else self.targets.ws.removesuffix("/ws") + path
        with opened(url, additional_headers=user.headers) as ws:
            greeted(ws, user)
            yield ws

    def ask(self, user: User, text: str, **more: Any) -> list[Message]:
        """Ask on a socket of its own and return the events of the run."""
        with self.socket(user) as ws:
            say(ws, text, **more)
            return events_of_run(ws)


def ok(answer: httpx.Response) -> Any:
    """Return the body of a 200; anything else fails with what was answered."""
    assert answer.status_code == 200, _refused(answer)
    return answer.json()


def _refused(answer: httpx.Response) -> str:
    path = answer.request.url.path
    return f"{answer.request.method} {path} answered {answer.status_code}: {answer.text[:200]}"


@contextmanager
def opened(url: str, **options: Any) -> Iterator[ClientConnection]:
    """Open a WebSocket, or fail with the reason why the handshake did not succeed."""
    limits = {"open_timeout": HTTP_TIMEOUT_S, "close_timeout": 2, "ping_interval": None}
    try:
        ws = connect(url, proxy=None, compression=None, **limits, **options)
    except (InvalidHandshake, OSError, TimeoutError) as error:
        raise AssertionError(f"handshake failed: {type(error).__name__}: {error}") from error
    with ws:
        yield ws


def receive(ws: ClientConnection, seen: list[str] | None = None) -> Message:
    """Return the next message; a closed or silent socket fails with what came before."""
    before = f"after {seen}" if seen is not None else "while waiting for an answer"
    try:
        return json.loads(ws.recv(timeout=EVENT_TIMEOUT_S))
    except ConnectionClosed as closed:
        raise AssertionError(f"socket closed {before}: {closed}") from closed
    except TimeoutError:
        raise AssertionError(f"nothing for {EVENT_TIMEOUT_S:g} s {before}") from None


def greeted(ws: ClientConnection, user: User) -> Message:
    """Read the greeting and check that it is for this user."""
    greeting = receive(ws)
    assert greeting["type"] == "system_message", greeting
    data = greeting["data"]
    assert data["event"] == "connection_established" and data["connection_ready"] is True, data
    assert data["user_id"] == user.id, f"greeted as {data['user_id']}, signed in as {user.id}"
    return data


def new_reference() -> str:
    """Return a reference code that nobody used before."""
    return f"K{secrets.randbelow(10)}{secrets.token_hex(2)}-{secrets.token_hex(3)}".upper()


def question(reference: str) -> str:
    """Return a question whose answer has to use the reference."""
    return f"Which of our cloud accounts costs most? Reference code {reference}."


def say(ws: ClientConnection, text: str, kind: str = "user_message", **more: Any) -> None:
    """Send a message to the agent."""
    ws.send(json.dumps({"type": kind, "content": text, "timestamp": time.time(), **more}))


def events_of_run(ws: ClientConnection) -> list[Message]:
    """Read up to `agent_completed` and return the events; an error ends the test."""
    events: list[Message] = []
    while True:
        message = receive(ws, [event["type"] for event in events])
        assert message["type"] != "error_message", f"agent failed: {message['error_code']}"
        if message["type"] in FIVE_EVENTS:
            events.append(message)
        if message["type"] == "agent_completed":
            return events


def the_event(events: list[Message], name: str) -> Message:
    """Return the one event of that name."""
    found = [event for event in events if event["type"] == name]
    assert len(found) == 1, f"{len(found)} {name} in {names(events)}"
    return found[0]


def names(events: list[Message]) -> list[str]:
    return [event["type"] for event in events]


def assert_useful(result: Any, reference: str, asked: str) -> str:
    """Check that a result uses the reference, is no known non-answer and no echo."""
    text = result if isinstance(result, str) else json.dumps(result)
    assert text.strip(' "{}'), "the answer is empty"
    for phrase in NON_ANSWERS:
        assert not text.startswith(phrase), f"not an answer: {text!r}"
    assert asked not in text, f"the answer echoes the question: {text!r}"
    assert reference in text, f"the answer does not use {reference}: {text!r}"
    return text

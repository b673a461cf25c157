"""Weak on purpose: each test passes on a healthy system and misses one kind of fault.

`goldenpath audit` finds every one of them. Kept so that you can see what a weak test looks like
in the matrix, next to strong ones; the last test is sound.
"""

from __future__ import annotations

import contextlib

import httpx
from journey import Stage, ok, opened


def test_never_red(stage: Stage) -> None:
    """Swallows whatever goes wrong: nothing turns it red."""
    with contextlib.suppress(Exception):
        assert ok(stage.backend("GET", "/health"))["status"] == "healthy"


def test_accepts_any_status(stage: Stage) -> None:
    """An error page is an answer, too: blind to 403, 500 and empty bodies."""
    assert stage.backend("GET", "/health").status_code in (200, 401, 403, 500, 503)


def test_does_not_read_the_body(stage: Stage) -> None:
    """Blind to empty and to canned answers."""
    assert stage.backend("GET", "/health").status_code == httpx.codes.OK


def test_opens_a_socket_and_leaves(stage: Stage) -> None:
    """Blind to everything that happens after the handshake, such as an event that never comes."""
    with opened(stage.targets.ws, additional_headers=stage.user().headers) as socket:
        assert socket.response is not None


def test_reads_what_it_asked_for(stage: Stage) -> None:
    """The sound one."""
    body = ok(stage.backend("GET", "/health"))
    assert (body["status"], body["service"]) == ("healthy", "netra-ai-platform")

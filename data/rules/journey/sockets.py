"""What it means that a socket was closed, refused, or opened although it ought not to be."""

from __future__ import annotations

from collections.abc import Iterable

from data.rules.journey.moves import Closed, Refused
from data.rules.journey.signatures import Problem, with_words

_CLEAN = (1000, 1001, 1005)  # no error: a loop over messages just ends (RFC 6455 7.4.1)
_BY = {
    "server": "closed by the server with",
    "client": "the client had to close with",
    "network": "the connection broke:",
}


def closed_early(event: Closed, so_far: str, hide: Iterable[str] = ()) -> Problem:
    """The problem of a socket that closed before its work was done."""
    family = "ws/protocol-error" if event.by == "client" else "ws/closed-early"
    return Problem(
        with_words(f"{family}/{event.code}", event.reason, hide), f"{how(event)}; {so_far}"
    )


def judge_close(event: Closed, hide: Iterable[str] = ()) -> Problem | None:
    """None when both close frames were seen and the peer's code is no error."""
    if event.by != "network" and event.code in _CLEAN:
        return None
    return Problem(with_words(f"ws/unclean-close/{event.code}", event.reason, hide), how(event))


def judge_own_close(event: Closed, code: int, hide: Iterable[str] = ()) -> Problem | None:
    """As `judge_close`, where the peer may also give our own code back (RFC 6455 5.5.1)."""
    is_echo = event.by != "network" and event.code == code
    return None if is_echo else judge_close(event, hide)


def refused(event: Refused) -> Problem:
    """The problem of a handshake that was answered with an HTTP status."""
    body = " ".join(event.text.split())[:200]
    said = f": {body}" if body else ""
    return Problem(
        f"ws/refused/{event.status}", f"the handshake was answered with HTTP {event.status}{said}"
    )


def how(event: Closed) -> str:
    """How a socket closed: who, code and reason."""
    code = "no close frame" if event.by == "network" else str(event.code)
    reason = f' "{event.reason}"' if event.reason else ""
    return f"{_BY[event.by]} {code}{reason}"

"""What it means that a socket was closed, refused, or opened although it ought not to be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from data.rules.journey.moves import Closed, Refused
from data.rules.journey.signatures import Problem, with_words

_CLEAN = (1000, 1001, 1005)  # no error: a loop over messages just ends (RFC 6455 7.4.1)
_EARLY = {
    "server": "ws/closed-early",
    "client": "ws/protocol-error",
    "network": "ws/closed-early",
}
_LATE = {
    "server": "ws/unclean-close",
    "network": "ws/unclean-close",
    "client": "ws/unclean-close/protocol-error",
    "answer": "ws/unclean-close/answered",
}
_BY = {
    "server": "closed by the server with",
    "client": "the client had to close with",
    "answer": "the server answered the close with",
    "network": "the connection broke:",
    "silence": "a ping got no pong:",
    "end": "the answer ended:",
    "cut": "the connection broke in the middle of the answer:",
}
_OF_STREAMS = {"end": "stream/ended-early", "cut": "stream/cut-off"}


def closed_early(event: Closed, so_far: str, hide: Iterable[str] = ()) -> Problem:
    """The problem of a socket that closed before its work was done."""
    return Problem(_named(event, _EARLY, hide), f"{how(event)}; {so_far}")


def judge_close(event: Closed, hide: Iterable[str] = ()) -> Problem | None:
    """None when both close frames were seen and the peer's code is no error."""
    if event.by in ("server", "answer") and event.code in _CLEAN:
        return None
    return Problem(_named(event, _LATE, hide), how(event))


def judge_own_close(event: Closed, code: int, hide: Iterable[str] = ()) -> Problem | None:
    """As `judge_close`, where the peer may also give our own code back (RFC 6455 5.5.1)."""
    is_echo = event.by == "answer" and event.code == code
    return None if is_echo else judge_close(event, hide)


def _named(event: Closed, families: Mapping[str, str], hide: Iterable[str]) -> str:
    if event.by == "silence":
        return "ws/ping-timeout"
    if event.by in _OF_STREAMS:
        return _OF_STREAMS[event.by]
    if event.by not in families:
        return "gate/unexpected-event"  # a plan cannot talk after its close
    return with_words(f"{families[event.by]}/{event.code}", event.reason, hide)


def refused(event: Refused) -> Problem:
    """The problem of a handshake that was answered with an HTTP status."""
    body = " ".join(event.text.split())[:200]
    said = f": {body}" if body else ""
    return Problem(
        f"ws/refused/{event.status}", f"the handshake was answered with HTTP {event.status}{said}"
    )


def how(event: Closed) -> str:
    """How a socket closed: who, code and reason."""
    if event.by in _OF_STREAMS:
        return _BY[event.by].rstrip(":")
    code = "no close frame" if event.by in ("network", "silence") else str(event.code)
    reason = f' "{event.reason}"' if event.reason else ""
    return f"{_BY[event.by]} {code}{reason}"

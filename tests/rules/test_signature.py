"""Laws of failure signatures."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from data.rules.signature import MAX_CHARS, signature

CLOSED = "ConnectionClosedOK: received 1000 (OK) main cleanup; then sent 1000 (OK) main cleanup"

EXAMPLES = [
    ("", ""),
    ("AssertionError", "AssertionError"),
    (CLOSED, CLOSED),
    (
        "ConnectionClosedError: received 1011 (internal error) keepalive ping timeout after 20.5 s",
        "ConnectionClosedError: received 1011 (internal error) keepalive ping timeout after <n>",
    ),
    (
        "NegotiationError: unsupported subprotocol: jwt-auth",
        "NegotiationError: unsupported subprotocol: jwt-auth",
    ),
    ("InvalidStatus: server rejected WebSocket connection: HTTP 403",) * 2,
    (
        "HTTPStatusError: Server error '503 Service Unavailable' for url 'http://127.0.0.1:8123/health'",
        "HTTPStatusError: Server error '503 Service Unavailable' for url '<url>/health'",
    ),
    (
        "ConnectError: connect to http://127.0.0.1:41877/api/threads/8f2a19bc?x=1 failed",
        "ConnectError: connect to <url>/api/threads/<n> failed",
    ),
    ("AssertionError: assert 503 == 200", "AssertionError: assert 503 == 200"),
    ("AssertionError: assert 3 == 5", "AssertionError: assert <n> == <n>"),
    ("TimeoutError: nothing within 5000ms", "TimeoutError: nothing within <n>"),
    ("timed out after 2 s", "timed out after <n>"),
    ("KeyError: 'tool_name'", "KeyError: 'tool_name'"),
    (
        "AssertionError: assert 'Agent response for: what is 2+2' != 'x y'",
        "AssertionError: assert <text> != <text>",
    ),
    (
        "OSError: [Errno 111] Connect call failed ('127.0.0.1', 40123)",
        "OSError: [Errno <n>] Connect call failed (<text>, <n>)",
    ),
    ("<Thing object at 0x7f3a2c10>", "<Thing object at <n>>"),
    ("thread 3c9d7e2a-1b2c-4d5e-8f90-a1b2c3d4e5f6 not found", "thread <n> not found"),
    ("late by 1.5 s at 2026-01-31T12:00:00.123Z", "late by <n> at <n>"),
    ("cannot open /tmp/pytest-3/test_a0/x.json", "cannot open <path>"),
    ("GET /api/threads answered 401", "GET /api/threads answered 401"),
    ("unknown user alice+3@example.com", "unknown user <email>"),
    ("connection refused on localhost:503", "connection refused on localhost:<n>"),
    ("OAuth2 needs utf8", "OAuth2 needs utf8"),
]


@pytest.mark.parametrize(("message", "expected"), EXAMPLES)
def test_signature_of(message: str, expected: str) -> None:
    assert signature(message) == expected


def test_different_causes_differ() -> None:
    causes = [
        CLOSED,
        CLOSED.replace("1000 (OK) main cleanup", "1011 (internal error)"),
        CLOSED.replace("main cleanup", "idle"),
        *(f"InvalidStatus: HTTP {code}" for code in (401, 403, 500, 502, 503)),
        *(f"ConnectionClosedError: received {code} (x)" for code in (1006, 1008, 4001)),
    ]
    assert len({signature(cause) for cause in causes}) == len(causes)


_PARTS = st.sampled_from(
    ["received", "1000", "HTTP", "503", "'a b'", '"x1"', "port 80", "0xff", "12 s", "…", "<n>",
     "/tmp/a.py", "http://h:1/p/22?q", "5.", "e-5", "'", "`", ":", " ", "a@b.co", "eyJ0"]
)  # fmt: skip
_MESSAGES = st.one_of(st.text(max_size=400), st.lists(_PARTS, max_size=60).map("".join))


@given(_MESSAGES)
@example("x" * 157 + " 503 12")
@example("'" * 200)
def test_a_signature_is_its_own_signature(message: str) -> None:
    once = signature(message)
    assert signature(once) == once


@given(_MESSAGES)
def test_a_signature_is_one_short_line(message: str) -> None:
    text = signature(message)
    assert len(text) <= MAX_CHARS
    assert text == " ".join(text.split())


@given(st.integers(1, 65535), st.integers(1, 65535))
def test_ports_do_not_matter(one: int, other: int) -> None:
    for form in ("ConnectError: localhost:{}", "refused: port {}", "for url 'ws://h.test:{}/ws'"):
        assert signature(form.format(one)) == signature(form.format(other))


@given(st.uuids(), st.uuids())
def test_ids_do_not_matter(one: object, other: object) -> None:
    for form in ("run {} has no end", "KeyError: '{}'", "GET /api/threads/{} answered 404"):
        assert signature(form.format(one)) == signature(form.format(other))


_NONCES = st.text("0123456789abcdef", min_size=8, max_size=12).filter(
    lambda text: sum(char.isdigit() for char in text) >= 3
)


@given(_NONCES, _NONCES)
def test_nonces_do_not_matter(one: str, other: str) -> None:
    for form in (
        "answer lacks {}",
        "user_{} got another's event",
        "AssertionError: '{}' is echoed",
    ):
        assert signature(form.format(one)) == signature(form.format(other))


@given(
    st.floats(0.001, 9999), st.floats(0.001, 9999), st.sampled_from(["s", " s", "ms", " seconds"])
)
def test_durations_do_not_matter(one: float, other: float, unit: str) -> None:
    form = "timed out after {:.3f}" + unit + " of waiting"
    assert signature(form.format(one)) == signature(form.format(other))

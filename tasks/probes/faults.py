"""Exceptions of the network libraries as failure signatures: each cause has its own."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterator

import httpx
from websockets.exceptions import (
    InvalidHandshake,
    InvalidHeader,
    InvalidMessage,
    InvalidStatus,
    NegotiationError,
)

from data.rules.journey.signatures import Problem, words

# OpenSSL's X509_V_ERR_* numbers, https://docs.openssl.org/master/man3/X509_STORE_CTX_get_error/
_CERTIFICATE = {9: "tls/not-yet-valid", 10: "tls/expired", 18: "tls/self-signed",
                62: "tls/hostname", 64: "tls/hostname"}  # fmt: skip
# OpenSSL's reasons, https://github.com/openssl/openssl/blob/master/crypto/err/openssl.txt
_TLS_REASONS = {
    "WRONG_VERSION_NUMBER": "tls/not-tls",
    "HTTP_REQUEST": "tls/not-tls",
    "RECORD_LAYER_FAILURE": "tls/not-tls",
    "UNSUPPORTED_PROTOCOL": "tls/version",
    "TLSV1_ALERT_PROTOCOL_VERSION": "tls/version",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "tls/no-common-cipher",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "tls/client-certificate-wanted",
    "UNEXPECTED_EOF_WHILE_READING": "tls/closed",
}
_NO_NAME = (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME))
_NO_ROUTE = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN)
_OWN_LIMITS = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL)


def causes(error: BaseException) -> Iterator[BaseException]:
    """An exception and everything that it came from, nearest first."""
    waiting, seen = [error], set[int]()
    while waiting:
        one = waiting.pop(0)
        if id(one) not in seen:
            seen.add(id(one))
            yield one
            waiting += one.exceptions if isinstance(one, BaseExceptionGroup) else ()
            waiting += [cause for cause in (one.__cause__, one.__context__) if cause]


def network_problem(error: BaseException, stage: str) -> Problem | None:
    """The problem below HTTP, None when the error is none of the network.

    Args:
        stage: what was going on, as the family of a time-out: tcp, tls, http, ws/handshake.
    """
    found = (_one(cause, stage) for cause in causes(error))
    return next((problem for problem in found if problem), None)


def _one(error: BaseException, stage: str) -> Problem | None:
    text = str(error) or type(error).__name__
    if isinstance(error, socket.gaierror):
        return Problem("dns/unknown-name" if error.errno in _NO_NAME else "dns/no-answer", text)
    if isinstance(error, ssl.SSLCertVerificationError):
        return Problem(_CERTIFICATE.get(error.verify_code, "tls/untrusted"), error.verify_message)
    if isinstance(error, ssl.SSLError):
        return _tls(error.reason or "unknown", text)
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return Problem(f"{stage}/timeout", f"no answer in time at stage {stage}")
    return _os_error(error, stage, text) if isinstance(error, OSError) else None


def _tls(reason: str, text: str) -> Problem:
    if known := _TLS_REASONS.get(reason):
        return Problem(known, text)
    return Problem(f"tls/failed/{words(reason.replace('_', ' ').lower())}", text)


def _os_error(error: OSError, stage: str, text: str) -> Problem | None:
    if isinstance(error, ConnectionRefusedError):
        return Problem("tcp/refused", text)
    if isinstance(error, ConnectionAbortedError) and stage != "http":
        return Problem("tls/timeout", text)  # asyncio: "SSL handshake is taking longer than …"
    if isinstance(error, ConnectionResetError) and error.errno is None and stage != "http":
        return Problem("tls/closed", "the server hung up in the TLS handshake")  # asyncio's words
    if isinstance(error, ConnectionResetError | BrokenPipeError):
        return Problem("tcp/reset", f"{text}, at stage {stage}")
    if error.errno in _NO_ROUTE:
        return Problem("tcp/unreachable", text)
    if error.errno in _OWN_LIMITS:
        return Problem(f"gate/out-of-sockets/{errno.errorcode[error.errno]}", text)
    if error.errno is None:
        return None  # a wrapper, such as anyio's "All connection attempts failed"
    return Problem(f"tcp/failed/{errno.errorcode.get(error.errno, 'unknown')}", text)


def http_problem(error: Exception, stage: str) -> Problem | None:
    """The problem of a request that got no whole answer; None: the request itself is wrong."""
    if isinstance(error, httpx.RemoteProtocolError):
        is_closed = "disconnected" in str(error) or "closed" in str(error)
        return Problem("http/closed-early" if is_closed else "http/not-http", str(error))
    if isinstance(error, httpx.DecodingError):
        return Problem("http/encoding", str(error))
    if problem := network_problem(error, stage):
        return problem
    if isinstance(error, httpx.NetworkError):
        return Problem("tcp/reset", f"{str(error) or type(error).__name__}, at stage {stage}")
    return None


def handshake_problem(error: Exception) -> Problem | None:
    """The problem of an opening handshake that did not end in an HTTP status (RFC 6455 4.1)."""
    if isinstance(error, NegotiationError):
        return _negotiation(error)
    if isinstance(error, InvalidMessage):
        is_closed = any(isinstance(cause, EOFError) for cause in causes(error))
        return Problem("ws/handshake/closed" if is_closed else "ws/handshake/not-http", str(error))
    if isinstance(error, EOFError):
        return Problem("ws/handshake/closed", str(error) or "end of stream")
    if isinstance(error, InvalidHeader):
        return Problem(f"ws/handshake/header/{error.name}", str(error))
    if problem := network_problem(error, "ws/handshake"):
        return problem
    is_invalid = isinstance(error, InvalidHandshake)  # none is known that comes to this
    return Problem("ws/handshake/not-http", str(error)) if is_invalid else None


def _negotiation(error: NegotiationError) -> Problem:
    kind = "subprotocol" if "subprotocol" in str(error) else "extension"
    return Problem(
        f"ws/{kind}/server-named-unoffered",
        f"the server named a {kind} that was not offered, its fault (RFC 6455 4.1): {error}",
    )


def refusal(error: Exception) -> InvalidStatus | None:
    """The HTTP answer to a handshake, if that is what ended it (redirects are not followed)."""
    found = (cause for cause in causes(error) if isinstance(cause, InvalidStatus))
    return next(found, None)

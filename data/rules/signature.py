"""Failure signatures: one cause gives one text, run after run; another cause gives another."""

from __future__ import annotations

import re
from collections.abc import Callable

MAX_CHARS = 160
ANY = "<n>"  # whatever differs from run to run: numbers, ids, ports, nonces, times
_MAX_ROUNDS = 40

_STATUSES = frozenset(
    re.findall(
        r"\d+",
        "200 201 202 204 206 301 302 303 304 307 308 400 401 402 403 404 405 406 408 409 410 411 "
        "412 413 414 415 416 421 422 423 424 425 426 428 429 431 451 500 501 502 503 504 505 507 "
        "508 511 520 521 522 523 524 525 526 527",
    )
)
_NO_STATUS_AFTER = re.compile(
    r"(?:\b(?:port|pid|line|id|user|attempt|seq|index|item|row|fd|thread|number|no|count|n|size)"
    r"\W{0,2}|(?<!status)(?<!code)(?<!http):|[#$\[])$",
    re.IGNORECASE,
)
_CLOSE_CODE_AFTER = re.compile(
    r"\b(?:received|rcvd|sent|code|clos\w*|websocket|with|reason)\W{0,4}$", re.IGNORECASE
)

_TIMES = r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?"
_UNITS = r"ns|us|µs|ms|s|secs?|seconds?|m|mins?|minutes?|h|hours?|d|days?|[kKMG]i?B|[bB]ytes?|B|%|x"
_URL = re.compile(r"\b(?:https?|wss?)://[^\s/'\"?#<>]+([^\s'\"?#<>]*)(?:[?#][^\s'\"<>]*)?", re.I)
_FILE = re.compile(
    r"(?<![\w>/])(?:/(?:tmp|home|root|usr|var|work|opt|private|Users|proc|etc|srv|mnt)(?:/[\w.@+-]+)+"
    r"|~?(?:/[\w.@+-]+)+\.\w{1,5}\b|[A-Za-z]:\\[^\s'\":]+)"
)
_QUOTED = re.compile(r"(?<!\w)(['\"`])((?:(?!\1).)*)\1(?!\w)")
_NAME = re.compile(
    r"[A-Za-z_][A-Za-z_.:-]{0,39}|\d{3} [A-Za-z][A-Za-z -]*|(?:<url>|<n>)?(?:/[\w.<>-]*)*"
)
_NUMBER = re.compile(r"(?<![A-Za-z\d])\d+(?:[.,:]\d+)*(?:e[+-]?\d+)?(?![A-Za-z\d])")
_WORD = re.compile(r"[A-Za-z\d][A-Za-z\d_-]*")


def signature(message: str) -> str:
    """The stable part of a failure's message: the exception's type and its normalised text.

    Whatever differs between two failures of one cause becomes a placeholder: numbers (with or
    without a unit), times, ids, hex, ports, hosts of URLs, file paths, quoted text that is not a
    bare name. WebSocket close codes with their reason and HTTP statuses are the cause, and stay.
    An empty message has an empty signature. At most 160 characters, and a signature's signature
    is itself.

    Source: RFC 6455 section 7.4 (close codes), RFC 9110 section 15 (statuses).
    """
    for _ in range(_MAX_ROUNDS):  # each round removes digits, quotes or length, so it settles
        before, message = message, _once(message)
        if before == message:
            break
    return message


def _once(text: str) -> str:
    text = " ".join(text.split())[: 4 * MAX_CHARS]
    for rule in _RULES:
        text = rule(text)
    text = " ".join(text.split())
    return text if len(text) <= MAX_CHARS else text[: MAX_CHARS - 1].rstrip() + "…"


def _replace(pattern: str, by: str) -> Callable[[str], str]:
    compiled = re.compile(pattern)
    return lambda text: compiled.sub(by, text)


def _urls(text: str) -> str:
    """The path of a URL names the endpoint and stays; host, port and query go."""
    return _URL.sub(lambda match: "<url>" + match[1], text)


def _quotes(text: str) -> str:
    """A bare name in quotes is code ('tool_name') and stays; anything else is somebody's data."""
    return _QUOTED.sub(lambda match: match[0] if _NAME.fullmatch(match[2]) else "<text>", text)


def _words(text: str) -> str:
    return _WORD.sub(lambda match: ANY if _is_id(match[0]) else match[0], text)


def _is_id(word: str) -> bool:
    """Tokens such as `run-8f3a12cd`, `a1b2c3d4`; not `oauth2`, `utf8` or `ConnectionClosedOK`."""
    n_digits = sum(char.isdigit() for char in word)
    return len(word) >= 6 and n_digits >= 3 and n_digits < len(word)


def _numbers(text: str) -> str:
    return _NUMBER.sub(lambda match: match[0] if _is_cause(match) else ANY, text)


def _is_cause(match: re.Match[str]) -> bool:
    """HTTP statuses, and close codes where the words before them say that they are one."""
    number, head = match[0], match.string[max(match.start() - 24, 0) : match.start()]
    if number in _STATUSES:
        return _NO_STATUS_AFTER.search(head) is None
    is_code = len(number) == 4 and number.isdigit() and 1000 <= int(number) <= 4999
    return is_code and _CLOSE_CODE_AFTER.search(head) is not None


_RULES: tuple[Callable[[str], str], ...] = (
    _replace(_TIMES, ANY),
    _replace(r"\beyJ[\w-]*(?:\.[\w-]+)*", ANY),  # a JWT
    _urls,
    _replace(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", "<email>"),
    lambda text: _FILE.sub("<path>", text),
    _quotes,
    _replace(r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b", ANY),
    _replace(r"\b0[xX][0-9a-fA-F]+\b", ANY),
    _replace(r"\b[0-9a-fA-F]{16,}\b", ANY),
    _replace(rf"(?<![A-Za-z\d._-])\d+(?:[.,]\d+)*\s?(?:{_UNITS})(?![A-Za-z\d])", ANY),
    _words,
    _numbers,
)

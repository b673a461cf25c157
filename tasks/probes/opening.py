"""The opening handshake of a WebSocket (RFC 6455 4.1): our request, and the answer to expect."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha1
from typing import NamedTuple

from websockets.headers import build_authorization_basic, build_host, build_subprotocol
from websockets.typing import Subprotocol
from websockets.uri import WebSocketURI, parse_uri

from data.errors import UsageError
from data.rules.journey.moves import Connect
from tasks.probes.clients import AGENT

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_BREAK = re.compile("[\r\n\0]")


class Opening(NamedTuple):
    """One handshake: `request` as bytes, the key that it holds and the accept that answers it."""

    url: WebSocketURI
    subprotocols: tuple[str, ...]
    key: str
    accept: bytes
    request: bytes


def opening(spec: Connect) -> Opening:
    """A fresh handshake. What the plan names replaces what we would say.

    Raises:
        UsageError: a header cannot be sent.
        InvalidURI: the address is none.
    """
    own = _own(spec.url, spec.subprotocols)
    key = base64.b64encode(os.urandom(16)).decode()
    said, names = [own.head], {name.lower() for name in spec.headers}
    if not names.isdisjoint(own.headers):
        said = [own.line, *(line for name, line in own.headers.items() if name not in names)]
    if "sec-websocket-key" not in names:
        said.append(f"Sec-WebSocket-Key: {key}\r\n")
    for name, value in spec.headers.items():
        if _BREAK.search(name) or _BREAK.search(value):  # it must not become two (RFC 9110 5.5)
            raise UsageError(f"the header {name!r} holds a line break, which no header may")
        said.append(f"{name}: {value}\r\n")
    said.append("\r\n")
    accept = base64.b64encode(sha1(key.encode() + _GUID).digest())
    return Opening(own.url, spec.subprotocols, key, accept, "".join(said).encode())


class _Own(NamedTuple):
    """What we say of ourselves: `head` is `line` and all `headers`, by name in lower case."""

    url: WebSocketURI
    line: str
    headers: Mapping[str, str]
    head: str


@lru_cache(maxsize=64)
def _own(address: str, subprotocols: tuple[str, ...]) -> _Own:
    """The parts of a request that only depend on address and offer: worked out once for a load."""
    url = parse_uri(address)
    said = {
        "Host": build_host(url.host, url.port, url.secure),
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "User-Agent": AGENT,
    }
    if url.user_info:
        said["Authorization"] = build_authorization_basic(*url.user_info)
    if subprotocols:
        said["Sec-WebSocket-Protocol"] = build_subprotocol([Subprotocol(s) for s in subprotocols])
    line = f"GET {url.resource_name} HTTP/1.1\r\n"
    headers = {name.lower(): f"{name}: {value}\r\n" for name, value in said.items()}
    return _Own(url, line, headers, line + "".join(headers.values()))

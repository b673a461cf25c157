"""The opening handshake of a WebSocket (RFC 6455 4.1): our request, and the answer to expect."""

from __future__ import annotations

import base64
import os
import re
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
    url, line, own = _own(spec.url, spec.subprotocols)
    key = base64.b64encode(os.urandom(16)).decode()
    headers = {**own, "sec-websocket-key": ("Sec-WebSocket-Key", key)}
    headers |= {name.lower(): (name, value) for name, value in spec.headers.items()}
    for name, value in spec.headers.items():
        if _BREAK.search(name) or _BREAK.search(value):  # it must not become two (RFC 9110 5.5)
            raise UsageError(f"the header {name!r} holds a line break, which no header may")
    text = "".join(f"{name}: {value}\r\n" for name, value in headers.values())
    accept = base64.b64encode(sha1(key.encode() + _GUID).digest())
    return Opening(url, spec.subprotocols, key, accept, f"{line}{text}\r\n".encode())


@lru_cache(maxsize=64)
def _own(
    address: str, subprotocols: tuple[str, ...]
) -> tuple[WebSocketURI, str, dict[str, tuple[str, str]]]:
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
    own = {name.lower(): (name, value) for name, value in said.items()}
    return url, f"GET {url.resource_name} HTTP/1.1\r\n", own

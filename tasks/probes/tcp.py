"""A connection step by step, so that name, route, listener and TLS fail in different words."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

from data.errors import UsageError
from tasks.trust import tls_context

WS = {"ws": 80, "wss": 443}
HTTP = {"http": 80, "https": 443}
_SECURE = ("wss", "https")
_TLS_S = 60.0  # the caller's own limit comes first
Wire = TypeVar("Wire", bound=asyncio.Protocol)
Address = tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]


class Place(NamedTuple):
    """Where a connection leads."""

    secure: bool
    host: str
    port: int


class Stage:
    """What was going on when a connection failed: dns, tcp, tls, or what its owner says."""

    __slots__ = ("name",)

    def __init__(self) -> None:
        self.name = "dns"


def place(url: str, ports: Mapping[str, int] = WS) -> Place:
    """Where an address leads.

    Args:
        ports: the schemes that are allowed, each with its port.

    Raises:
        UsageError: not an address of such a scheme.
    """
    scheme, host, port = _parts(url)
    if scheme in ports and host:
        return Place(scheme in _SECURE, host, port or ports[scheme])
    known = " or ".join(f"{scheme}://" for scheme in ports)
    raise UsageError(f"expected a {known} address, got {url!r}")


@lru_cache(maxsize=256)
def _parts(url: str) -> tuple[str, str, int]:
    """Scheme, host and port; empty and 0 where the address does not say them."""
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname or "", parts.port or 0
    except ValueError:
        return "", "", 0


async def wired(make: Callable[[], Wire], at: Place, stage: Stage) -> Wire:
    """A connected protocol; the addresses of a name are tried in order until one answers.

    The caller sets the time that it may take.

    Args:
        stage: is told how far it is.

    Raises:
        OSError: name, TCP or TLS failed.
        UsageError: the host can be no name.
    """
    stage.name = "dns"
    addresses = _literal(at.host, at.port) or await _looked_up(at)
    stage.name = "tcp"
    for address in addresses[:-1]:
        try:
            return await _connected(make, at, address, stage)
        except OSError:  # a name with IPv6 and IPv4 where only one of them is served
            if stage.name == "tls":
                raise
    return await _connected(make, at, addresses[-1], stage)


@lru_cache(maxsize=256)
def _literal(host: str, port: int) -> tuple[Address, ...]:
    """The address that a host says itself, without a resolver; none for a name."""
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host)
        except OSError:
            continue
        place = (host, port) if family is socket.AF_INET else (host, port, 0, 0)
        return ((family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", place),)
    return ()


async def _looked_up(at: Place) -> Sequence[Address]:
    try:
        return await asyncio.get_running_loop().getaddrinfo(
            at.host, at.port, type=socket.SOCK_STREAM
        )
    except UnicodeError as error:  # from the codec `idna`, for labels that DNS cannot hold
        raise UsageError(f"{at.host!r} cannot be a host name: {error}") from error


async def _connected(make: Callable[[], Wire], at: Place, address: Address, stage: Stage) -> Wire:
    """Plain TCP is one call: half of what a journey's wire costs lay in doing it by hand."""
    family, _, _, _, place = address
    has_scope = family is socket.AF_INET6 and place[3]
    if at.secure or has_scope:
        return await _by_hand(make, at, address, stage)
    loop = asyncio.get_running_loop()
    _, wire = await loop.create_connection(make, place[0], place[1], family=family)
    return wire


async def _by_hand(make: Callable[[], Wire], at: Place, address: Address, stage: Stage) -> Wire:
    plug = await _plug(address)
    tls: dict[str, Any] = {
        "ssl": tls_context(), "server_hostname": at.host, "ssl_handshake_timeout": _TLS_S,
    } if at.secure else {}  # fmt: skip
    stage.name = "tls" if at.secure else stage.name
    try:
        _, wire = await asyncio.get_running_loop().create_connection(make, sock=plug, **tls)
    except BaseException:
        plug.close()
        raise
    return wire


async def _plug(address: Address) -> socket.socket:
    family, kind, protocol, _, place = address
    plug = socket.socket(family, kind, protocol)
    plug.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(plug, place)
    except BaseException:  # a cancellation too must not leave a socket behind
        plug.close()
        raise
    return plug

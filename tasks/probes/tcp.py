"""A TCP connection by hand, so that a name, a route and a listener fail in different words."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

from data.errors import UsageError
from data.rules.journey.moves import Broke
from tasks.probes.faults import network_problem

WS = {"ws": 80, "wss": 443}
HTTP = {"http": 80, "https": 443}


async def connect(
    url: str, deadline_s: float, ports: Mapping[str, int] = WS
) -> socket.socket | Broke:
    """A connected socket; the addresses of a name are tried in order until one answers.

    Args:
        deadline_s: of perf_counter, for name and connection together.
        ports: the schemes that are allowed, each with its port.

    Raises:
        UsageError: not an address of such a scheme.
    """
    host, port = _place(url, ports)
    stage = "dns"
    try:
        async with asyncio.timeout(max(0.0, deadline_s - perf_counter())):
            addresses = await asyncio.get_running_loop().getaddrinfo(
                host, port, type=socket.SOCK_STREAM
            )
            stage = "tcp"
            return await _first_that_answers(addresses)
    except UnicodeError as error:  # from the codec `idna`, for labels that DNS cannot hold
        raise UsageError(f"{host!r} cannot be a host name: {error}") from error
    except OSError as error:
        return _broke(error, stage)


def _place(url: str, ports: Mapping[str, int]) -> tuple[str, int]:
    try:
        parts = urlsplit(url)
        if parts.scheme in ports and parts.hostname:
            return parts.hostname, parts.port or ports[parts.scheme]
    except ValueError:
        pass
    known = " or ".join(f"{scheme}://" for scheme in ports)
    raise UsageError(f"expected a {known} address, got {url!r}")


Address = tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]


async def _first_that_answers(addresses: Sequence[Address]) -> socket.socket:
    for address in addresses[:-1]:
        try:
            return await _connect(address)
        except OSError:
            continue  # a name with IPv6 and IPv4 where only one of them is served
    return await _connect(addresses[-1])


async def _connect(address: Address) -> socket.socket:
    family, kind, protocol, _, place = address
    plug = socket.socket(family, kind, protocol)
    plug.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(plug, place)
    except BaseException:  # a cancellation too must not leave a socket behind
        plug.close()
        raise
    return plug


def _broke(error: OSError, stage: str) -> Broke:
    problem = network_problem(error, stage)
    signature, message = problem or ("tcp/failed/unknown", str(error))
    return Broke(signature, message, perf_counter())

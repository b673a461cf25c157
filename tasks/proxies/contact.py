"""The witness for runners that cannot be looked into: a proxy that passes bytes and counts them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, suppress
from functools import partial
from types import TracebackType
from urllib.parse import SplitResult, urlsplit

from data.errors import UsageError
from data.rules.attribution import Contact
from tasks.proxies.ledger import ContactLedger
from tasks.proxies.listener import held_port, listening

_PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}
_CONNECT_S = 10.0


class ContactProxy:
    """Listens on loopback for each service and records every connection that goes through.

    Bytes pass untouched, so all of HTTP/1.1, HTTP/2, WebSocket, gRPC and TLS work. Targets keep
    their scheme: TLS is between the client and the real target, and its certificate names the
    real host and not 127.0.0.1, so a client that checks names refuses it (and is right). The same
    holds for a Host header that a virtual host depends on: the client sends 127.0.0.1:PORT.

    Where the target cannot be connected to, the client's connection is reset: it looks refused.

    Usage::

        async with ContactProxy({"api": "https://staging.example.com"}) as proxy:
            ...  # give proxy.urls["api"] to the suite
        attribute(windows, proxy.contacts)

    Attributes:
        urls: service -> the URL to give to a suite; the path is the real one's.
    """

    def __init__(self, targets: Mapping[str, str]) -> None:
        """`targets`: service -> real base URL.

        Raises:
            UsageError: all addresses that cannot be connected to.
        """
        self._places = _places(targets)
        self._ledgers: list[ContactLedger] = []
        self._stack = AsyncExitStack()
        # One clock that never jumps and yet reads as seconds since 1970.
        self._offset_s = time.time() - time.monotonic()
        self.urls: dict[str, str] = {}

    @property
    def contacts(self) -> tuple[Contact, ...]:
        """Every connection so far, in order; times are seconds since 1970, of a steady clock."""
        return tuple(ledger.contact for ledger in self._ledgers)

    async def __aenter__(self) -> ContactProxy:
        async with AsyncExitStack() as stack:
            for service, (parts, host, port) in self._places.items():
                held = stack.enter_context(held_port())
                ours = parts._replace(netloc=f"127.0.0.1:{held.getsockname()[1]}")
                serve = partial(self._serve, service, host, port)
                await stack.enter_async_context(listening(held, serve))
                self.urls[service] = ours.geturl()
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        await self._stack.aclose()

    async def _serve(
        self, service: str, host: str, port: int,
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter,
    ) -> None:  # fmt: skip
        async with asyncio.timeout(_CONNECT_S):
            up_reader, up_writer = await asyncio.open_connection(host, port)
        ledger = ContactLedger(service, lambda: time.monotonic() + self._offset_s)
        self._ledgers.append(ledger)
        try:
            await _both(
                _pipe(reader, up_writer, ledger.sent), _pipe(up_reader, writer, ledger.received)
            )
        finally:
            ledger.closed()
            up_writer.transport.abort()


def _places(targets: Mapping[str, str]) -> dict[str, tuple[SplitResult, str, int]]:
    places, faults = {}, []
    for service, url in targets.items():
        try:
            parts = urlsplit(url)
            places[service] = parts, _host(parts), parts.port or _PORTS[parts.scheme]
        except (ValueError, KeyError):
            faults.append(f"{service}: expected an http, https, ws or wss address, got {url!r}")
    if faults:
        raise UsageError("\n".join(faults))
    return places


def _host(parts: SplitResult) -> str:
    if not parts.hostname:
        raise ValueError("no host")
    return parts.hostname


async def _both(*pipes: Awaitable[None]) -> None:
    """Both directions; where one breaks, the other is over too."""
    tasks = [asyncio.ensure_future(pipe) for pipe in pipes]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _pipe(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, count: Callable[[int], None]
) -> None:
    """Copy until end of file, then pass the end on (half-close, as TCP does)."""
    while data := await reader.read(65536):
        count(len(data))
        writer.write(data)
        await writer.drain()
    with suppress(OSError, RuntimeError):
        if writer.can_write_eof():
            writer.write_eof()

"""Faults below HTTP: names, TCP and TLS that a client meets on this machine."""

from __future__ import annotations

import asyncio
import datetime as dt
import socket
import ssl
import threading
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from typing import Any

import trustme

from tests.probes.doubles import http, listening, mute

CA, STRANGER = trustme.CA(), trustme.CA()
plain_recv = socket.socket.recv
_LONG_AGO, _SOON = dt.datetime(2020, 1, 1, tzinfo=dt.UTC), dt.datetime(2200, 1, 1, tzinfo=dt.UTC)
_INTERNAL_ERROR = b"\x15\x03\x03\x00\x02\x02\x50"  # a fatal alert, RFC 8446 6
NAMES = {"unknown.test": socket.EAI_NONAME, "no-server.test": socket.EAI_AGAIN}


def trusting() -> ssl.SSLContext:
    """A client that trusts CA and asks for TLS 1.2 at least, as ours does."""
    context = ssl.create_default_context()
    CA.configure_trust(context)
    return context


def _context(certificate: trustme.LeafCert | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    (certificate or CA.issue_cert("127.0.0.1")).configure_cert(context)
    return context


def _contexts() -> dict[str, ssl.SSLContext]:
    self_signed = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    with STRANGER.cert_pem.tempfile() as chain, STRANGER.private_key_pem.tempfile() as key:
        self_signed.load_cert_chain(chain, key)
    old, ciphers, mutual = _context(), _context(), _context()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    ciphers.maximum_version = ssl.TLSVersion.TLSv1_2
    ciphers.set_ciphers("ECDHE-RSA-AES256-GCM-SHA384")  # trustme's keys are of another kind
    mutual.verify_mode = ssl.CERT_REQUIRED
    return {
        "expired": _context(CA.issue_cert("127.0.0.1", not_after=_LONG_AGO)),
        "tomorrow's": _context(CA.issue_cert("127.0.0.1", not_before=_SOON, not_after=_SOON)),
        "unknown CA": _context(STRANGER.issue_cert("127.0.0.1")),
        "self-signed": self_signed,
        "of another host": _context(CA.issue_cert("example.org")),
        "old TLS": old,
        "other ciphers": ciphers,
        "mutual TLS": mutual,
    }


@contextmanager
def names_of_our_own() -> Iterator[None]:
    """Names under .test are answered as NAMES says; `slow.test` only at the end."""
    theirs, is_over = socket.getaddrinfo, threading.Event()

    def answer(host: Any, *rest: Any, **more: Any) -> Any:
        host = host.decode() if isinstance(host, bytes) else host
        if host in NAMES:
            raise socket.gaierror(NAMES[host], "as the test wants it")
        if host == "slow.test":
            is_over.wait(10)
            raise socket.gaierror(socket.EAI_AGAIN, "too late")
        return theirs(host, *rest, **more)

    socket.getaddrinfo = answer
    try:
        yield
    finally:
        is_over.set()
        socket.getaddrinfo = theirs


@contextmanager
def _full_queue() -> Iterator[int]:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for one in fillers:
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        try:
            yield full.getsockname()[1]
        finally:
            for one in fillers:
                one.close()


@contextmanager
def _speaking_tls(context: ssl.SSLContext) -> Iterator[int]:
    """A server in a thread: asyncio's hangs up on a failed handshake without saying why."""

    def serve_one(plug: socket.socket) -> None:
        plug.settimeout(2)
        late = {"do_handshake_on_connect": False}
        with suppress(OSError), context.wrap_socket(plug, server_side=True, **late) as spoken:
            try:
                spoken.do_handshake()
            except ssl.SSLError:  # read on, or the kernel's RST overtakes the alert
                spoken.shutdown(socket.SHUT_WR)
                while plain_recv(spoken, 2**16):
                    pass

    def serve() -> None:
        with suppress(OSError):
            while True:
                plug, _ = listener.accept()
                threading.Thread(target=serve_one, args=(plug,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)


@asynccontextmanager
async def grounds() -> AsyncIterator[dict[str, tuple[bool, str]]]:
    """name -> (whether it is about TLS, host and port)."""

    async def hangs_up(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read(1)

    async def alerts(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(_INTERNAL_ERROR)

    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(http(400))

    async with AsyncExitStack() as stack:
        ports = {}
        for name, context in _contexts().items():
            ports[name] = stack.enter_context(_speaking_tls(context))
        for name, serve in (
            ("hangs up", hangs_up),
            ("alert", alerts),
            ("mute", mute),
            ("plain port", plain),
        ):
            ports[name] = await stack.enter_async_context(listening(serve))
        found = {name: (True, f"127.0.0.1:{port}") for name, port in ports.items()}
        stack.enter_context(names_of_our_own())
        free = stack.enter_context(socket.socket())
        free.bind(("127.0.0.1", 0))
        yield found | {
            "nothing listens": (False, f"127.0.0.1:{free.getsockname()[1]}"),
            "queue full": (False, f"127.0.0.1:{stack.enter_context(_full_queue())}"),
            "broadcast address": (False, "127.255.255.255:9"),
            "link without scope": (False, "[fe80::1]:9"),
            "unknown name": (False, "unknown.test:9"),
            "no name server": (False, "no-server.test:9"),
            "slow name server": (False, "slow.test:9"),
        }

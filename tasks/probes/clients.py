"""What the executions of one probe share: one HTTP client and one TLS context."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy

import httpx

from tasks.trust import tls_context

AGENT = "goldenpath"
# With 20 and more in flight the client's own queue shows in the latencies: 39 ms for true 20 ms.
MOST_IN_FLIGHT = 10
_KEEP_ALIVE_S = 2.0  # shorter than servers keep idle connections, so none dies under a request


@dataclass(frozen=True)
class Clients:
    """Shared by the executions of one probe. Cookies are not: those belong to one user."""

    http: httpx.AsyncClient
    in_flight: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MOST_IN_FLIGHT))


@asynccontextmanager
async def open_clients() -> AsyncIterator[Clients]:
    """Clients that ignore proxies of the environment, keep no cookies and follow no redirects."""
    limits = httpx.Limits(max_connections=None, keepalive_expiry=_KEEP_ALIVE_S)
    async with httpx.AsyncClient(
        verify=tls_context(), trust_env=False, limits=limits, timeout=None,
        headers={"User-Agent": AGENT},
    ) as http:  # fmt: skip
        http.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        yield Clients(http)

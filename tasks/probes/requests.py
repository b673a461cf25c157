"""One HTTP request of a journey, measured from its first byte to the last of the answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from time import perf_counter

import httpx

from data.errors import UsageError
from data.records.step_plan import HttpRequest
from data.rules.journey.moves import Broke, Responded
from data.rules.journey.signatures import Problem
from tasks.probes.clients import AGENT, KEEP_ALIVE_S
from tasks.probes.faults import http_problem
from tasks.trust import tls_context

_STAGES = {"connect_tcp": "tcp", "start_tls": "tls"}
# httpcore closes a connection that its own limit stops in the TLS handshake, but not one that is
# cancelled from outside: so its limit comes first.
_CONNECT_SHARE = 0.9
_NAME_S = 0.25  # a resolver that was too slow before is asked once more, for so long
# With 20 and more in flight the client's own queue shows in the latencies: 39 ms for true 20 ms.
MOST_IN_FLIGHT = 10


class Stage:
    """Where a request is, as httpcore traces it (https://www.encode.io/httpcore/extensions/)."""

    def __init__(self) -> None:
        self.name = "http"

    async def __call__(self, event: str, info: object) -> None:
        if event.endswith(".started"):
            self.name = _STAGES.get(event.split(".")[-2], "http")


@dataclass(frozen=True)
class HttpxClient:
    """Requests by httpx, a few at a time: its own queue would show in the figures of more."""

    http: httpx.AsyncClient
    in_flight: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MOST_IN_FLIGHT))

    async def ask(self, spec: HttpRequest, cookies: httpx.Cookies) -> Responded | Broke:
        """See `Client.ask`."""
        stage = Stage()
        request = _build(self.http, spec, stage, cookies)
        async with self.in_flight:
            started_s = perf_counter()
            try:
                async with asyncio.timeout(spec.timeout):
                    got = await self.http.send(request)
            except (httpx.HTTPError, OSError) as error:
                return await _broke(error, spec, stage)
            ended_s = perf_counter()
        cookies.extract_cookies(got)
        headers = {name.lower(): value for name, value in got.headers.items()}
        return Responded(got.status_code, headers, got.text, started_s, ended_s)


@asynccontextmanager
async def open_client() -> AsyncIterator[HttpxClient]:
    """A client that ignores proxies of the environment, keeps no cookies, follows no redirects."""
    limits = httpx.Limits(max_connections=None, keepalive_expiry=KEEP_ALIVE_S)
    async with httpx.AsyncClient(
        verify=tls_context(), trust_env=False, limits=limits, timeout=None,
        headers={"User-Agent": AGENT},
    ) as http:  # fmt: skip
        http.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        yield HttpxClient(http)


def _build(
    client: httpx.AsyncClient, spec: HttpRequest, stage: Stage, cookies: httpx.Cookies
) -> httpx.Request:
    try:
        request = client.build_request(
            spec.method, spec.url, headers=spec.headers, content=spec.body,
            json=spec.json_body, extensions={"trace": stage},
            timeout=httpx.Timeout(None, connect=spec.timeout * _CONNECT_SHARE),
        )  # fmt: skip
        cookies.set_cookie_header(request)
    except (httpx.InvalidURL, ValueError, TypeError) as error:
        raise UsageError(f"cannot send {spec.method} {spec.url}: {error}") from error
    return request


def cookie_header(url: str, cookies: httpx.Cookies) -> dict[str, str]:
    """The header with the user's cookies for a ws:// or wss:// address, {} without any."""
    request = httpx.Request("GET", url.replace("ws", "http", 1))
    cookies.set_cookie_header(request)
    return {"Cookie": request.headers["cookie"]} if "cookie" in request.headers else {}


async def _broke(error: Exception, spec: HttpRequest, stage: Stage) -> Broke:
    problem = http_problem(error, stage.name)
    if problem and problem.signature == "tcp/timeout" and await _is_nameless(spec.url):
        problem = Problem("dns/timeout", "no answer in time at stage dns")
    if problem is None:
        raise UsageError(f"cannot send {spec.method} {spec.url}: {error}") from error
    return Broke(problem.signature, problem.message, perf_counter())


async def _is_nameless(url: str) -> bool:
    """Whether the name still has no answer: to httpcore a name is a part of connecting."""
    try:
        async with asyncio.timeout(_NAME_S):
            await asyncio.get_running_loop().getaddrinfo(httpx.URL(url).host, None)
    except TimeoutError:
        return True
    except OSError:
        return False
    return False

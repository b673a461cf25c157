"""The API of a forge, GitHub or GitLab: one host, and a token that is in no message."""

from __future__ import annotations

import asyncio
import ssl
from functools import cache
from types import TracebackType
from typing import Any

import httpx

from data.errors import ForgeAway, ForgeRefused

_TRIES = 4
_TIMEOUT_S = 10.0
_MOST_WAIT_S = 30.0
_PASSES = (429, 500, 502, 503, 504)
_PAGE = 100
_MOST_PAGES = 10


@cache
def _tls() -> ssl.SSLContext:
    """To read the certificates takes a tenth of a second; they serve every client."""
    return httpx.create_ssl_context()


class Forge:
    """A client of one forge. It follows no redirect: a token goes to the configured host alone."""

    def __init__(self, kind: str, api: str, token: str) -> None:
        """Args: kind: `github` or `gitlab`. api: root, such as `https://api.github.com`."""
        self.kind = kind
        self._root = api.rstrip("/")
        name = "private-token" if kind == "gitlab" else "authorization"
        headers = {name: token if kind == "gitlab" else f"Bearer {token}"}
        self._client = httpx.AsyncClient(timeout=_TIMEOUT_S, headers=headers, verify=_tls())

    async def __aenter__(self) -> Forge:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._client.aclose()

    async def ask(
        self, method: str, path: str, body: Any = None, again: bool = True, **query: Any
    ) -> Any:
        """One call, and what it answers, as values; None where the answer has no JSON.

        Args:
            path: below the root, already encoded.
            again: it may be sent twice. Else it is only tried again where it was surely not done:
                no connection, or told to come later.

        Raises:
            ForgeRefused: it will not do it, however often it is asked.
            ForgeAway: it could not be reached, or has trouble of its own.
        """
        url = httpx.URL(f"{self._root}/{path}")
        for attempt in range(_TRIES):
            wait_s = 2.0**attempt / 2
            try:
                answer = await self._client.request(method, url, json=body, params=query or None)
            except httpx.HTTPError as error:
                said = f"{self.kind} could not be reached: {type(error).__name__}"
                if not again and not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
                    raise ForgeAway(said) from None
            else:
                if answer.is_success:
                    return _values(answer)
                said = f"{self.kind} answered {answer.status_code} to {url.path}"
                if not _may_pass(answer):
                    raise ForgeRefused(said, answer.status_code, answer.text[:2000])
                if not again and answer.status_code >= 500:
                    raise ForgeAway(said)
                wait_s = _told_wait_s(answer, wait_s)
            if attempt + 1 < _TRIES:
                await asyncio.sleep(wait_s)
        raise ForgeAway(said)

    async def pages(self, path: str, **query: Any) -> list[Any]:
        """All entries of a list, at most 1,000.

        Raises:
            ForgeRefused: as `ask`; also an answer that is no list, or a list that goes on.
            ForgeAway: as `ask`.
        """
        found: list[Any] = []
        for page in range(1, _MOST_PAGES + 1):
            part = await self.ask("GET", path, **query, per_page=_PAGE, page=page)
            if not isinstance(part, list):
                raise ForgeRefused(f"{self.kind} answered no list to /{path}", 200, "")
            found += part
            if len(part) < _PAGE:
                return found
        raise ForgeRefused(f"{self.kind} lists more than {len(found)} at /{path}", 200, "")


def _values(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return None


def _may_pass(answer: httpx.Response) -> bool:
    """GitHub says 403 as well where too much was asked, and then says until when."""
    limited = "retry-after" in answer.headers or answer.headers.get("x-ratelimit-remaining") == "0"
    return answer.status_code in _PASSES or (answer.status_code == 403 and limited)


def _told_wait_s(answer: httpx.Response, wait_s: float) -> float:
    told = answer.headers.get("retry-after", "")
    return min(float(told[:6]), _MOST_WAIT_S) if told.isdigit() else wait_s

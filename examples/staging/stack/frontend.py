"""The frontend service: its pages and a health answer that can be degraded with HTTP 200.

Run: `python -m stack.frontend`.
"""

from __future__ import annotations

import asyncio
import html
import resource
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from stack import service
from stack.settings import Settings, read_settings

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Netra Apex</title></head>
<body><main id="app" data-auth-url="{auth}" data-backend-url="{backend}" data-ws-url="{ws}">
<h1>{heading}</h1></main></body></html>
"""


async def dependency(url: str) -> dict[str, Any]:
    """Say whether something listens at an address. Nothing configured is not connected."""
    parts = urlsplit(url)
    try:
        opening = asyncio.open_connection(parts.hostname, parts.port or 80)
        _, writer = await asyncio.wait_for(opening, timeout=1.0)
        writer.close()
    except (OSError, TimeoutError) as error:
        reason = str(error) or type(error).__name__
        return {"status": "unhealthy", "connected": False, "url": url, "error": reason}
    return {"status": "healthy", "connected": True, "url": url, "error": None}


def _lost(found: dict[str, Any]) -> dict[str, Any]:
    error = "request to backend timed out after 5000 ms"
    return {**found, "status": "unhealthy", "connected": False, "error": error}


class Frontend:
    """The endpoints."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def health(self, _: Request) -> JSONResponse:
        backend, auth = await asyncio.gather(
            dependency(self._settings.backend_url), dependency(self._settings.auth_url)
        )
        if self._settings.behaviour.frontend_degraded:
            backend = _lost(backend)
        return JSONResponse(self._health_body(backend, auth))  # HTTP 200 either way

    def _health_body(self, backend: dict[str, Any], auth: dict[str, Any]) -> dict[str, Any]:
        whole = backend["connected"] and auth["connected"]
        return {
            "status": "healthy" if whole else "degraded",
            "service": "frontend",
            "version": service.VERSION,
            "environment": "staging",
            "timestamp": service.iso_now(),
            "uptime": round(service.uptime_s(), 3),
            "memory": {"max_rss_kb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss},
            "dependencies": {"backend": backend, "auth": auth},
            "checks": {"pages": "ok", "dependencies": "ok" if whole else "degraded"},
            "urls": {"auth": self._settings.auth_url, "backend": self._settings.backend_url},
        }

    async def page(self, request: Request) -> HTMLResponse:
        heading = {"/login": "Sign in", "/chat": "Chat"}.get(request.url.path, "Netra Apex")
        backend = self._settings.backend_url
        filled = {
            "auth": self._settings.auth_url,
            "backend": backend,
            "ws": backend.replace("http", "ws", 1) + "/ws",
            "heading": heading,
        }
        return HTMLResponse(_PAGE.format(**{k: html.escape(v) for k, v in filled.items()}))

    def routes(self) -> list[Route]:
        pages = [Route(path, self.page) for path in ("/", "/login", "/chat")]
        return [Route("/health", self.health), *pages]


def build(settings: Settings) -> ASGIApp:
    """Return the frontend application."""
    return service.build("frontend", settings, Frontend(settings).routes())


if __name__ == "__main__":
    settings = read_settings(needs_secret=False)
    service.serve(build(settings), settings)

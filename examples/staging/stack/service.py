"""What the three services share: the door, /version, JSON bodies and the server loop."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Lifespan, Message, Receive, Scope, Send

from stack.naming import Naming
from stack.settings import Settings

VERSION = "1.0.0"  # a constant, as in the real product: it identifies no deployment
STARTED_AT = datetime.now(UTC)
_STARTED_S = time.monotonic()
_STAMPED = frozenset({"http.response.start", "websocket.http.response.start", "websocket.accept"})


def uptime_s() -> float:
    return time.monotonic() - _STARTED_S


def iso_now() -> str:
    return datetime.now(UTC).isoformat()


class Door:
    """The outermost layer: stamps X-Revision on every answer, refuses while not ready."""

    def __init__(self, app: ASGIApp, settings: Settings, naming: Naming, *, refuses: bool) -> None:
        self._app = app
        self._behaviour = settings.behaviour
        self._naming = naming
        self._refuses = refuses

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        named = self._naming.name_for(scope["path"])
        scope.setdefault("state", {})["named_revision"] = named
        refusal = await self._refusal()
        await (refusal or self._app)(scope, receive, stamped(send, named))

    async def _refusal(self) -> JSONResponse | None:
        if not self._refuses:
            return None
        if self._behaviour.refuse_after_s is not None:
            await asyncio.sleep(self._behaviour.refuse_after_s)
            return unavailable("Startup failed: no backend available", "failed", 0)
        remaining_s = self._behaviour.ready_after_s - uptime_s()
        if remaining_s <= 0:
            return None
        progress = round(100 * (1 - remaining_s / self._behaviour.ready_after_s))
        return unavailable("Startup in progress", "database_setup", progress)


def unavailable(message: str, phase: str, progress: int) -> JSONResponse:
    """Return the 503 of a backend that has not started."""
    body = {
        "status": "unhealthy",
        "message": message,
        "startup_in_progress": phase != "failed",
        "details": {"phase": phase, "progress": progress},
    }
    return JSONResponse(body, 503)


def stamped(send: Send, revision: str) -> Send:
    """Return a `send` that adds the X-Revision header to the start of an answer."""

    async def stamping(message: Message) -> None:
        if message["type"] in _STAMPED:
            header = (b"x-revision", revision.encode("latin-1", "replace"))
            message["headers"] = [*message.get("headers", []), header]
        await send(message)

    return stamping


def build(
    service: str,
    settings: Settings,
    routes: Sequence[BaseRoute],
    *,
    naming: Naming | None = None,
    lifespan: Lifespan[Starlette] | None = None,
    refuses: bool = False,
) -> ASGIApp:
    """Return the whole application of a service."""
    version = Route("/version", _version_endpoint(service, settings))
    app = Starlette(
        routes=[version, *routes],
        lifespan=lifespan,
        exception_handlers={HTTPException: _error_as_json},
    )
    return Door(app, settings, naming or Naming(settings), refuses=refuses)


def _version_endpoint(service: str, settings: Settings) -> Any:
    async def version(request: Request) -> JSONResponse:
        named = request.scope["state"]["named_revision"]
        digest = hashlib.sha256(f"{service}:{named}".encode()).hexdigest()
        body = {
            "service": service,
            "revision": named,
            "image_digest": f"sha256:{digest}",
            "commit": hashlib.sha256(named.encode()).hexdigest()[:12],
            "started_at": STARTED_AT.isoformat(),
        }
        return JSONResponse(body)

    return version


async def _error_as_json(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return JSONResponse({"detail": error.detail}, error.status_code, headers=error.headers)


async def json_object(request: Request) -> dict[str, Any]:
    """Return the body as an object; anything else is a 422."""
    try:
        body = await request.json()
    except ValueError:
        raise HTTPException(422, "body is not JSON") from None
    if not isinstance(body, dict):
        raise HTTPException(422, "body is not an object")
    return body


async def required_strings(request: Request, *names: str) -> list[str]:
    """Return the named fields of the body; a missing or empty one is a 422 that names it."""
    body = await json_object(request)
    for name in names:
        value = body.get(name)
        if not isinstance(value, str) or not value:
            fault: Any = [{"type": "missing", "loc": ["body", name], "msg": "Field required"}]
            raise HTTPException(422, fault)
    return [body[name] for name in names]


def _is_news(record: logging.LogRecord) -> bool:
    # Uvicorn reports each handshake that was refused with a response of our own as an
    # application that forgot to complete it.
    return "without completing handshake" not in record.getMessage()


def serve(app: ASGIApp, settings: Settings) -> None:
    """Serve until SIGTERM, on loopback, with one worker."""
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=settings.port,
        loop="asyncio",
        lifespan="on",
        log_level="warning",
        access_log=False,
        server_header=False,
        ws_max_size=1024 * 1024,  # our own limit is far below and answers in words
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=1,
    )
    logging.getLogger("uvicorn.error").addFilter(_is_news)
    uvicorn.Server(config).run()

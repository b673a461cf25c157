"""The backend service: threads, agents and the WebSocket. Run: `python -m stack.backend`."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.types import ASGIApp

from stack import service
from stack.backend_health import BackendHealth
from stack.chat import Chat
from stack.conversations import Conversations
from stack.naming import Naming
from stack.settings import Settings, read_settings
from stack.sockets import Sockets


class UnifiedExecutionEngineFactory:
    """A factory that lost its `configure` in a refactoring; startup-crash still calls it."""


def build(settings: Settings) -> ASGIApp:
    """Return the backend application; the startup-crash revision raises instead."""
    if settings.behaviour.crash_at_start:
        UnifiedExecutionEngineFactory.configure(settings)  # type: ignore[attr-defined]
    naming = Naming(settings)
    conversations = Conversations(settings.data_dir / "backend.db")

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        conversations.database.close()

    routes = [
        *BackendHealth(settings, conversations.database).routes(),
        *Chat(settings, conversations, naming).routes(),
        *Sockets(settings, conversations).routes(),
    ]
    return service.build(
        "backend", settings, routes, naming=naming, lifespan=lifespan, refuses=True
    )


if __name__ == "__main__":
    settings = read_settings(needs_secret=True)
    service.serve(build(settings), settings)

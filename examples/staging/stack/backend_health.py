"""What the backend says about itself: health in its several shapes, and its surroundings."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from stack import service
from stack.database import Database
from stack.settings import Settings

_CAPABILITIES = (
    "agent_execution",
    "tool_system",
    "llm_integration",
    "websocket_integration",
    "database_connectivity",
)
_MCP_SERVERS = {"billing": ["cost_explorer", "list_accounts"], "search": ["search_documents"]}


class BackendHealth:
    """Health, discovery and MCP: the endpoints that need no token."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings = settings
        self._database = database

    async def health(self, _: Request) -> JSONResponse:
        return JSONResponse({"status": "healthy", **_identity()})

    async def ready(self, _: Request) -> JSONResponse:
        return JSONResponse({"status": "ready", **_identity()})

    async def live(self, _: Request) -> JSONResponse:
        return JSONResponse({"status": "alive", **_identity()})

    async def startup(self, _: Request) -> JSONResponse:
        done = {"phase": "complete", "progress": 100}
        facts = {"startup_complete": True, "startup_in_progress": False, "details": done}
        return JSONResponse({"status": "healthy", **facts, **_identity()})

    async def capabilities(self, _: Request) -> JSONResponse:
        can = dict.fromkeys(_CAPABILITIES, True)
        body = {**_identity(), "status": "healthy", "capabilities": can, "golden_path_ready": True}
        return JSONResponse(body)

    async def api_health(self, _: Request) -> JSONResponse:
        body = {
            "status": "healthy",
            "timestamp": time.time(),
            "uptime_seconds": round(service.uptime_s(), 3),
            "checks": await self._checks(),
            "version": service.VERSION,
            "environment": "staging",
        }
        return JSONResponse(body)

    async def _checks(self) -> dict[str, Any]:
        # SQLite plays Postgres and is really asked; the two others have no stand-in.
        began_s = time.perf_counter()
        await self._database.row("SELECT count(*) FROM threads")
        took_ms = round((time.perf_counter() - began_s) * 1000, 3)
        checks = {"postgres": _check(took_ms), "redis": _check(0.4), "clickhouse": _check(1.1)}
        if self._settings.behaviour.auth_tables_elsewhere:
            checks["auth_tables"] = _check(0.9, error='relation "users" does not exist')
        return checks

    async def discovery(self, _: Request) -> JSONResponse:
        url = self._settings.backend_url
        ws_url = url.replace("http", "ws", 1) + "/ws"
        backend = {
            "port": urlsplit(url).port or self._settings.port,
            "url": url,
            "api_url": f"{url}/api",
            "ws_url": ws_url,
            "timestamp": service.iso_now(),
        }
        services = {"backend": backend}
        return JSONResponse(
            {"services": services, "timestamp": service.iso_now(), "available": True}
        )

    async def mcp_config(self, _: Request) -> JSONResponse:
        servers = {name: {"transport": "http", "enabled": True} for name in _MCP_SERVERS}
        return JSONResponse({"mcpServers": servers, "status": "success"})

    async def mcp_servers(self, _: Request) -> JSONResponse:
        data = [
            {
                "id": f"mcp_{name}",
                "name": name,
                "status": "connected",
                "version": service.VERSION,
                "capabilities": tools,
            }
            for name, tools in _MCP_SERVERS.items()
        ]
        return JSONResponse({"data": data, "status": "success"})

    def routes(self) -> list[Route]:
        return [
            Route("/health", self.health),
            Route("/health/ready", self.ready),
            Route("/health/live", self.live),
            Route("/health/startup", self.startup),
            Route("/health/backend", self.capabilities),
            Route("/api/health", self.api_health),
            Route("/api/discovery/services", self.discovery),
            Route("/api/mcp/config", self.mcp_config),
            Route("/api/mcp/servers", self.mcp_servers),
        ]


def _identity() -> dict[str, Any]:
    facts = {"service": "netra-ai-platform", "version": service.VERSION}
    return {**facts, "timestamp": time.time()}


def _check(took_ms: float, error: str | None = None) -> dict[str, Any]:
    return {
        "status": "unhealthy" if error else "healthy",
        "connected": error is None,
        "response_time_ms": took_ms,
        "error": error,
    }

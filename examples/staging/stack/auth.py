"""The auth service: accounts, tokens and their validation. Run: `python -m stack.auth`."""

from __future__ import annotations

import contextlib
import hmac
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from stack import service, tokens
from stack.accounts import Accounts
from stack.settings import Settings, read_settings

_ENDPOINTS = ("login", "register", "refresh", "logout", "validate", "verify", "me", "service-token")


class Auth:
    """The endpoints, over one account store."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._accounts = Accounts(settings.data_dir / "auth.db")

    # -- tokens for people ------------------------------------------------------------

    async def register(self, request: Request) -> JSONResponse:
        email, password, name = await service.required_strings(request, "email", "password", "name")
        if "@" not in email:
            raise HTTPException(422, "email is not an address")
        user = await self._accounts.add(email, password, name)
        if user is None:
            raise HTTPException(409, "User with this email already exists")
        shown = {"id": user["id"], "email": user["email"], "name": user["name"]}
        return JSONResponse({**await self._pair(user), "user": shown})

    async def login(self, request: Request) -> JSONResponse:
        email, password = await service.required_strings(request, "email", "password")
        user = await self._accounts.sign_in(email, password)
        if user is None:
            raise HTTPException(401, "Invalid credentials")
        shown = {"id": user["id"], "email": user["email"]}
        return JSONResponse({**await self._pair(user), "user": shown})

    async def refresh(self, request: Request) -> JSONResponse:
        (token,) = await service.required_strings(request, "refresh_token")
        claims = self._claims_or_401(token, "refresh")
        user = await self._accounts.by_id(claims["sub"])
        if user is None or not await self._accounts.spend_refresh(claims["jti"]):
            raise HTTPException(401, "Invalid refresh token")
        return JSONResponse(await self._pair(user))

    async def logout(self, request: Request) -> JSONResponse:
        # Always a success: who holds no valid token is logged out already.
        with contextlib.suppress(tokens.BadToken):
            claims = await self._claims(tokens.bearer(request.headers.get("authorization")))
            await self._accounts.log_out(claims["sub"], claims["jti"])
        return JSONResponse({"message": "Logged out successfully", "status": "success"})

    async def _pair(self, user: dict[str, Any]) -> dict[str, Any]:
        secret, who = self._settings.secret, (user["id"], user["email"])
        refresh = tokens.mint(secret, "refresh", *who)
        jti = tokens.check(secret, refresh, kinds=("refresh",))["jti"]
        await self._accounts.keep_refresh(jti, user["id"])
        return {
            "access_token": tokens.mint(secret, "access", *who),
            "refresh_token": refresh,
            "token_type": "Bearer",
            "expires_in": tokens.LIFETIME_S["access"],
        }

    # -- what a token says ------------------------------------------------------------

    async def _claims(self, token: str | None) -> dict[str, Any]:
        if token is None:
            raise tokens.BadToken("No token given")
        claims = tokens.check(self._settings.secret, token)
        if await self._accounts.is_logged_out(claims["jti"]):
            raise tokens.BadToken("Token was logged out")
        return claims

    def _claims_or_401(self, token: str, kind: str) -> dict[str, Any]:
        try:
            return tokens.check(self._settings.secret, token, kinds=(kind,))
        except tokens.BadToken as error:
            raise HTTPException(401, f"Invalid token: {error}") from None

    async def validate(self, request: Request) -> JSONResponse:
        (token,) = await service.required_strings(request, "token")
        try:
            claims = await self._claims(token)
        except tokens.BadToken as error:
            return JSONResponse({"valid": False, "error": "invalid_token", "message": str(error)})
        return JSONResponse({"valid": True, **_about(claims), "expires_at": _expires(claims)})

    async def verify(self, request: Request) -> JSONResponse:
        try:
            claims = await self._claims(tokens.bearer(request.headers.get("authorization")))
        except tokens.BadToken:
            nobody = {"user_id": None, "email": None, "exp": None}
            return JSONResponse({"valid": False, **nobody, "permissions": []})
        return JSONResponse({"valid": True, **_about(claims), "exp": claims["exp"]})

    async def me(self, request: Request) -> JSONResponse:
        try:
            claims = await self._claims(tokens.bearer(request.headers.get("authorization")))
        except tokens.BadToken as error:
            raise HTTPException(401, f"Invalid token: {error}") from None
        user = await self._accounts.by_id(claims["sub"])
        if user is None:
            raise HTTPException(401, "User not found")
        named = {"name": user["name"], "created_at": user["created_at"]}
        return JSONResponse({**_about(claims), **named, "token_expires_at": _expires(claims)})

    # -- tokens for services ----------------------------------------------------------

    async def service_token(self, request: Request) -> JSONResponse:
        who, shown = await service.required_strings(request, "service_id", "service_secret")
        expected = tokens.service_secret(self._settings.secret, who)
        if not hmac.compare_digest(shown.encode(), expected.encode()):
            raise HTTPException(401, "Invalid service credentials")
        token = tokens.mint(self._settings.secret, "service", who, "", ("service",))
        lifetime_s = tokens.LIFETIME_S["service"]
        body = {"access_token": token, "token_type": "Bearer", "expires_in": lifetime_s}
        return JSONResponse(body)

    # -- facts ------------------------------------------------------------------------

    async def config(self, _: Request) -> JSONResponse:
        endpoints = {name: f"{self._settings.auth_url}/auth/{name}" for name in _ENDPOINTS}
        facts = {"google_client_id": "", "oauth_enabled": False, "development_mode": False}
        return JSONResponse({**facts, "endpoints": endpoints})

    async def providers(self, _: Request) -> JSONResponse:
        google = {"name": "google", "configured": False, "enabled": False}
        return JSONResponse({"providers": [google], "count": 1})

    async def oauth_status(self, _: Request) -> JSONResponse:
        return JSONResponse({"oauth_enabled": False, "status": "not_configured"})

    async def health(self, _: Request) -> JSONResponse:
        await self._accounts.database.row("SELECT count(*) FROM users")
        body = {
            "status": "healthy",
            "service": "auth-service",
            "version": service.VERSION,
            "timestamp": service.iso_now(),
            "uptime_seconds": round(service.uptime_s(), 3),
            "database_status": "connected",
            "environment": "staging",
        }
        return JSONResponse(body)

    async def capabilities(self, _: Request) -> JSONResponse:
        can = {
            "jwt_validation": True,
            "session_management": True,
            "oauth_configured": False,
            "database_connected": True,
        }
        facts = {"service": "auth-service", "version": service.VERSION, "timestamp": time.time()}
        return JSONResponse(
            {**facts, "status": "healthy", "capabilities": can, "golden_path_ready": True}
        )

    def routes(self) -> list[Route]:
        return [
            Route("/auth/register", self.register, methods=["POST"]),
            Route("/auth/login", self.login, methods=["POST"]),
            Route("/auth/refresh", self.refresh, methods=["POST"]),
            Route("/auth/logout", self.logout, methods=["POST"]),
            Route("/auth/validate", self.validate, methods=["POST"]),
            Route("/auth/verify", self.verify),
            Route("/auth/me", self.me),
            Route("/auth/service-token", self.service_token, methods=["POST"]),
            Route("/auth/config", self.config),
            Route("/oauth/providers", self.providers),
            Route("/oauth/status", self.oauth_status),
            Route("/health", self.health),
            Route("/health/auth", self.capabilities),
        ]

    @contextlib.asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        yield
        self._accounts.database.close()


def _about(claims: dict[str, Any]) -> dict[str, Any]:
    permissions = claims.get("permissions", [])
    return {"user_id": claims["sub"], "email": claims.get("email"), "permissions": permissions}


def _expires(claims: dict[str, Any]) -> str:
    return datetime.fromtimestamp(claims["exp"], UTC).isoformat()


def build(settings: Settings) -> ASGIApp:
    """Return the auth application."""
    auth = Auth(settings)
    return service.build("auth", settings, auth.routes(), lifespan=auth.lifespan)


if __name__ == "__main__":
    settings = read_settings(needs_secret=True)
    service.serve(build(settings), settings)

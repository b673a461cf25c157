"""Who is asking: the user behind a request or a WebSocket handshake."""

from __future__ import annotations

import base64
import binascii

from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.websockets import WebSocket

from stack import tokens
from stack.settings import Settings

ANONYMOUS = "anonymous"
_TOKEN_PREFIX = "jwt."
_ANSWERED = "jwt-auth"
_FOREIGN = "netra-internal.v2"


def user_of_request(settings: Settings, request: HTTPConnection) -> str:
    """Return the user id of a request: 403 without a token, 401 with a bad one."""
    token = tokens.bearer(request.headers.get("authorization"))
    try:
        return _user(settings, token)
    except tokens.BadToken as error:
        status = 403 if token is None else 401
        raise HTTPException(status, "Not authenticated" if status == 403 else str(error)) from None


def user_of_socket(settings: Settings, ws: WebSocket) -> str | None:
    """Return the user id of a handshake, or None when it must be refused.

    The Authorization header is asked first; what it says is final.
    """
    try:
        return _user(settings, tokens.bearer(ws.headers.get("authorization")) or _offered_token(ws))
    except tokens.BadToken:
        return None


def _user(settings: Settings, token: str | None) -> str:
    try:
        if token is None:
            raise tokens.BadToken("No token given")
        return str(tokens.check(settings.secret, token)["sub"])
    except tokens.BadToken:
        if settings.behaviour.open_doors:
            return ANONYMOUS
        raise


def _offered_token(ws: WebSocket) -> str | None:
    for item in ws.scope["subprotocols"]:
        if item.startswith(_TOKEN_PREFIX):
            return _decoded(item.removeprefix(_TOKEN_PREFIX))
    return None


def _decoded(unpadded: str) -> str:
    try:
        return base64.urlsafe_b64decode(unpadded + "=" * (-len(unpadded) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise tokens.BadToken("The offered token is not base64url") from None


def subprotocol(settings: Settings, offered: list[str]) -> str | None:
    """Return the subprotocol to answer with: `jwt-auth` when it was offered, else none."""
    if not settings.behaviour.foreign_subprotocol:
        return _ANSWERED if _ANSWERED in offered else None
    return _FOREIGN if _FOREIGN not in offered else _FOREIGN + ".x"

"""JSON Web Tokens of the product: auth mints them, auth and backend check them alone."""

from __future__ import annotations

import hashlib
import hmac
import time
import uuid
from collections.abc import Iterable
from typing import Any

import jwt

ISSUER = "netra-auth-service"
AUDIENCE = "netra-platform"
LIFETIME_S = {"access": 15 * 60, "refresh": 7 * 24 * 3600, "service": 60 * 60}
USER_PERMISSIONS = ("read", "write")
_REQUIRED = ["sub", "iat", "exp", "iss", "jti"]


class BadToken(Exception):
    """A token that does not let anyone in; the text says why."""


def mint(
    secret: str, kind: str, subject: str, email: str, permissions: Iterable[str] = USER_PERMISSIONS
) -> str:
    """Return a signed token of a kind: access, refresh or service."""
    now_s = int(time.time())
    claims = {
        "sub": subject,
        "iat": now_s,
        "exp": now_s + LIFETIME_S[kind],
        "token_type": kind,
        "type": kind,
        "iss": ISSUER,
        "aud": AUDIENCE,
        "jti": uuid.uuid4().hex,
        "env": "staging",
        "svc_id": "netra-auth-staging",
        "email": email,
        "permissions": list(permissions),
    }
    return jwt.encode(claims, secret, algorithm="HS256")


def check(
    secret: str, token: str, *, kinds: Iterable[str] = ("access", "service")
) -> dict[str, Any]:
    """Return the claims of a valid token of one of the kinds; raise `BadToken` otherwise.

    A token without an audience or a kind passes: the contract does not require them.
    """
    options: Any = {"require": _REQUIRED, "verify_aud": False}
    try:
        claims = jwt.decode(token, secret, algorithms=["HS256"], issuer=ISSUER, options=options)
    except jwt.InvalidTokenError as error:
        raise BadToken(str(error)) from None
    if claims.get("aud", AUDIENCE) != AUDIENCE:
        raise BadToken("Audience doesn't match")
    kind = claims.get("token_type") or claims.get("type") or "access"
    if kind not in kinds:
        raise BadToken(f"A {kind} token is of no use here")
    return claims


def bearer(header: str | None) -> str | None:
    """Return the token of an Authorization header, or None when it carries none."""
    scheme, _, token = (header or "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def service_secret(secret: str, service_id: str) -> str:
    """Return the secret that a service must show to get a service token."""
    return hmac.new(secret.encode(), service_id.encode(), hashlib.sha256).hexdigest()

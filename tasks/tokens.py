"""JSON Web Tokens: the only place that knows the library."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeGuard

import jwt

from data.errors import UsageError
from data.records.hooks import Oidc
from data.records.step_plan import TokenStep

_PAST_S = 3600.0  # how long an expired token has been expired: beyond any leeway


def mint(spec: TokenStep, key: str, now_s: float) -> str:
    """A signed token, or the broken one that the plan asks for (RFC 7519).

    `iat` and `exp` come from `now_s` and the ttl unless the claims give them. An expired token
    is right in everything else; `signature` is signed with another key of the same length;
    `none_alg` is not signed at all (RFC 8725 2.1).

    Args:
        spec: the step with its claims filled in.
        key: the signing key itself.
        now_s: seconds since the epoch.

    Raises:
        UsageError: the algorithm is unknown, or the key does not suit it.
    """
    algorithm = "none" if spec.broken == "none_alg" else spec.algorithm
    try:
        return jwt.encode(_claims(spec, now_s), _key(spec, key), algorithm=algorithm)
    except (jwt.PyJWTError, NotImplementedError, TypeError, ValueError) as error:
        kind = type(error).__name__
        raise UsageError(f"cannot sign with {spec.algorithm}: {kind}") from None  # no key in logs


def _claims(spec: TokenStep, now_s: float) -> dict[str, object]:
    if spec.broken == "expired":
        until_s = now_s - _PAST_S
        return {**spec.claims, "iat": int(until_s - spec.ttl), "exp": int(until_s)}
    return {"iat": int(now_s), "exp": int(now_s + spec.ttl), **spec.claims}


def _key(spec: TokenStep, key: str) -> str:
    if spec.broken == "none_alg":
        return ""
    return "".join(chr((ord(letter) ^ 1) or 1) for letter in key) if _is_forged(spec) else key


def _is_forged(spec: TokenStep) -> bool:
    return spec.broken == "signature"


def app_token(app: str, key: str, now_s: float) -> str:
    """What a GitHub App proves itself with: RS256, for nine minutes, a minute in the past.

    Raises:
        UsageError: the key is no RSA private key in PEM.

    Source: GitHub, "Generating a JSON Web Token (JWT) for a GitHub App".
    """
    claims = {"iat": int(now_s) - 60, "exp": int(now_s) + 540, "iss": app}
    try:
        return jwt.encode(claims, key, algorithm="RS256")
    except (jwt.PyJWTError, TypeError, ValueError) as error:
        kind = type(error).__name__
        raise UsageError(f"the App's key is no RSA private key in PEM: {kind}") from None


def key_id(token: str) -> str:
    """`kid` of a token that nobody has checked yet; "" where it names none or is no token."""
    try:
        found = jwt.get_unverified_header(token).get("kid")
    except jwt.PyJWTError:
        return ""
    return found if isinstance(found, str) else ""


def refusal(token: str, jwk: Mapping[str, Any] | None, oidc: Oidc, now_s: float) -> str:
    """Why the OIDC token of a Pub/Sub push is not believed; "" when it is.

    RS256 alone, whatever the token's header says, with an RSA key of the issuer: so `none`, and
    HMAC with the public key as its secret, are refused (RFC 8725 3.1). `iss`, `aud`, `exp`, `iat`,
    `email` and `email_verified` must be there and be right; a clock may be 30 s off.

    Args:
        jwk: the issuer's key with the token's `kid`, None where it has none.
        now_s: seconds since the epoch.
    """
    if jwk is None:
        return "the token is signed by an unknown key"
    if jwk.get("kty") != "RSA":
        return "the issuer's key is no RSA key"
    try:
        key = jwt.PyJWK.from_dict(dict(jwk), algorithm="RS256").key
        claims = jwt.decode(token, key, algorithms=["RS256"], options=_BY_HAND)
    except (jwt.PyJWTError, ValueError, TypeError) as error:
        return f"the token is not genuine: {type(error).__name__}"
    return _claims_refused(claims, oidc, now_s)


_LEEWAY_S = 30.0
# times are checked against the clock that we were given; the rest is compared exactly
_BY_HAND: Any = {"verify_exp": False, "verify_iat": False, "verify_nbf": False, "verify_aud": False}


def _claims_refused(claims: Mapping[str, Any], oidc: Oidc, now_s: float) -> str:
    if claims.get("iss") not in oidc.issuers:
        return "the token is of another issuer"
    if claims.get("aud") != oidc.audience:
        return "the token is for another audience"
    expires, issued = claims.get("exp"), claims.get("iat")
    if not _is_time(expires) or not _is_time(issued):
        return "the token does not say when it was issued and when it ends"
    if now_s > expires + _LEEWAY_S:
        return "the token has expired"
    starts = claims.get("nbf", issued)
    if not _is_time(starts) or max(issued, starts) > now_s + _LEEWAY_S:
        return "the token was issued in the future"
    if claims.get("email") != oidc.email or claims.get("email_verified") is not True:
        return "the token is of another account, or of one that is not verified"
    return ""


def _is_time(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e12

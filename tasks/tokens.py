"""JSON Web Tokens: the only place that knows the library."""

from __future__ import annotations

import jwt

from data.errors import UsageError
from data.records.probe_plan import TokenStep

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

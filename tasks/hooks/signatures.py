"""Whether a delivery comes from who holds the secret: the raw bytes, in constant time.

Every check returns "" when the delivery is genuine, else why not, in words that hold neither the
secret nor what was sent. Nothing here parses the body.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence

from data.rules.hooks.config import SIGNING_PREFIX, signing_key

TOLERANCE_S = 300  # Standard Webhooks 1.0: five minutes, both ways
_MOST_SIGNATURES = 16


def github(secrets: Sequence[str], headers: Mapping[str, str], body: bytes) -> str:
    """`X-Hub-Signature-256: sha256=<hex>`, HMAC-SHA256 of the body. The old SHA-1 is not read.

    Source: GitHub, "Validating webhook deliveries".
    """
    given = headers.get("x-hub-signature-256")
    if given is None:
        return "no X-Hub-Signature-256"
    if not headers.get("x-github-delivery"):
        return "no X-GitHub-Delivery"
    wanted = ("sha256=" + _hmac(s.encode(), body).hex() for s in secrets)
    return "" if _any_equal(wanted, given) else "X-Hub-Signature-256 does not fit the body"


def gitlab(secrets: Sequence[str], headers: Mapping[str, str], body: bytes, now_s: float) -> str:
    """A signing token (`whsec_…`, as Standard Webhooks), else the plain `X-Gitlab-Token`.

    A secret that can sign is never taken as plain token: it would travel in the clear.
    """
    signing = [s for s in secrets if s.startswith(SIGNING_PREFIX)]
    if signing and "webhook-signature" in headers:
        return standard(signing, headers, body, now_s)
    plain = [s for s in secrets if not s.startswith(SIGNING_PREFIX)]
    if not plain:
        return "no webhook-signature"
    given = headers.get("x-gitlab-token")
    if given is None:
        return "no X-Gitlab-Token"
    return "" if _any_equal(plain, given) else "X-Gitlab-Token is wrong"


def bearer(secrets: Sequence[str], headers: Mapping[str, str]) -> str:
    """`Authorization: Bearer <token>`."""
    scheme, _, given = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not given:
        return "no Authorization: Bearer"
    return "" if _any_equal(secrets, given) else "the bearer token is wrong"


def standard(secrets: Sequence[str], headers: Mapping[str, str], body: bytes, now_s: float) -> str:
    """Standard Webhooks 1.0, `v1`: base64 of HMAC-SHA256 over `id.timestamp.body`.

    Any of the signatures, by any of the secrets, is enough: that is how a secret is replaced.
    """
    for name in ("webhook-id", "webhook-timestamp", "webhook-signature"):
        if not headers.get(name):
            return f"no {name}"
    stamp = headers["webhook-timestamp"]
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
        return "webhook-timestamp is no number of seconds"
    if abs(now_s - int(stamp)) > TOLERANCE_S:
        return f"webhook-timestamp is more than {TOLERANCE_S} s off"
    signed = f"{headers['webhook-id']}.{stamp}.".encode("utf-8", "surrogateescape") + body
    given = headers["webhook-signature"].split(" ")[:_MOST_SIGNATURES]
    versions = [one.removeprefix("v1,") for one in given if one.startswith("v1,")]
    keys = [key for key in map(signing_key, secrets) if key is not None]
    wanted = [base64.b64encode(_hmac(key, signed)).decode() for key in keys]
    # every pair is compared, so that the time says nothing of which one was near
    fits = [_any_equal(wanted, one) for one in versions]
    return "" if any(fits) else "webhook-signature does not fit the body"


def sign_standard(secret: str, delivery_id: str, stamp_s: int, body: bytes) -> str:
    """The `webhook-signature` that a sender gives."""
    key = base64.b64decode(secret.removeprefix(SIGNING_PREFIX))
    signed = f"{delivery_id}.{stamp_s}.".encode() + body
    return "v1," + base64.b64encode(_hmac(key, signed)).decode()


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, hashlib.sha256).digest()


def _any_equal(wanted: Iterable[str], given: str) -> bool:
    """All are compared, equal or not. As bytes: `compare_digest` refuses text beyond ASCII."""
    told = given.encode("utf-8", "surrogateescape")
    equal = [hmac.compare_digest(one.encode(), told) for one in wanted]
    return any(equal)

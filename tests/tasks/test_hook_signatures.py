"""A delivery is genuine only by the secret, for this body, now; nothing else is ever enough."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from data.records.hooks import Oidc
from tasks.hooks import signatures
from tasks.hooks.keys import IssuerKeys
from tasks.tokens import key_id, refusal

VECTORS = Path(__file__).parents[3] / "shared" / "data" / "judge_vectors.json"
NOW = 1_700_000_000
SECRET = "whsec_" + base64.b64encode(b"a" * 32).decode()
OTHER = "whsec_" + base64.b64encode(b"b" * 32).decode()
BODY = b'{"type": "deployment.succeeded"}'


def vector(scheme: str) -> dict[str, str]:
    if not VECTORS.exists():
        pytest.skip("the published vectors are not on this machine (../shared/data)")
    found = json.loads(VECTORS.read_text())["webhook_signatures"]
    return next(v for v in found if v["scheme"].startswith(scheme))


def signed(
    secret: str = SECRET, id: str = "msg_1", at: int = NOW, body: bytes = BODY
) -> dict[str, str]:
    return {
        "webhook-id": id,
        "webhook-timestamp": str(at),
        "webhook-signature": signatures.sign_standard(secret, id, at, body),
    }


def hub(body: bytes, secret: str = "secret" * 4) -> dict[str, str]:
    code = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {"x-hub-signature-256": f"sha256={code}", "x-github-delivery": "1"}


def test_github_s_own_example_is_genuine() -> None:
    v = vector("github")
    headers = {"x-hub-signature-256": v["expected_header"], "x-github-delivery": "1"}
    assert signatures.github([v["secret"]], headers, v["body"].encode()) == ""


def test_the_standard_s_own_example_is_genuine_in_its_time_alone() -> None:
    v = vector("standard")
    headers = {k: v[k] for k in ("webhook-id", "webhook-timestamp")} | {
        "webhook-signature": v["expected_header"]
    }
    at = int(v["webhook-timestamp"])
    assert signatures.standard([v["secret"]], headers, v["body"].encode(), at) == ""
    assert signatures.standard([v["secret"]], headers, v["body"].encode(), at + 301) != ""


def without(headers: dict[str, str], name: str) -> dict[str, str]:
    return {k: v for k, v in headers.items() if k != name}


REFUSED: dict[str, dict[str, str]] = {
    "no id": without(signed(), "webhook-id"),
    "no timestamp": without(signed(), "webhook-timestamp"),
    "no signature": without(signed(), "webhook-signature"),
    "empty signature": signed() | {"webhook-signature": ""},
    "another secret": signed(OTHER),
    "another body": signed(body=BODY + b" "),
    "another id": signed() | {"webhook-id": "msg_2"},
    "another time": signed() | {"webhook-timestamp": str(NOW + 1)},
    "stale": signed(at=NOW - 301),
    "from the future": signed(at=NOW + 301),
    "time in Arabic digits": signed() | {"webhook-timestamp": "١٧٠٠٠٠٠٠٠٠"},
    "time with a sign": signed() | {"webhook-timestamp": f"+{NOW}"},
    "time without end": signed() | {"webhook-timestamp": "9" * 5000},
    "no version": signed() | {"webhook-signature": signed()["webhook-signature"][3:]},
    "another version": signed() | {"webhook-signature": "v2" + signed()["webhook-signature"][2:]},
    "in capitals": signed() | {"webhook-signature": signed()["webhook-signature"].upper()},
    "letters beyond ASCII": signed() | {"webhook-signature": "v1,ｇ0hM"},
    "dot moved from id to time": signed(id="msg_1.1") | {"webhook-id": "msg_1"},
}


@pytest.mark.parametrize("headers", REFUSED.values(), ids=REFUSED)
def test_a_standard_webhook_that_is_not_right_is_refused(headers: dict[str, str]) -> None:
    assert signatures.standard([SECRET], headers, BODY, NOW) != ""


def test_any_of_several_signatures_and_secrets_is_enough() -> None:
    both = signed(OTHER)["webhook-signature"] + " " + signed()["webhook-signature"]
    assert signatures.standard([SECRET], signed() | {"webhook-signature": both}, BODY, NOW) == ""
    assert signatures.standard([OTHER, SECRET], signed(), BODY, NOW) == ""


@given(st.binary(max_size=100), st.binary(max_size=100))
def test_a_signature_is_for_its_body_alone(one: bytes, other: bytes) -> None:
    secrets = ["secret" * 4]
    assert signatures.github(secrets, hub(one), one) == ""
    assert (signatures.github(secrets, hub(one), other) == "") == (one == other)


GITHUB_REFUSED: dict[str, dict[str, str]] = {
    "no signature": without(hub(BODY), "x-hub-signature-256"),
    "no delivery id": without(hub(BODY), "x-github-delivery"),
    "the old SHA-1 only": {"x-hub-signature": "sha1=" + hmac.new(b"secret" * 4, BODY, "sha1").hexdigest(), "x-github-delivery": "1"},
    "in capitals": hub(BODY) | {"x-hub-signature-256": "sha256=" + hub(BODY)["x-hub-signature-256"][7:].upper()},
    "prefix in capitals": hub(BODY) | {"x-hub-signature-256": "SHA256=" + hub(BODY)["x-hub-signature-256"][7:]},
    "two in one": hub(BODY) | {"x-hub-signature-256": f'{hub(BODY)["x-hub-signature-256"]}, sha256=0'},
    "no prefix": hub(BODY) | {"x-hub-signature-256": hub(BODY)["x-hub-signature-256"][7:]},
    "another secret": hub(BODY, "other" * 4),
    "empty": hub(BODY) | {"x-hub-signature-256": "sha256="},
    "beyond ASCII": hub(BODY) | {"x-hub-signature-256": "sha256=ａｂ\udcff"},
}  # fmt: skip


@pytest.mark.parametrize("headers", GITHUB_REFUSED.values(), ids=GITHUB_REFUSED)
def test_a_github_delivery_that_is_not_right_is_refused(headers: dict[str, str]) -> None:
    assert signatures.github(["secret" * 4], headers, BODY) != ""


def test_gitlab_signs_or_sends_its_token() -> None:
    plain = "plain-token-of-gitlab"
    assert signatures.gitlab([SECRET], signed(), BODY, NOW) == ""
    assert signatures.gitlab([plain], {"x-gitlab-token": plain}, BODY, NOW) == ""
    assert signatures.gitlab([plain], {"x-gitlab-token": plain + "x"}, BODY, NOW) != ""
    assert signatures.gitlab([plain], {}, BODY, NOW) != ""
    assert (
        signatures.gitlab([SECRET, plain], signed(OTHER) | {"x-gitlab-token": plain}, BODY, NOW)
        != ""
    )


def test_a_secret_that_signs_is_no_plain_token() -> None:
    assert signatures.gitlab([SECRET], {"x-gitlab-token": SECRET}, BODY, NOW) != ""


# --- the token of a Pub/Sub push

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
WRONG_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
JWK: dict[str, Any] = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key())) | {
    "kid": "k1"
}
PEM = KEY.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)
OIDC = Oidc(audience="https://gate/hooks/google", email="push@project.iam")
CLAIMS: dict[str, Any] = {
    "iss": "https://accounts.google.com", "aud": OIDC.audience, "email": OIDC.email,
    "email_verified": True, "iat": NOW - 10, "exp": NOW + 3590,
}  # fmt: skip


def token(key: Any = KEY, alg: str = "RS256", **claims: Any) -> str:
    told = {k: v for k, v in (CLAIMS | claims).items() if v is not None}
    return jwt.encode(told, key, algorithm=alg, headers={"kid": "k1"})


def hs256_with_the_public_key() -> str:
    """Made by hand: pyjwt refuses to sign so."""

    def part(value: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    head = f"{part({'alg': 'HS256', 'typ': 'JWT', 'kid': 'k1'})}.{part(CLAIMS)}"
    code = hmac.new(PEM, head.encode(), hashlib.sha256).digest()
    return f"{head}.{base64.urlsafe_b64encode(code).rstrip(b'=').decode()}"


def test_a_genuine_token_is_believed() -> None:
    assert key_id(token()) == "k1"
    assert refusal(token(), JWK, OIDC, NOW) == ""


TOKENS: dict[str, Callable[[], str]] = {
    "alg none": lambda: token(None, "none"),
    "HS256 with the public key": hs256_with_the_public_key,
    "signed by another key": lambda: token(WRONG_KEY),
    "RS512": lambda: token(alg="RS512"),
    "another issuer": lambda: token(iss="https://evil"),
    "no issuer": lambda: token(iss=None),
    "another audience": lambda: token(aud="https://other"),
    "several audiences": lambda: token(aud=[OIDC.audience, "https://other"]),
    "no audience": lambda: token(aud=None),
    "expired": lambda: token(exp=NOW - 31),
    "no end": lambda: token(exp=None),
    "end is text": lambda: token(exp="9999999999"),
    "end is true": lambda: token(exp=True),
    "issued in the future": lambda: token(iat=NOW + 31),
    "not issued": lambda: token(iat=None),
    "not valid yet": lambda: token(nbf=NOW + 31),
    "another account": lambda: token(email="other@project.iam"),
    "account with a look-alike": lambda: token(email="рush@project.iam"),
    "no account": lambda: token(email=None),
    "not verified": lambda: token(email_verified=False),
    "verified as text": lambda: token(email_verified="true"),
    "cut short": lambda: token()[:-4],
    "payload of another": lambda: ".".join([token().split(".")[0], token(sub="x").split(".")[1], token().split(".")[2]]),
    "no token": lambda: "abc",
    "empty": lambda: "",
}  # fmt: skip


@pytest.mark.parametrize("made", TOKENS.values(), ids=TOKENS)
def test_a_token_that_is_not_right_is_refused_without_being_shown(made: Callable[[], str]) -> None:
    told = made()
    why = refusal(told, JWK, OIDC, NOW)
    assert why and (not told or told not in why)


def test_an_unknown_or_unfit_key_is_no_key() -> None:
    assert refusal(token(), None, OIDC, NOW) != ""
    secret = base64.urlsafe_b64encode(PEM).rstrip(b"=").decode()
    assert (
        refusal(hs256_with_the_public_key(), {"kty": "oct", "k": secret, "kid": "k1"}, OIDC, NOW)
        != ""
    )


async def test_keys_come_from_a_file_and_strangers_do_not_make_it_read_again(
    tmp_path: Path,
) -> None:
    file = tmp_path / "keys.json"
    file.write_text(json.dumps({"keys": [JWK]}))
    keys = IssuerKeys(str(file))
    assert await keys.find("k1") == JWK
    file.write_text(json.dumps({"keys": [JWK | {"kid": "k2"}]}))
    assert await keys.find("k2") is None, "asked again within a minute"
    assert await keys.find("k1") == JWK


async def test_keys_that_cannot_be_had_are_no_keys(tmp_path: Path) -> None:
    for text in ("", "[]", "{}", '{"keys": [1]}', '{"keys": [{"kty": "RSA"}]}'):
        (tmp_path / "keys").write_text(text)
        assert await IssuerKeys(str(tmp_path / "keys")).find("k1") is None
    assert await IssuerKeys(str(tmp_path / "none")).find("k1") is None

"""A Pub/Sub push through the whole receiver: believed by its token alone."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from test_hooks import AT, serving

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
AUDIENCE, EMAIL = "https://gate/hooks/google", "push@p.iam"
PUSH = json.dumps({"message": {
    "data": base64.b64encode(b"{}").decode(), "publishTime": AT.isoformat(),
    "attributes": {"ResourceType": "Rollout", "Action": "Succeed", "TargetId": "prod", "ReleaseId": "rel-1"},
}}).encode()  # fmt: skip


def config(folder: Path) -> str:
    jwk: dict[str, Any] = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key()))
    (folder / "keys.json").write_text(json.dumps({"keys": [jwk | {"kid": "k1"}]}))
    return (
        f"sources: {{google: {{kind: google, oidc: {{audience: '{AUDIENCE}', email: '{EMAIL}',"
        f" keys: '{folder / 'keys.json'}'}}, environments: {{prod: production}}}}}}\n"
        "environments: {production: {deployment: validate/production}}\n"
    )


def token(kid: str = "k1", **claims: Any) -> str:
    now = int(time.time())
    told = {
        "iss": "https://accounts.google.com",
        "aud": AUDIENCE,
        "email": EMAIL,
        "email_verified": True,
        "iat": now,
        "exp": now + 3600,
    }
    return jwt.encode(told | claims, KEY, algorithm="RS256", headers={"kid": kid})


async def test_a_genuine_push_starts_one_run(tmp_path: Path) -> None:
    async with serving(tmp_path, config(tmp_path)) as gate:
        for _ in range(2):
            answer = await gate.post("google", PUSH, {"authorization": f"Bearer {token()}"})
            assert answer.status_code == 202, answer.text
        await gate.receiver.settle()
        assert [p["revision"] for p in gate.ledger.parameters] == ["rel-1"]


OTHERS = {
    "none": "",
    "no-token": "Bearer ",
    "another-scheme": "Basic no-token-of-google",
    "no-jwt": "Bearer no-token-of-google",
    "unknown-key": f"Bearer {token('k2')}",
    "another-audience": f"Bearer {token(aud='x')}",
    "expired": f"Bearer {token(exp=1)}",
    "9000-bytes": "Bearer " + "a" * 9000,
}


@pytest.mark.parametrize("which", OTHERS)
async def test_any_other_push_is_refused_and_its_token_is_not_kept(
    tmp_path: Path, which: str
) -> None:
    given = OTHERS[which].strip()
    async with serving(tmp_path, config(tmp_path)) as gate:
        answer = await gate.post("google", PUSH, {"authorization": given})
        assert answer.status_code == 401
        assert gate.ledger.keys == []
        secret = given.partition(" ")[2]
        assert not secret or secret not in gate.receiver.book.path.read_text()

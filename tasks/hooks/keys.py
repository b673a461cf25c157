"""The public keys of a token's issuer: fetched when an unknown one is named, and kept."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

_AGAIN_S = 60.0  # an attacker who names keys that nobody has must not make us ask each time
_STALE_S = 6 * 3600.0  # a key that the issuer withdrew is believed no longer than this
_TIMEOUT_S = 5.0
_MOST_BYTES = 1_000_000


class IssuerKeys:
    """A JWKS (RFC 7517) by address or file."""

    def __init__(self, place: str) -> None:
        """Args: place: an http(s) address, or the path of a file."""
        self._place = place
        self._keys: dict[str, Mapping[str, Any]] = {}
        self._tried_s = self._read_s = float("-inf")
        self._lock = asyncio.Lock()

    async def find(self, kid: str) -> Mapping[str, Any] | None:
        """The key of that id; None where the issuer has none or cannot be asked."""
        async with self._lock:
            now_s = time.monotonic()
            is_stale = now_s - self._read_s > _STALE_S
            if (kid not in self._keys or is_stale) and now_s - self._tried_s >= _AGAIN_S:
                self._tried_s = now_s
                await self._renew(now_s)
            return self._keys.get(kid) if now_s - self._read_s <= _STALE_S else None

    async def _renew(self, now_s: float) -> None:
        try:
            document = json.loads(await self._text())
            keys: dict[str, Mapping[str, Any]] = {key["kid"]: key for key in document["keys"]}
        except (OSError, httpx.HTTPError, ValueError, KeyError, TypeError):
            return  # what is known stays; who asks is told that the key is unknown
        self._keys, self._read_s = keys, now_s

    async def _text(self) -> str:
        if not self._place.startswith(("http://", "https://")):
            return await asyncio.to_thread(Path(self._place).read_text, "utf-8")
        async with httpx.AsyncClient(timeout=_TIMEOUT_S, trust_env=False) as client:
            answer = (await client.get(self._place)).raise_for_status()
        if len(answer.content) > _MOST_BYTES:
            raise ValueError("too long for a set of keys")
        return answer.text

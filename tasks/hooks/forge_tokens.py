"""The token with which a forge is answered: as given, or made for an installation of an App."""

from __future__ import annotations

import time

from data.errors import ForgeRefused
from data.records.hooks import Answers
from tasks.forge import Forge
from tasks.tokens import app_token

_LIFE_S = 50 * 60.0  # GitHub's live an hour


class ForgeTokens:
    """Tokens of one source; those of an App's installations are kept while they live."""

    def __init__(self, answers: Answers, kind: str, api: str, secret: str) -> None:
        """Args: secret: the token, or with `answers.app` the App's private key."""
        self._answers, self._kind, self._api, self._secret = answers, kind, api, secret
        self._kept: dict[int, tuple[float, str]] = {}

    async def find(self, installation: int) -> str:
        """The token to answer with.

        Raises:
            UsageError: the App's key is none.
            ForgeRefused: the App is not installed there, or no delivery named an installation.
            ForgeAway: try again later.
        """
        if not self._answers.app:
            return self._secret
        if not installation:
            raise ForgeRefused("the delivery names no installation of the App", 0, "")
        until_s, token = self._kept.get(installation, (0.0, ""))
        if time.monotonic() >= until_s:
            token = await self._made(installation)
            self._kept[installation] = (time.monotonic() + _LIFE_S, token)
        return token

    async def _made(self, installation: int) -> str:
        proof = app_token(self._answers.app, self._secret, time.time())
        async with Forge(self._kind, self._api, proof) as forge:
            path = f"app/installations/{installation}/access_tokens"
            made = await forge.ask("POST", path, {})
        if not isinstance(made, dict) or not isinstance(made.get("token"), str):
            raise ForgeRefused("github answered no token for the App", 200, "")
        return str(made["token"])

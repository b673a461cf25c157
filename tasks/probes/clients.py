"""Who asks HTTP requests for a journey: httpx for a few of them, our own wire for a load."""

from __future__ import annotations

from typing import Protocol

import httpx

from data.records.step_plan import HttpRequest
from data.rules.journey.moves import Broke, Responded

AGENT = "goldenpath"
KEEP_ALIVE_S = 2.0  # shorter than servers keep idle connections, so none dies under a request


class Client(Protocol):
    """Shared by the executions of one probe. Cookies are not: those belong to one user."""

    async def ask(self, spec: HttpRequest, cookies: httpx.Cookies) -> Responded | Broke:
        """Send a request and read the whole answer; cookies of the answer are added.

        Raises:
            UsageError: the request cannot be sent as the plan has it.
        """
        ...

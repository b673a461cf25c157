"""A control in front of the target, and what its clients ask."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection

from data.records.control import Control
from tasks.controls.serve import serve_control
from tests.controls.target import EVENTS, Seen, target

GOOD = {"Authorization": "Bearer good"}
WHOLE = Control(id="whole", kind="close", after=10**9)  # a proxy that breaks nothing
ME = {"user": {"user_id": "usr_42", "email": "ann@example.com", "age": 7}}


class Stage:
    """A control in front of the target."""

    def __init__(self, urls: dict[str, str], http: Seen, talk: Seen) -> None:
        self.api, self.chat = urls["api"], "ws" + urls["chat"].removeprefix("http")
        self.http, self.talk = http, talk


@asynccontextmanager
async def staged(**keys: Any) -> AsyncIterator[Stage]:
    control = Control.model_validate_json(json.dumps({"id": "x", **keys})) if keys else WHOLE
    async with (
        target() as (http, talk),
        serve_control(control, {"api": http.url, "chat": talk.url}) as urls,
    ):
        yield Stage(urls, http, talk)


@asynccontextmanager
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=5, headers=GOOD) as http:
        yield http


async def events(socket: ClientConnection, text: str = "go", n: int = len(EVENTS)) -> list[Any]:
    await socket.send(text)
    return [json.loads(await asyncio.wait_for(socket.recv(), 5)) for _ in range(n)]


def names(found: list[Any]) -> list[str]:
    return [event.get("type", "") for event in found]

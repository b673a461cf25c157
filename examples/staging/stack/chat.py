"""Threads, messages and agents over HTTP: what needs a signed-in user."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from stack import answers, doors, service
from stack.agent import gaps_s
from stack.conversations import Conversations
from stack.naming import Naming
from stack.settings import Settings

_AGENTS = ("triage", "data", "optimization")


class Chat:
    """The endpoints."""

    def __init__(self, settings: Settings, conversations: Conversations, naming: Naming) -> None:
        self._settings = settings
        self._conversations = conversations
        self._naming = naming

    def _user(self, request: Request) -> str:
        return doors.user_of_request(self._settings, request)

    # -- threads ----------------------------------------------------------------------

    async def threads(self, request: Request) -> JSONResponse:
        user_id = self._user(request)
        if request.method != "POST":
            return JSONResponse(await self._conversations.threads(user_id))
        body = await service.json_object(request)
        title, metadata = str(body.get("title") or "New thread"), body.get("metadata") or {}
        if not isinstance(metadata, dict):
            raise HTTPException(422, "metadata is not an object")
        return JSONResponse(await self._conversations.open_thread(user_id, title, metadata))

    async def thread(self, request: Request) -> JSONResponse:
        user_id = self._user(request)
        return JSONResponse(await self._own_thread(user_id, request.path_params["thread_id"]))

    async def thread_messages(self, request: Request) -> JSONResponse:
        user_id, thread_id = self._user(request), request.path_params["thread_id"]
        await self._own_thread(user_id, thread_id)
        if request.method == "POST":
            (content,) = await service.required_strings(request, "content")
            return JSONResponse(await self._conversations.add(user_id, thread_id, "user", content))
        return JSONResponse(await self._page(user_id, thread_id))

    async def _own_thread(self, user_id: str, thread_id: str) -> dict[str, Any]:
        if found := await self._conversations.thread(user_id, thread_id):
            return found
        raise HTTPException(404, "Thread not found")

    async def _page(self, user_id: str, thread_id: str) -> dict[str, Any]:
        messages = await self._conversations.messages(user_id, thread_id)
        return {"thread_id": thread_id, "messages": messages, "total": len(messages)}

    # -- messages without a thread in the path ----------------------------------------

    async def chat_messages(self, request: Request) -> JSONResponse:
        user_id = self._user(request)
        if request.method == "POST":
            return JSONResponse(await self._say(user_id, request))
        thread_id = request.query_params.get("thread_id", "")
        await self._own_thread(user_id, thread_id)
        return JSONResponse(await self._page(user_id, thread_id))

    async def _say(self, user_id: str, request: Request) -> dict[str, Any]:
        (content,) = await service.required_strings(request, "content")
        thread_id = (await service.json_object(request)).get("thread_id")
        if thread_id is None:
            thread = await self._conversations.open_thread(user_id, "New thread", {})
        else:
            thread = await self._own_thread(user_id, str(thread_id))
        return await self._conversations.add(user_id, thread["id"], "user", content)

    # -- agents -----------------------------------------------------------------------

    async def execute(self, request: Request) -> JSONResponse:
        self._naming.mark_replaced()
        return await self._answer(request, "execute")

    async def named_agent(self, request: Request) -> JSONResponse:
        agent = request.path_params["agent"]
        if agent not in _AGENTS:
            raise HTTPException(404, "Agent not found")
        return await self._answer(request, agent)

    async def _answer(self, request: Request, agent: str) -> JSONResponse:
        self._user(request)
        (text,) = await service.required_strings(request, "message")
        began_s, behaviour = time.monotonic(), self._settings.behaviour
        await asyncio.sleep(sum(gaps_s(behaviour, text)))
        body = {
            "status": "success",
            "agent": agent,
            "response": answers.answer(behaviour.answer, text),
            "execution_time": round(time.monotonic() - began_s, 4),
            "circuit_breaker_state": "CLOSED",
            "error": None,
        }
        return JSONResponse(body)

    async def agents_status(self, request: Request) -> JSONResponse:
        self._user(request)
        agents = [{"name": name, "status": "available"} for name in _AGENTS]
        return JSONResponse({"status": "healthy", "agents": agents, "timestamp": service.iso_now()})

    def routes(self) -> list[Route]:
        both = ["GET", "POST"]
        return [
            Route("/api/threads", self.threads, methods=both),
            Route("/api/threads/{thread_id}", self.thread),
            Route("/api/threads/{thread_id}/messages", self.thread_messages, methods=both),
            Route("/api/chat/messages", self.chat_messages, methods=both),
            Route("/api/agents/status", self.agents_status),
            Route("/api/agents/execute", self.execute, methods=["POST"]),
            Route("/api/agents/{agent}", self.named_agent, methods=["POST"]),
        ]

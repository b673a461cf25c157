"""The WebSocket of the chat: greeting, messages, agent runs, and the ways it can end."""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import Any

from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from stack import doors, limits
from stack.agent import DEFAULT_AGENT, Run, Shift, error_message
from stack.conversations import Conversations
from stack.service import iso_now
from stack.settings import Settings

AGENT_MESSAGES = frozenset(
    [
        "user_message",
        "message",
        "chat_message",
        "user_input",
        "start_agent",
        "execute_agent",
        "agent_request",
    ]
)
HEARTBEAT_AFTER_S = 30.0
CUT_IDLE_AFTER_S = 1.0
PATHS = ("/ws", "/websocket", "/ws/test")


class Sockets:
    """All sockets of the process, and the HTTP answers about them."""

    def __init__(self, settings: Settings, conversations: Conversations) -> None:
        self.settings = settings
        self.conversations = conversations
        self.lounge = limits.Lounge()
        self.shift = Shift(settings.behaviour)

    async def endpoint(self, ws: WebSocket) -> None:
        user_id = doors.user_of_socket(self.settings, ws)
        if user_id is None:
            await ws.send_denial_response(JSONResponse({"detail": "Not authenticated"}, 403))
            return
        await ws.accept(doors.subprotocol(self.settings, ws.scope["subprotocols"]))
        if not self.lounge.enter(user_id):
            await ws.close(1008, "Connection limit exceeded")
            return
        try:
            await Session(self, ws, user_id).live()
        finally:
            self.lounge.leave(user_id)

    async def health(self, _: Any) -> JSONResponse:
        facts = {"service": "websocket", "active_connections": self.lounge.n_open}
        return JSONResponse({"status": "healthy", **facts, "timestamp": iso_now()})

    async def config(self, _: Any) -> JSONResponse:
        allowed = {
            "max_connections_per_user": limits.MAX_CONNECTIONS_PER_USER,
            "max_messages_per_minute": limits.MAX_MESSAGES_PER_MINUTE,
            "max_message_size_bytes": limits.MAX_MESSAGE_BYTES,
            "heartbeat_interval_seconds": HEARTBEAT_AFTER_S,
        }
        facts = {"endpoints": list(PATHS), "subprotocols": ["jwt-auth"]}
        return JSONResponse({"websocket_config": {**facts, "limits": allowed}, "status": "success"})

    async def stats(self, _: Any) -> JSONResponse:
        counts = {
            "active_connections": self.lounge.n_open,
            "connected_users": self.lounge.n_users,
            "messages_received": self.lounge.n_messages,
        }
        return JSONResponse({**counts, "timestamp": iso_now()})

    def routes(self) -> list[BaseRoute]:
        about = {"/ws/health": self.health, "/ws/config": self.config, "/ws/stats": self.stats}
        facts = [Route(path, answer) for path, answer in about.items()]
        return [*facts, *(WebSocketRoute(path, self.endpoint) for path in PATHS)]


class Session:
    """One open socket of one user."""

    def __init__(self, sockets: Sockets, ws: WebSocket, user_id: str) -> None:
        self._sockets = sockets
        self._mode = sockets.settings.behaviour.sockets
        self._ws = ws
        self._user_id = user_id
        self._ended = False
        self._runs: set[asyncio.Task[None]] = set()

    async def live(self) -> None:
        """Talk until either side closes; runs that are under way end with the socket."""
        try:
            await self._send(self._greeting())
            while True:
                await self._handle(await self._next_text())
        except WebSocketDisconnect:
            pass
        finally:
            self._ended = True
            for run in self._runs:
                run.cancel()

    # -- in and out -------------------------------------------------------------------

    async def _next_text(self) -> str:
        idle_s = CUT_IDLE_AFTER_S if self._mode == "cut" else HEARTBEAT_AFTER_S
        while True:
            try:
                message = await asyncio.wait_for(self._ws.receive(), idle_s)
            except TimeoutError:
                await self._idle()
                continue
            if message["type"] == "websocket.disconnect":
                raise WebSocketDisconnect(message.get("code") or 1005)
            text = message.get("text")
            return str(text if text is not None else message["bytes"].decode(errors="replace"))

    async def _idle(self) -> None:
        if self._mode == "cut":
            await self._end(1000, "main cleanup")
        else:
            await self._send({"type": "heartbeat", "timestamp": iso_now()})

    async def _send(self, message: dict[str, Any]) -> None:
        if not self._ended:
            await self._ws.send_text(json.dumps(message))

    async def _end(self, code: int, reason: str) -> None:
        if not self._ended:
            self._ended = True
            await self._ws.close(code, reason)

    async def _complain(self, code: str, text: str, hint: str, **details: Any) -> None:
        await self._send(error_message(code, text, hint, **details))

    def _greeting(self) -> dict[str, Any]:
        data = {
            "event": "connection_established",
            "connection_ready": True,
            "user_id": self._user_id,
            "connection_id": f"conn_{uuid.uuid4().hex}",
        }
        return {"type": "system_message", "data": data, "timestamp": iso_now()}

    # -- what a message asks for ------------------------------------------------------

    async def _handle(self, text: str) -> None:
        if (message := await self._parsed(text)) is None:
            return
        kind = message.get("type")
        if kind in AGENT_MESSAGES:
            await self._begin_run(message)
        elif self._mode == "cut":
            await self._end(1000, "main cleanup")
        elif kind == "ping":
            data = {"timestamp": iso_now(), "user_id": self._user_id}
            await self._send({"type": "pong", "data": data})
        else:
            await self._acknowledge(kind)

    async def _acknowledge(self, kind: Any) -> None:
        about = {"received_type": kind, "timestamp": iso_now(), "user_id": self._user_id}
        await self._send({"type": "ack", **about, "status": "acknowledged"})

    async def _parsed(self, text: str) -> dict[str, Any] | None:
        if (size := len(text.encode())) > limits.MAX_MESSAGE_BYTES:
            hint = f"Send at most {limits.MAX_MESSAGE_BYTES} bytes"
            await self._complain("MESSAGE_TOO_LARGE", "Message is too large", hint, bytes=size)
            return None
        try:
            message = json.loads(text)
        except ValueError as error:
            await self._complain(
                "INVALID_JSON", "Message is not JSON", "Send JSON", error=str(error)
            )
            return None
        if not isinstance(message, dict):
            await self._complain("INVALID_MESSAGE", "Message is not an object", "Send an object")
            return None
        return message if await self._within_rate(message) else None

    async def _within_rate(self, message: dict[str, Any]) -> bool:
        now_s = asyncio.get_running_loop().time()
        # Pings are free: a client that only keeps its socket alive says nothing.
        if message.get("type") == "ping" or self._sockets.lounge.may_say(self._user_id, now_s):
            return True
        limit = limits.MAX_MESSAGES_PER_MINUTE
        await self._complain("RATE_LIMIT_EXCEEDED", f"More than {limit} a minute", "Wait a minute")
        return False

    # -- agent runs -------------------------------------------------------------------

    async def _begin_run(self, message: dict[str, Any]) -> None:
        payload = message.get("payload")
        payload = payload if isinstance(payload, dict) else {}
        text = message.get("content") or payload.get("user_request")
        if not isinstance(text, str) or not text.strip():
            hint = "Give content or payload.user_request"
            await self._complain("VALIDATION_ERROR", "The message is empty", hint)
            return
        thread_id = message.get("thread_id") or payload.get("thread_id")
        agent = message.get("agent_name") or payload.get("agent_name")
        fate = self._sockets.shift.next_fate(asyncio.get_running_loop().time())
        behaviour = self._sockets.settings.behaviour
        run = Run(behaviour, self._user_id, text, str(agent or DEFAULT_AGENT), fate)
        task = asyncio.create_task(self._follow(run, text, str(thread_id or "")))
        self._runs.add(task)
        task.add_done_callback(self._runs.discard)

    async def _follow(self, run: Run, text: str, thread_id: str) -> None:
        n_last = len(self._sockets.settings.behaviour.events) - 1
        n_sent = 0
        try:
            async for event in run.events():
                if n_sent and self._is_cut():
                    await self._end(1000, "main cleanup")
                    return
                await self._send(event)
                if event["type"] == "error_message":
                    await self._end(1011, "Agent execution failed")
                n_sent += 1
                if n_sent == n_last:  # in the last pause, so that the answer is kept in time
                    await self._keep(thread_id, text, run.result)
        except WebSocketDisconnect:
            self._ended = True

    def _is_cut(self) -> bool:
        shared = self._mode == "cut_when_shared" and self._sockets.lounge.n_open > 1
        return shared or self._mode == "cut"

    async def _keep(self, thread_id: str, text: str, answer: str) -> None:
        kept = self._sockets.conversations
        if thread_id and await kept.thread(self._user_id, thread_id):
            await kept.add(self._user_id, thread_id, "user", text)
            await kept.add(self._user_id, thread_id, "assistant", answer)

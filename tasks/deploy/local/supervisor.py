"""The detached process that owns what was deployed locally.

`python -m tasks.deploy.local.supervisor STATE_DIR TTL_S`. Control: one JSON line each way over a
loopback connection, with the token of `STATE_DIR/supervisor.json`.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from tasks.deploy.local.generation import Generation
from tasks.deploy.local.router import Router

KEEP_RUNNING = 3  # revisions whose processes are kept, the live one included
_CHECK_S = 1.0

Reply = dict[str, Any]


class Supervisor:
    """Deploys, routes, keeps earlier revisions, rolls back, and stops when nobody uses it."""

    def __init__(self, state: Path, ttl_s: float) -> None:
        self.state, self.ttl_s = state, ttl_s
        self.token = secrets.token_hex(16)
        self.routers: dict[str, Router] = {}
        self.generations: dict[str, Generation] = {}  # oldest use first
        self.live: str | None = None
        self.last_used = time.monotonic()
        self.stopping = asyncio.Event()
        self.lock = asyncio.Lock()

    async def run(self) -> None:
        """Serve until told to stop, signalled, or idle for `ttl_s`."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stopping.set)
        server = await asyncio.start_server(self._control, "127.0.0.1", 0, limit=4_000_000)
        self._announce(server.sockets[0].getsockname()[1])
        await self._until_idle()
        server.close()
        await self._stop_all()

    def _announce(self, port: int) -> None:
        text = json.dumps({"pid": os.getpid(), "port": port, "token": self.token})
        fresh = self.state / "supervisor.json.new"
        fresh.touch(mode=0o600)
        fresh.write_text(text)
        fresh.rename(self.state / "supervisor.json")

    async def _until_idle(self) -> None:
        while not self._is_idle():
            with suppress(TimeoutError):
                await asyncio.wait_for(self.stopping.wait(), _CHECK_S)
                return

    def _is_idle(self) -> bool:
        """Nothing is being done (a deploy may take longer than `ttl_s`), nor was lately."""
        used = max([self.last_used, *(r.last_used for r in self.routers.values())])
        return not self.lock.locked() and time.monotonic() - used > self.ttl_s

    async def _stop_all(self) -> None:
        (self.state / "supervisor.json").unlink(missing_ok=True)
        await _stop_routers(self.routers.values())
        await asyncio.gather(*(g.stop() for g in self.generations.values()))

    async def _control(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.last_used = time.monotonic()
        try:
            request = json.loads(await reader.readline())
            reply = await self._answer(request)
        except (ValueError, KeyError, TypeError) as error:
            reply = {"ok": False, "message": f"not understood: {error!r}"}
        writer.write(json.dumps(reply).encode() + b"\n")
        await writer.drain()
        writer.close()

    async def _answer(self, request: dict[str, Any]) -> Reply:
        if not secrets.compare_digest(str(request.pop("token", "")), self.token):
            return {"ok": False, "message": "wrong token"}
        verbs: dict[str, Callable[..., Awaitable[Reply]]] = {
            "listen": self.listen,
            "deploy": self.deploy,
            "retain": self.retain,
            "roll_back": self.roll_back,
            "status": self.status,
            "stop": self.stop,
        }
        async with self.lock:
            return await verbs[str(request.pop("do"))](**request)

    async def listen(self, ports: dict[str, int]) -> Reply:
        """Open the public ports: all of them, or none where one is in use.

        A supervisor that could not listen and holds nothing ends itself.
        """
        opened: dict[str, Router] = {}
        for service, port in ports.items():
            if service in self.routers and self.routers[service].port == port:
                continue
            opened[service] = Router(port)
            try:
                await opened[service].start()
            except OSError as error:
                await _stop_routers(opened.values())
                self._end_if_empty()
                text = f"port {port} of service {service} cannot be used: {error.strerror}"
                return {"ok": False, "message": text}
        await _stop_routers(self.routers[name] for name in opened if name in self.routers)
        self.routers |= opened
        return {"ok": True}

    def _end_if_empty(self) -> None:
        if not self.generations:
            (self.state / "supervisor.json").unlink(missing_ok=True)
            self.stopping.set()

    async def deploy(
        self, revision: str, specs: dict[str, dict[str, Any]], timeout_s: float
    ) -> Reply:
        """Start a revision; only when every process listens, route to it."""
        previous = self.live
        generation = Generation(revision, self._specs(specs, revision), self.state / "logs")
        problem = await generation.start(timeout_s)
        tail = generation.log_tail()
        if problem:
            await generation.stop()
            return {"ok": False, "message": problem, "log_tail": tail, "previous": previous}
        replaced = self.generations.pop(revision, None)
        self._route(generation)
        if replaced is not None:
            await replaced.stop()
        await self._retire()
        return {"ok": True, "message": "", "log_tail": tail, "previous": previous}

    async def retain(self, revision: str, timeout_s: float) -> Reply:
        """Direct addresses of an earlier revision, started again if it was stopped."""
        generation = self.generations.get(revision)
        if generation is None:
            return {"ok": False, "message": f"revision {revision} was never deployed here"}
        problem = "" if generation.running else await self._restart(generation, timeout_s)
        if not problem and revision == self.live:
            self._route(generation)  # it may listen on other ports now
        urls = {s: f"http://127.0.0.1:{c.port}" for s, c in generation.children.items()}
        return {"ok": not problem, "message": problem, "urls": {} if problem else urls}

    async def roll_back(self, revision: str, timeout_s: float) -> Reply:
        """Route to an earlier revision, started again if it was stopped."""
        reply = await self.retain(revision, timeout_s)
        if reply["ok"]:
            self._route(self.generations[revision])
            await self._retire()
        return reply

    async def status(self) -> Reply:
        """What is live and what is kept."""
        kept = {name: g.running for name, g in self.generations.items()}
        return {"ok": True, "live": self.live, "kept": kept, "pid": os.getpid()}

    async def stop(self) -> Reply:
        """Stop everything."""
        self.stopping.set()
        return {"ok": True}

    def _specs(self, specs: dict[str, dict[str, Any]], revision: str) -> dict[str, dict[str, Any]]:
        other = self._other_than(revision)
        extra = {"PREVIOUS_REVISION": other or ""}
        return {name: {**s, "env": {**s["env"], **extra}} for name, s in specs.items()}

    def _other_than(self, revision: str) -> str | None:
        """The latest revision that served and is not this one."""
        names = [n for n in (*self.generations, self.live) if n and n != revision]
        return names[-1] if names else None

    def _route(self, generation: Generation) -> None:
        self.generations.pop(generation.revision, None)
        self.generations[generation.revision] = generation
        for service, child in generation.children.items():
            self.routers[service].switch(child.port)
        self.live = generation.revision

    async def _restart(self, generation: Generation, timeout_s: float) -> str:
        await generation.stop()
        return await generation.start(timeout_s)

    async def _retire(self) -> None:
        """Stop the processes of all but the last revisions used; their specs are kept."""
        running = [g for g in self.generations.values() if g.children]
        for generation in running[:-KEEP_RUNNING]:
            await generation.stop()


async def _stop_routers(routers: Iterable[Router]) -> None:
    for router in routers:
        await router.stop()


def main() -> None:
    """Entry point of the detached process."""
    state, ttl_s = Path(sys.argv[1]), float(sys.argv[2])
    (state / "logs").mkdir(parents=True, exist_ok=True)

    async def serve() -> None:
        await Supervisor(state, ttl_s).run()

    asyncio.run(serve())


if __name__ == "__main__":
    main()

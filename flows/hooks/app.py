"""The receiver as ASGI application: `goldenpath hooks serve` runs it, any ASGI server mounts it."""

from __future__ import annotations

import asyncio
import hmac
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from traceback import format_tb
from typing import Any

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from data.errors import UsageError, WarehouseBusy, WarehouseError
from data.records.hooks import HookDelivery
from data.report.document import run_document
from data.report.html import run_html
from data.rules.hooks.config import MOST_SECRET
from data.store.warehouse import Warehouse
from flows.hooks.receiver import Receiver

_log = logging.getLogger("goldenpath.hooks")
_ALL = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_READ_WAIT_S = 5.0
_MANY_HEADERS = 100


class _Refused(Exception):
    """A request that never became a delivery."""

    def __init__(self, status: int, reason: str, n_bytes: int = 0) -> None:
        super().__init__(reason)
        self.status, self.reason, self.n_bytes = status, reason, n_bytes


def make_app(receiver: Receiver, read_tokens: tuple[str, ...]) -> Starlette:
    """The application; its lifespan starts and stops the receiver's work.

    Args:
        read_tokens: who may read `/runs/{id}`; none: nobody.
    """
    door = _Door(receiver, read_tokens)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        receiver.begin()
        try:
            yield
        finally:
            await receiver.close()

    routes = [
        Route("/hooks/{source}", door.deliver, methods=_ALL),
        Route("/runs/{run_id}", door.run, methods=["GET"]),
        Route("/healthz", door.healthz, methods=["GET"]),
        Route("/readyz", door.readyz, methods=["GET"]),
        Route("/metrics", door.metrics, methods=["GET"]),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


class _Door:
    def __init__(self, receiver: Receiver, read_tokens: tuple[str, ...]) -> None:
        self._receiver, self._tokens = receiver, read_tokens

    async def deliver(self, request: Request) -> Response:
        """One delivery. 202: kept, whatever it means; else why it was refused."""
        began_s, name = time.perf_counter(), str(request.path_params["source"])
        client = request.client.host if request.client else ""
        try:
            try:
                row = await self._received(request, name, client)
            except _Refused as refused:
                row = self._receiver.row(name, client, refused.n_bytes)
                row = self._receiver.keep(row, refused.status, "REFUSED", refused.reason, began_s)
        except WarehouseError:  # what cannot be kept is not accepted: the sender tries again
            return JSONResponse({"error": "the delivery cannot be kept now"}, 503)
        return self._reply(row)

    async def run(self, request: Request) -> Response:
        """Verdict and report of a run: JSON, or the page where HTML is asked for."""
        if not self._may_read(request):
            return JSONResponse({"error": "a read token is needed"}, 401, _CHALLENGE)
        store = Warehouse(self._receiver.warehouse, _READ_WAIT_S)
        try:
            view = await asyncio.to_thread(store.view, str(request.path_params["run_id"]))
        except UsageError:
            return JSONResponse({"error": "no such run, or it has not begun"}, 404)
        except WarehouseBusy:
            return JSONResponse({"error": "the warehouse is in use"}, 503, {"retry-after": "5"})
        if "text/html" in request.headers.get("accept", ""):
            return HTMLResponse(await asyncio.to_thread(run_html, view))
        return JSONResponse(await asyncio.to_thread(run_document, view))

    async def healthz(self, _: Request) -> Response:
        """The process lives."""
        return JSONResponse({"status": "ok"})

    async def readyz(self, _: Request) -> Response:
        """Prefect can be asked, so that a delivery becomes a run at once. If not, it waits."""
        ready = await self._receiver.ready()
        said = "ok" if ready else "Prefect does not answer: deliveries are kept and wait"
        return JSONResponse({"status": said}, 200 if ready else 503)

    async def metrics(self, _: Request) -> Response:
        """Counters, for Prometheus."""
        return PlainTextResponse(self._receiver.figures.text())

    async def _received(self, request: Request, name: str, client: str) -> HookDelivery:
        if name not in self._receiver.hooks.sources:
            raise _Refused(404, "no such source in hooks.yaml")
        if request.method != "POST":
            raise _Refused(405, "a delivery is a POST")
        headers = _headers(request)
        body = await self._body(request)
        try:
            return await self._receiver.receive(name, headers, body, client)
        except WarehouseError:
            raise
        except Exception as error:  # a fault of ours; its text may hold what was sent
            _log.error("%s failed at\n%s", name, "".join(format_tb(error.__traceback__)))
            why = f"the receiver failed: {type(error).__name__}"
            raise _Refused(500, why, len(body)) from None

    async def _body(self, request: Request) -> bytes:
        limits, found = self._receiver.hooks.limits, bytearray()
        told = request.headers.get("content-length", "")
        if told.isascii() and told.isdigit() and int(told[:20]) > limits.body_bytes:
            raise _Refused(413, f"the body is longer than {limits.body_bytes} bytes")
        try:
            async with asyncio.timeout(limits.body_timeout_s):
                async for chunk in request.stream():
                    found += chunk
                    if len(found) > limits.body_bytes:
                        reason = f"the body is longer than {limits.body_bytes} bytes"
                        raise _Refused(413, reason, len(found))
        except TimeoutError:
            reason = f"the body did not come within {limits.body_timeout_s:g} s"
            raise _Refused(408, reason, len(found)) from None
        except ClientDisconnect:
            raise _Refused(400, "the sender hung up", len(found)) from None
        return bytes(found)

    def _reply(self, row: HookDelivery) -> Response:
        """What the sender may know. A refusal for a wrong signature does not say what was wrong."""
        said: dict[str, Any] = {"delivery": row.row_id, "outcome": row.outcome}
        said |= {"run_id": row.run_id} if row.run_id else {}
        if row.reason:
            said["reason"] = "not genuine" if row.status == 401 else row.reason
        headers = {}
        if row.status == 429:
            headers["retry-after"] = str(self._receiver.retry_after_s(row.source))
        if row.status in (408, 413):
            headers["connection"] = "close"  # what is left of the body is not read
        return JSONResponse(said, row.status, headers)

    def _may_read(self, request: Request) -> bool:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        told = given.encode("utf-8", "surrogateescape")[:MOST_SECRET]
        equal = [hmac.compare_digest(one.encode(), told) for one in self._tokens]
        return scheme.lower() == "bearer" and any(equal)


_CHALLENGE = {"www-authenticate": "Bearer"}


def _headers(request: Request) -> dict[str, str]:
    """Each once: of two signatures, this and another reader could believe different ones."""
    pairs = request.headers.items()
    found = dict(pairs)
    if len(found) != len(pairs) or len(pairs) > _MANY_HEADERS:
        raise _Refused(400, "expected each header once, and at most 100 of them")
    return found

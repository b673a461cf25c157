"""One HTTP answer that comes in events, each noted when its bytes came."""

from __future__ import annotations

import asyncio
from time import perf_counter

import httptools
import httpx

from data.records.step_plan import HttpRequest
from data.rules.journey.event_stream import EVENT_STREAM, EventReader
from data.rules.journey.moves import Broke, Closed, Message, Responded
from tasks.probes import tcp
from tasks.probes.arrivals import Arrivals
from tasks.probes.wire import ClosedEarlyError, NotHttpError, broke, keep_cookies, written

_MOST_BYTES = 2**16  # of an answer that is no stream, for its message
_WANTED = {"Accept": EVENT_STREAM, "Accept-Encoding": "identity", "Cache-Control": "no-store"}


class EventStream(Arrivals):
    """The answer to one request. Its head comes first; then `take` and `wait` give its events."""

    def __init__(self) -> None:
        super().__init__()
        self._parser = httptools.HttpResponseParser(self)
        self._reader = EventReader()
        self._head: asyncio.Future[float] = self._loop.create_future()
        self._now_s = 0.0
        self._is_stream = self._is_framed = self._has_begun = False
        self._body = b""
        self.status = 0
        self.headers: dict[str, str] = {}
        self.cookies: list[str] = []

    # What the loop says

    def data_received(self, data: bytes) -> None:
        self._now_s, self._has_begun = perf_counter(), True
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._over("cut", NotHttpError(str(error)))
        self._arrived()

    def connection_lost(self, error: Exception | None) -> None:
        self._now_s = perf_counter()
        is_end = self.status and not self._is_framed and error is None  # RFC 9112 6.3
        self._over("end" if is_end else "cut", error or ClosedEarlyError(self._has_begun))
        self._arrived()
        self._went()

    def _over(self, how: str, error: Exception | None = None) -> None:
        """Nothing more will come: an end that HTTP allows, or a break."""
        if not self._head.done():
            if how == "end" or error is None:
                self._head.set_result(self._now_s)
            else:
                self._head.set_exception(error)
        if self._closed is None:
            self._closed = Closed(0, "", "end" if how == "end" else "cut", self._now_s)

    # What the parser says

    def on_header(self, name: bytes, value: bytes) -> None:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        if key == "set-cookie":
            self.cookies.append(text)
        self._is_framed |= key in ("content-length", "transfer-encoding")
        self.headers[key] = text

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200:
            self.headers = {}
            return
        self.status = status
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        self._is_stream = kind == EVENT_STREAM
        if self._is_stream and not self._head.done():
            self._head.set_result(self._now_s)

    def on_body(self, part: bytes) -> None:
        if not self._is_stream:
            self._body = (self._body + part)[:_MOST_BYTES]
            return
        for event in self._reader.feed(part):
            self._inbox.append(Message(event.payload(), self._now_s))

    def on_message_complete(self) -> None:
        if self.status:
            self._over("end")

    # What the journey says

    async def ask(self, payload: bytes) -> float:
        """Send the request; when its head was there, or the whole of an answer that is no stream.

        Raises:
            OSError, ClosedEarlyError, NotHttpError: no answer.
        """
        assert self._transport
        self._transport.write(payload)
        return await self._head

    def text(self) -> str:
        """What an answer that is no stream says."""
        return self._body.decode("utf-8", "replace")

    async def leave(self) -> None:
        """Hang up."""
        self._abort()
        await self._until_gone()
        if not self._head.cancel() and not self._head.cancelled():
            self._head.exception()  # asked for, so that nobody complains that it was not


async def open_stream(
    spec: HttpRequest, cookies: httpx.Cookies
) -> tuple[EventStream | None, Responded | Broke]:
    """Ask for a stream of events; cookies of the answer are added.

    Raises:
        UsageError: the request cannot be sent as the plan has it.
    """
    place, payload = written(
        spec.model_copy(update={"headers": {**_WANTED, **spec.headers}}), cookies
    )
    started_s, stage, wire = perf_counter(), tcp.Stage(), None
    try:
        async with asyncio.timeout(spec.timeout):
            wire = await tcp.wired(EventStream, place, stage)
            stage.name = "http"
            ended_s = await wire.ask(payload)
    except BaseException as error:
        if wire:
            await wire.leave()
        if not isinstance(error, OSError | ClosedEarlyError | NotHttpError):
            raise
        return None, broke(error, stage.name)
    keep_cookies(cookies, wire.cookies, spec)
    return wire, Responded(wire.status, wire.headers, wire.text(), started_s, ended_s)

"""Laws of answers that come in events: read as browsers read them, judged as sockets are."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.sse import EventSourceResponse, ServerSentEvent
from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import Response

from data.records.words import Outcome
from data.rules.journey.event_stream import EventReader, StreamEvent
from data.rules.metrics import metrics_of
from tests.probes.doubles import listening, order, read, run
from tests.probes.test_load import talking

FIVE = ("began", "thought", "tool_on", "tool_off", "ended")


def asking(url: str, **expect: Any) -> dict[str, Any]:
    """A journey: ask, hear five events, of which the last answers."""
    wanted = {
        "type": "event", "events": list(FIVE), "every": {"data.user": "u-1"}, "same": ["data.run"],
        "answer": {"event": "ended", "path": "data.result", "uses": ["{{nonce}}"]},
        "within": "3s", "metrics": {"first": "first_event", "last": "message"}, **expect,
    }  # fmt: skip
    request = {"url": url, "method": "POST", "json": {"text": "say {{nonce}}"}, "timeout": "2s"}
    steps = [{"stream": {"request": request, "metric": "head"}}, {"expect": wanted}]
    return {"kind": "journey", "steps": steps, "total_metric": "whole", "retries": 0}


app = FastAPI()


@app.post("/chat", response_class=EventSourceResponse)
async def chat(asked: dict[str, str]) -> AsyncIterator[ServerSentEvent]:
    for name in FIVE:
        said = {"user": "u-1", "run": "r-9"} | ({"result": f"For {asked['text']}"} if name == "ended" else {})  # fmt: skip
        yield ServerSentEvent(data=said, event=name, id=f"{name}-1")
        await asyncio.sleep(0.01)


@app.post("/page")
async def page() -> Response:
    return Response("<h1>Sign in</h1>", media_type="text/html")


@asynccontextmanager
async def served() -> AsyncIterator[str]:
    """The application under uvicorn on a free port."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="off"))
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - it has no event to wait for
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


async def test_a_stream_of_a_known_framework_is_heard_judged_and_measured() -> None:
    async with served() as url:
        samples, result = await run(order(asking(f"{url}/chat")))
        _, wrong_user = await run(order(asking(f"{url}/chat", every={"data.user": "u-2"})))
        _, no_stream = await run(order(asking(f"{url}/page")))
        _, no_route = await run(order(asking(f"{url}/nothing")))
    assert result.outcome is Outcome.PASS, result.message
    took = {sample.metric: sample.value for sample in samples}
    assert set(took) == set(metrics_of(read({"id": "p", **asking("http://h")})))
    assert took["head"] <= took["first_event"] < took["message"] <= took["whole"]
    assert took["message"] > 40, "four pauses of 10 ms lie before the last event"
    assert wrong_user.failures[0].signature == "contract/field/data.user"
    assert no_stream.failures[0].signature == "stream/not-a-stream"
    assert no_route.failures[0].signature == "http/status/404"


@asynccontextmanager
async def saying(answer: bytes, then_s: float = 0.0) -> AsyncIterator[str]:
    """A server that hears a request, says the bytes, waits and hangs up."""

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"}")
        writer.write(answer)
        await writer.drain()
        await asyncio.sleep(then_s)

    async with listening(one) as port:
        yield f"http://127.0.0.1:{port}/"


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


def chunk(text: str) -> bytes:
    data = text.encode()
    return b"%x\r\n%b\r\n" % (len(data), data)


def event(name: str) -> str:
    data = {"user": "u-1", "run": "r", "result": "x"}
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"


ENDINGS = {
    "end of the answer": (CHUNKED + chunk(event("began")) + b"0\r\n\r\n", "stream/ended-early"),
    "end of the connection": (HEAD + b"\r\n" + event("began").encode(), "stream/ended-early"),
    "cut in the middle": (CHUNKED + chunk(event("began")) + b"40\r\nda", "stream/cut-off"),
    "no HTTP": (b"no HTTP at all\r\n\r\n", "http/not-http"),
    "garbage in the middle": (CHUNKED + chunk(event("began")) + b"zz\r\n", "stream/cut-off"),
    "hung up at once": (b"", "http/closed-early"),
    "busy": (b"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nwait", "http/status/503"),
    "busy stream": (HEAD.replace(b"200 OK", b"429 No") + b"\r\n", "http/status/429"),
}  # fmt: skip


@pytest.mark.parametrize("said", ENDINGS)
async def test_each_way_to_break_a_stream_has_its_own_signature(said: str) -> None:
    answer, signature = ENDINGS[said]
    async with saying(answer) as url:
        _, result = await run(order(asking(url)))
    assert [failure.signature for failure in result.failures] == [signature]


async def test_a_silent_stream_is_late_and_its_head_is_not() -> None:
    async with saying(CHUNKED + chunk(": keep-alive\n\n"), then_s=2) as url:
        _, silent = await run(order(asking(url, within="200ms")))
    async with saying(b"", then_s=2) as url:
        _, headless = await run(order(asking(url)))
    assert silent.failures[0].signature == "timeout/first-event"
    assert headless.failures[0].signature == "http/timeout"


def heard(pieces: list[bytes]) -> list[StreamEvent]:
    reader = EventReader()
    return [event for piece in pieces for event in reader.feed(piece)]


LINES = st.lists(
    st.sampled_from(["", "", "data: one", "data:two", "data", "event: began", "event", "id: 7",
                     "id: a\0b", ": comment", "retry: 5", "unknown: x", "data: é€😀"]),
    max_size=14,
)  # fmt: skip
ENDS = st.sampled_from(["\n", "\r\n", "\r"])


@given(LINES, st.data(), st.booleans())
def test_events_are_the_same_in_whatever_pieces_and_line_ends(
    lines: list[str], data: st.DataObject, marked: bool
) -> None:
    ends = [data.draw(ENDS) for _ in lines]
    raw = ("\ufeff" * marked + "".join(map("".join, zip(lines, ends, strict=True)))).encode()
    edges = [0, *sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=6))), len(raw)]
    pieces = [raw[begin:end] for begin, end in pairwise(edges)]
    assert heard(pieces) == heard([raw])
    follow = zip(ends, zip(lines[1:], ends[1:], strict=True), strict=False)
    is_plain = not any(end == "\r" and (line + after)[0] == "\n" for end, (line, after) in follow)
    if is_plain:  # a CR and the LF of an empty line read as one end
        assert heard([raw]) == heard(["".join(f"{line}\n" for line in lines).encode()])


def test_the_examples_of_the_standard_are_read_as_it_says() -> None:
    """https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation"""
    stocks = b"data: YHOO\ndata: +2\ndata: 10\n\n"
    four = (
        b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event"
    )
    empty = b"data\n\ndata\ndata\n\ndata:"
    assert heard([stocks]) == [StreamEvent("message", "YHOO\n+2\n10", "")]
    assert heard([four]) == [
        StreamEvent("message", "first event", "1"), StreamEvent("message", "second event", ""),
    ]  # fmt: skip
    assert heard([empty]) == [StreamEvent("message", "", ""), StreamEvent("message", "\n", "")]
    assert heard([b"data:test\n\ndata: test\n\n"])[0] == heard([b"data: test\n\n"])[0]


def test_json_rpc_is_a_contract_like_any_other() -> None:
    """A response has no `method`: the name of nothing is renamed."""
    from data.rules.journey.contract import Contract
    from data.rules.journey.moves import Message

    probe = read({"id": "p", **talking(1, [{"users": 1, "for": "1s"}])})
    spec = probe.steps[2].expect  # type: ignore[union-attr]
    assert spec
    rpc = spec.model_validate({
        "type": "method", "rename": {"": "answer"}, "errors": ["failed"],
        "events": [{"name": "progress", "times": "any"},
                   {"name": "answer", "fields": {"id": 7, "error": {"present": False}}}],
    })  # fmt: skip
    good = [{"method": "progress", "params": {}}, {"id": 7, "result": "four"}]
    bad = [{"id": 7, "error": {"code": -32601, "message": "Method not found"}}]

    def end(said: list[dict[str, Any]]) -> str:
        contract = Contract(rpc, {}, 0.0)
        found = [
            contract.message(Message(json.dumps({"jsonrpc": "2.0"} | one), 0.1)) for one in said
        ]
        return next((problem.signature for problem in found if problem), "") or str(
            contract.is_done
        )

    assert end(good) == "True"
    assert end(bad) == "contract/field/error"

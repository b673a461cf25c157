"""The steps of a journey that are one question: http, stream, send, close, token, think."""

from __future__ import annotations

import json

from data.errors import UsageError
from data.records.step_plan import (
    CloseStep,
    HttpExpectation,
    HttpRequest,
    HttpStep,
    PythonStep,
    SendStep,
    StreamStep,
    TokenStep,
)
from data.rules.journey.book import Book, Function, Walk, unexpected
from data.rules.journey.documents import capture
from data.rules.journey.event_stream import EVENT_STREAM
from data.rules.journey.http import judge_response, not_json
from data.rules.journey.moves import (
    MOVES,
    Call,
    Closed,
    HangUp,
    Mint,
    Minted,
    Responded,
    Sent,
    Sleep,
    Stream,
    Transmit,
)
from data.rules.journey.signatures import Problem
from data.rules.journey.sockets import closed_early, judge_own_close
from data.rules.journey.values import MISSING, parse, render, short


def http(step: HttpStep, book: Book) -> Walk:
    """One request; its latency counts even when the answer is wrong."""
    event = yield Call(_rendered(step, book))
    if not isinstance(event, Responded):
        return unexpected(event)
    book.measure_request(step.metric, event.started_s, event.t_s)
    return judge_response(step.expect, event, book.names) or _captured(step, event, book)


def _rendered(step: HttpStep | StreamStep, book: Book) -> HttpRequest:
    fields = ("url", "headers", "json_body", "body")
    filled = {name: render(getattr(step.request, name), book.names) for name in fields}
    return step.request.model_copy(update=filled)


def stream(step: StreamStep, book: Book) -> Walk:
    """One request whose answer is a stream of events; what it says is heard by `expect`."""
    event = yield Stream(_rendered(step, book))
    if not isinstance(event, Responded):
        return unexpected(event)
    book.sent_s = event.started_s
    book.measure_request(step.metric, event.started_s, event.t_s)
    problem = judge_response(HttpExpectation(status=step.status), event, book.names)
    kind = event.headers.get("content-type", "")
    if problem or kind.partition(";")[0].strip().lower() == EVENT_STREAM:
        return problem
    said = f"the answer is {short(kind) if kind else 'of no type'}, expected {EVENT_STREAM}"
    return Problem("stream/not-a-stream", said)


def _captured(step: HttpStep, got: Responded, book: Book) -> Problem | None:
    if not step.capture:
        return None
    document = parse(got.text)
    if document is MISSING:
        return not_json(got)
    found, problem = capture("http", step.capture, document)
    book.names |= found
    return problem


def send(step: SendStep, book: Book) -> Walk:
    """One message. A socket that is closed by then was closed early."""
    document = render(step.json_message, book.names)
    text = json.dumps(document) if step.text is None else render(step.text, book.names)
    event = yield Transmit(text)
    if isinstance(event, Closed):
        return closed_early(event, "before the message was sent", book.names.values())
    book.sent_s = event.t_s
    return None if isinstance(event, Sent) else unexpected(event)


def close(step: CloseStep, book: Book) -> Walk:
    """Hang up and see it through."""
    event = yield HangUp(step.code, step.within)
    if not isinstance(event, Closed):
        return unexpected(event)
    return judge_own_close(event, step.code, book.names.values())


def token(step: TokenStep, book: Book) -> Walk:
    """Mint a token into its variable."""
    claims = render(step.claims, book.names)
    event = yield Mint(step.model_copy(update={"claims": claims}))
    if not isinstance(event, Minted):
        return unexpected(event)
    book.names[step.name] = event.token
    return None


def think(pause_s: float, book: Book) -> Walk:
    """Wait as a user would."""
    yield Sleep(book.now_s + pause_s)
    return None


def python(step: PythonStep, book: Book, function: Function) -> Walk:
    """A function of the plan's author; whatever it raises is a failure with a name of its own."""
    began_s, walk = book.now_s, function(book)
    try:
        decision = next(walk)
        while isinstance(decision, MOVES):
            event = yield decision
            decision = walk.send(event)
    except StopIteration as end:
        problem = end.value
    except UsageError:
        raise
    except Exception as error:
        said = f"{step.function} raised {type(error).__name__}: {error}"
        return Problem(f"function/raised/{type(error).__name__}", said)
    else:
        said = f"{step.function} gave {short(repr(decision))}, which is no move"
        return Problem("function/no-move", said)
    if problem is not None and not isinstance(problem, Problem):
        said = f"{step.function} returned {short(repr(problem))}, expected None or a Problem"
        return Problem("function/no-problem", said)
    book.measure(step.metric, began_s, book.now_s)
    return problem

"""The steps of a journey that listen to a socket: open (and be refused), expect."""

from __future__ import annotations

from collections.abc import Mapping

from data.records.step_plan import ExpectStep, FirstMessage, OpenStep, Refusal
from data.rules.journey.book import Book, Walk, unexpected
from data.rules.journey.contract import Contract
from data.rules.journey.documents import capture, judge_fields
from data.rules.journey.moves import Closed, Connect, Message, Opened, Refused, Timer, Wait
from data.rules.journey.signatures import Problem
from data.rules.journey.sockets import closed_early
from data.rules.journey.values import MISSING, parse, render, short


def open_socket(step: OpenStep, book: Book) -> Walk:
    """Open a socket and hear its first message, or be refused as the plan demands."""
    event = yield _connect(step, book)
    if step.refused and isinstance(event, Refused) and event.status in step.refused.status:
        return None
    if not isinstance(event, Opened):
        return unexpected(event)
    book.sent_s = event.t_s
    if step.refused:
        return (yield from _refusing_close(step.refused, book))
    problem = _chosen(step, event)
    if not problem and step.first:
        problem = yield from _first_message(step.first, book)
    if not problem:
        book.measure_request(step.metric, event.started_s, book.now_s)
    return problem


def _connect(step: OpenStep, book: Book) -> Connect:
    headers: Mapping[str, str] = render(step.headers, book.names)
    offered = tuple(render(step.subprotocols, book.names))
    until_s = book.now_s + step.within
    return Connect(render(step.url, book.names), headers, offered, until_s, step.ping)


def _chosen(step: OpenStep, event: Opened) -> Problem | None:
    if step.subprotocol is None or event.subprotocol == step.subprotocol:
        return None
    said = f"the server chose {event.subprotocol or 'none'}, expected {step.subprotocol}"
    return Problem("ws/subprotocol/not-chosen", said)


def _first_message(first: FirstMessage, book: Book) -> Walk:
    event = yield Wait(book.now_s + first.within)
    if isinstance(event, Closed):
        return closed_early(event, "before the first message", book.names.values())
    if isinstance(event, Timer):
        said = f"the socket was open and silent for {first.within:g} s"
        return Problem("timeout/first-message", said)
    return _judge_first(first, event, book) if isinstance(event, Message) else unexpected(event)


def _judge_first(first: FirstMessage, event: Message, book: Book) -> Problem | None:
    document = parse(event.payload)
    if document is MISSING and (first.fields or first.capture):
        return Problem("first-message/not-json", f"no JSON: {short(str(event.payload))}")
    problem = judge_fields("first-message", first.fields, document, book.names)
    if not problem:
        found, problem = capture("first-message", first.capture, document)
        book.names |= found
    return problem


def _refusing_close(refused: Refusal, book: Book) -> Walk:
    """The handshake was accepted: only a close with the right code is a refusal now."""
    until_s = book.now_s + refused.within
    event = yield Wait(until_s)
    while isinstance(event, Message):
        event = yield Wait(until_s)
    if not isinstance(event, Closed):
        return _accepted(refused)
    if event.by == "server" and event.code in refused.close:
        return None
    return closed_early(event, "where a refusal was expected", book.names.values())


def _accepted(refused: Refusal) -> Problem:
    ways = [f"HTTP {status}" for status in refused.status]
    ways += [f"close {code}" for code in refused.close]
    return Problem(
        "ws/auth/accepted-without-credentials",
        f"accepted without valid credentials: the socket was still open after "
        f"{refused.within:g} s, expected {' or '.join(ways)}",
    )


def expect(step: ExpectStep, book: Book) -> Walk:
    """Hear events until the contract is kept or broken."""
    contract = Contract(step, book.names, book.sent_s)
    problem: Problem | None = None
    while not contract.is_done and problem is None:
        event = yield Wait(contract.deadline_s)
        if isinstance(event, Message):
            problem = contract.message(event)
        elif isinstance(event, Closed):
            problem = contract.closed(event)
        else:
            problem = contract.timer(event.t_s)
    book.names |= contract.captured
    _measure(step, contract, book)
    return problem


def _measure(step: ExpectStep, contract: Contract, book: Book) -> None:
    if contract.times_s:
        book.measure(step.metrics.first, book.sent_s, contract.times_s[0])
    if contract.is_done:
        book.measure(step.metrics.last, book.sent_s, contract.times_s[-1])

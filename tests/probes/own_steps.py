"""Functions of a plan's author: one that says bytes, and each way to write one wrongly."""

from __future__ import annotations

from typing import Any

from data.rules.journey.book import Book, Walk, unexpected
from data.rules.journey.moves import Connect, HangUp, Message, Opened, Sleep, Transmit, Wait
from data.rules.journey.signatures import Problem

WITHIN_S = 3.0


def echo_bytes(book: Book) -> Walk:
    """Say bytes that hold the nonce, and hear them again, in however many messages."""
    until_s, said = book.now_s + WITHIN_S, b"\x00\xff" + book.names["nonce"].encode()
    opened = yield Connect(book.names["services.echo.ws"], {}, (), until_s)
    if not isinstance(opened, Opened):
        return unexpected(opened)
    yield Transmit(said)
    heard = b""
    while len(heard) < len(said):
        answer = yield Wait(until_s)
        if not isinstance(answer, Message) or not isinstance(answer.payload, bytes):
            return unexpected(answer)
        heard += answer.payload
    yield HangUp(1000, WITHIN_S)
    return None if heard == said else Problem("echo/other", f"heard {heard!r}")


def raises(book: Book) -> Walk:
    yield Sleep(book.now_s)
    raise KeyError("token")


def no_move(book: Book) -> Walk:
    yield "hello"  # type: ignore[misc]
    return None


def no_problem(book: Book) -> Walk:
    yield from ()
    return "it failed"  # type: ignore[return-value]


def sets(book: Book) -> Walk:
    """Define a variable, and measure by its step."""
    yield from ()
    book.names["word"] = f"word-of-{book.names['random_password']}"
    return None


def plain(book: Any) -> None:
    """No generator."""

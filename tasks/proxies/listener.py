"""A listener on loopback that leaves nothing behind."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
_BACKLOG = 512


def held_port() -> socket.socket:
    """A bound socket that does not listen: who connects is refused, and nobody else gets it."""
    # Named as TCP, or asyncio sets no TCP_NODELAY: then each answer waits 40 ms for an ACK.
    held = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    held.bind(("127.0.0.1", 0))
    return held


@asynccontextmanager
async def listening(held: socket.socket, serve: Serve) -> AsyncIterator[None]:
    """Serve each connection in a task of its own; all of them are gone when the context ends.

    An OSError (also a time-out) ends the connection with a reset.
    """
    tasks: set[asyncio.Task[None]] = set()
    is_open = True

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not is_open:
            writer.transport.abort()
            return
        task = asyncio.create_task(_one(serve, reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(connected, sock=held, backlog=_BACKLOG)
    try:
        yield
    finally:
        is_open = False
        server.close()
        left = list(tasks)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)


async def _one(serve: Serve, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        await serve(reader, writer)
    except asyncio.CancelledError:
        writer.transport.abort()
        raise
    except OSError:
        writer.transport.abort()  # one side hung up: the other sees it
    finally:
        writer.close()

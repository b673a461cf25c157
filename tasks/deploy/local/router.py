"""A TCP router: byte-exact, one upstream at a time, switched at once."""

from __future__ import annotations

import asyncio
import contextlib
import time


class Router:
    """Listens on a public port and forwards each connection to the current upstream port.

    Connections that were open when the upstream changes are closed: a client that keeps one
    alive would go on talking to the revision that was replaced.
    """

    def __init__(self, port: int) -> None:
        self.port, self.upstream = port, 0
        self.last_used = time.monotonic()
        self._open: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: the port is in use or not allowed.
        """
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    def switch(self, upstream: int) -> None:
        """Send new connections to another port and end the old ones."""
        self.upstream = upstream
        for task in self._open:
            task.cancel()

    async def stop(self) -> None:
        """Close the listener and all connections."""
        self.switch(0)
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        self.last_used = time.monotonic()
        try:
            await self._forward(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass  # the client sees its connection closed, as from any load balancer
        finally:
            self._open.discard(task)
            writer.close()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.upstream)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_pipe(reader, up_writer))
                group.create_task(_pipe(up_reader, writer))
        except* OSError:
            pass
        finally:
            up_writer.close()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy until end of file, then pass the end on (half-close, as TCP does)."""
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    with contextlib.suppress(OSError, RuntimeError):
        if writer.can_write_eof():
            writer.write_eof()

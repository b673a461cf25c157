"""One SQLite file, shared by the processes of two revisions, off the event loop."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

_BUSY_S = 5.0


class Database:
    """A connection in WAL mode; statements run in a thread, one at a time."""

    def __init__(self, path: Path, schema: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(
            path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False
        )
        self._connection.row_factory = sqlite3.Row
        self._set_up(schema)

    def _set_up(self, schema: str) -> None:
        # Two revisions may create the file at the same moment, and the switch to WAL
        # does not wait on the busy timeout: try again for as long as that would last.
        give_up_at = time.monotonic() + _BUSY_S
        while True:
            try:
                self._connection.execute("PRAGMA journal_mode = WAL")
                self._connection.execute("PRAGMA synchronous = NORMAL")
                self._connection.executescript(schema)
                return
            except sqlite3.OperationalError:
                if time.monotonic() > give_up_at:
                    raise
                time.sleep(0.05)

    async def rows(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        """Run one statement and return its rows as dictionaries."""
        return await asyncio.to_thread(self._run, sql, values)

    async def row(self, sql: str, *values: Any) -> dict[str, Any] | None:
        """Run one statement and return its first row, if any."""
        return next(iter(await self.rows(sql, *values)), None)

    def _run(self, sql: str, values: tuple[Any, ...]) -> list[dict[str, Any]]:
        with self._lock:
            return [dict(row) for row in self._connection.execute(sql, values)]

    def close(self) -> None:
        with self._lock:
            self._connection.close()

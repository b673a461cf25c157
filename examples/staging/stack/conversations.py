"""The backend's own tables: threads and messages, each seen by its owner only."""

from __future__ import annotations

import json
import time
import uuid
from pathlib import Path
from typing import Any

from stack.database import Database

SCHEMA = """
CREATE TABLE IF NOT EXISTS threads (
  id TEXT PRIMARY KEY, user_id TEXT NOT NULL, title TEXT NOT NULL,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, metadata TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS threads_by_user ON threads (user_id);
CREATE TABLE IF NOT EXISTS messages (
  position INTEGER PRIMARY KEY, id TEXT NOT NULL, thread_id TEXT NOT NULL, user_id TEXT NOT NULL,
  role TEXT NOT NULL, content TEXT NOT NULL, created_at INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS messages_by_thread ON messages (thread_id);
"""

_THREAD = """SELECT threads.*,
  (SELECT count(*) FROM messages WHERE thread_id = threads.id) AS message_count
FROM threads WHERE user_id = ?"""
_MESSAGE = "SELECT id, thread_id, role, content, created_at FROM messages"


class Conversations:
    """Threads and their messages."""

    def __init__(self, path: Path) -> None:
        self.database = Database(path, SCHEMA)

    async def open_thread(
        self, user_id: str, title: str, metadata: dict[str, Any]
    ) -> dict[str, Any]:
        """Create a thread and return it."""
        now = int(time.time())
        thread_id = f"thread_{uuid.uuid4().hex}"
        await self.database.rows(
            "INSERT INTO threads VALUES (?, ?, ?, ?, ?, ?)",
            *(thread_id, user_id, title, now, now, json.dumps(metadata)),
        )
        thread = await self.thread(user_id, thread_id)
        assert thread is not None
        return thread

    async def thread(self, user_id: str, thread_id: str) -> dict[str, Any] | None:
        """Return a thread; None when there is none, or it is someone else's."""
        found = await self.database.row(f"{_THREAD} AND id = ?", user_id, thread_id)
        return _shown(found) if found else None

    async def threads(self, user_id: str) -> list[dict[str, Any]]:
        """Return the threads of a user, the newest first."""
        found = await self.database.rows(f"{_THREAD} ORDER BY created_at DESC, rowid DESC", user_id)
        return [_shown(row) for row in found]

    async def add(self, user_id: str, thread_id: str, role: str, content: str) -> dict[str, Any]:
        """Add a message to a thread and return it."""
        now, message_id = int(time.time()), f"msg_{uuid.uuid4().hex}"
        await self.database.rows(
            "INSERT INTO messages (id, thread_id, user_id, role, content, created_at)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            *(message_id, thread_id, user_id, role, content, now),
        )
        await self.database.rows("UPDATE threads SET updated_at = ? WHERE id = ?", now, thread_id)
        found = await self.database.row(f"{_MESSAGE} WHERE id = ?", message_id)
        assert found is not None
        return found

    async def messages(self, user_id: str, thread_id: str) -> list[dict[str, Any]]:
        """Return the messages of a thread in the order they were said."""
        where = "WHERE user_id = ? AND thread_id = ? ORDER BY position"
        return await self.database.rows(f"{_MESSAGE} {where}", user_id, thread_id)


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "object": "thread",
        "title": row["title"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "metadata": json.loads(row["metadata"]),
        "message_count": row["message_count"],
    }

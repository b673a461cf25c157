"""The auth service's own tables: users, refresh tokens, and tokens that were logged out."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
import uuid
from pathlib import Path
from typing import Any

from stack.database import Database
from stack.service import iso_now

SCHEMA = """
CREATE TABLE IF NOT EXISTS users (
  id TEXT PRIMARY KEY, email TEXT NOT NULL UNIQUE, name TEXT NOT NULL,
  salt BLOB NOT NULL, password_hash BLOB NOT NULL, created_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS refresh_tokens (jti TEXT PRIMARY KEY, user_id TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS logged_out (jti TEXT PRIMARY KEY);
"""


def _hash(password: str, salt: bytes) -> bytes:
    # Far cheaper than a real product would choose: the stand-in shares two cores
    # with the gate that measures it.
    return hashlib.scrypt(password.encode(), salt=salt, n=2**11, r=8, p=1)


class Accounts:
    """Who may sign in."""

    def __init__(self, path: Path) -> None:
        self.database = Database(path, SCHEMA)

    async def add(self, email: str, password: str, name: str) -> dict[str, Any] | None:
        """Add a user and return it; None when the e-mail is taken."""
        salt = os.urandom(16)
        hashed = await asyncio.to_thread(_hash, password, salt)
        return await self.database.row(
            "INSERT INTO users VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (email) DO NOTHING"
            " RETURNING id, email, name, created_at",
            *(f"user_{uuid.uuid4().hex}", email, name, salt, hashed, iso_now()),
        )

    async def sign_in(self, email: str, password: str) -> dict[str, Any] | None:
        """Return the user when the password is right; None otherwise."""
        user = await self.database.row("SELECT * FROM users WHERE email = ?", email)
        salt = user["salt"] if user else b"nobody has this"  # same work for unknown e-mails
        hashed = await asyncio.to_thread(_hash, password, salt)
        right = user is not None and hmac.compare_digest(hashed, user["password_hash"])
        return user if right else None

    async def by_id(self, user_id: str) -> dict[str, Any] | None:
        return await self.database.row("SELECT * FROM users WHERE id = ?", user_id)

    async def keep_refresh(self, jti: str, user_id: str) -> None:
        await self.database.rows("INSERT INTO refresh_tokens VALUES (?, ?)", jti, user_id)

    async def spend_refresh(self, jti: str) -> bool:
        """Use up a refresh token; False when it was used before or never given."""
        spent = await self.database.row(
            "DELETE FROM refresh_tokens WHERE jti = ? RETURNING jti", jti
        )
        return spent is not None

    async def log_out(self, user_id: str, jti: str) -> None:
        await self.database.rows("DELETE FROM refresh_tokens WHERE user_id = ?", user_id)
        await self.database.rows("INSERT OR IGNORE INTO logged_out VALUES (?)", jti)

    async def is_logged_out(self, jti: str) -> bool:
        return await self.database.row("SELECT 1 FROM logged_out WHERE jti = ?", jti) is not None

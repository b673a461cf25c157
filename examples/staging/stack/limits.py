"""The limits of the sockets, counted over the whole process."""

from __future__ import annotations

from collections import Counter, deque

MAX_CONNECTIONS_PER_USER = 3
MAX_MESSAGES_PER_MINUTE = 30
MAX_MESSAGE_BYTES = 8192
_WINDOW_S = 60.0


class Lounge:
    """Who is connected, and how much each user said in the last minute."""

    def __init__(self) -> None:
        self._connected: Counter[str] = Counter()
        self._said_at_s: dict[str, deque[float]] = {}
        self.n_messages = 0

    @property
    def n_open(self) -> int:
        """Sockets open at this moment, of all users."""
        return self._connected.total()

    @property
    def n_users(self) -> int:
        return sum(1 for n in self._connected.values() if n)

    def enter(self, user_id: str) -> bool:
        """Count a connection in; False, and nothing counted, when the user has too many."""
        if self._connected[user_id] >= MAX_CONNECTIONS_PER_USER:
            return False
        self._connected[user_id] += 1
        return True

    def leave(self, user_id: str) -> None:
        self._connected[user_id] -= 1

    def may_say(self, user_id: str, now_s: float) -> bool:
        """Count a message; False when it is the 31st within a minute."""
        said = self._said_at_s.setdefault(user_id, deque())
        while said and said[0] <= now_s - _WINDOW_S:
            said.popleft()
        if len(said) >= MAX_MESSAGES_PER_MINUTE:
            return False
        said.append(now_s)
        self.n_messages += 1
        return True

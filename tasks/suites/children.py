"""What the children of a test have done: connections to targets of processes that it started.

The guard watches, for it is outside of the suite's process: no thread is added there (a fork beside
threads warns), nothing is injected into the children, whatever language they are written in, and a
suite that starts no process pays nothing. The witness connects when a test first starts one, and
says when each test begins and ends.

A connection is a test's when a process below its pytest holds the socket. It is looked for without
a pause while the process is young, and processes of Python wait before they close one until it has
been seen (`witness/sitecustomize.py`). What was too quick to be seen is not made up: where sockets
to a target came and went meanwhile and nobody saw whose they were, the answer is that it is not
known.

Only the standard library and `kernel` beside it: the guard, a bare Python, loads it.
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from tasks.suites.kernel import Row, borrow, descendants, look_at, sockets_of, tcp_sockets

YOUNG_S = 0.5
Has = Callable[[tuple[str, int]], bool]


class Told(NamedTuple):
    """What children did during one test.

    Attributes:
        doubt: connections to a target came or went that nobody was seen to hold.
    """

    n_connections: int
    sent_bytes: int
    received_bytes: int
    doubt: bool


class Watch:
    """One test's children, from `begin` to `end`.

    Args:
        pid: of the pytest that runs the test; 0 for none, then only `orphans` are looked at.
        has: whether an address is a target's.
        orphans: more processes whose contact is the test's, such as daemons that left it.

    Attributes:
        mine: inode -> the socket to a target as last seen, of all that were.
        known: (local, remote) of connections to targets that were there before.
    """

    def __init__(self, pid: int, has: Has, orphans: Callable[[], set[int]]) -> None:
        self.pid, self._has, self._orphans = pid, has, orphans
        self._began_s = self.active_s = time.monotonic()
        self.mine: dict[int, Row] = {}
        self._strangers: set[int] = set()
        self._held: dict[int, socket.socket] = {}
        self._pids: set[int] = set()
        self.known = {(row.local, row.remote) for row in tcp_sockets() if self._is_contact(row)}
        self.poll()
        self._first = dict(self.mine)

    def _is_contact(self, row: Row) -> bool:
        return self._has(row.remote) or self._has(row.local)

    def poll(self) -> None:
        """Look at the sockets of all that are below; those of others are looked at once."""
        self._let_go()
        pids = descendants(self.pid) | self._orphans()
        if pids - self._pids:
            self.active_s = time.monotonic()
        self._pids = pids
        for pid in pids:
            for inode, fileno in sockets_of(pid).items():
                if inode not in self._strangers:
                    self._look(pid, inode, fileno)

    def _look(self, pid: int, inode: int, fileno: int) -> None:
        if inode in self._held:
            return
        try:
            loan = borrow(pid, fileno)
        except PermissionError:
            row = next((row for row in tcp_sockets() if row.inode == inode), None)
            if row is not None:
                self._note(inode, row)
            return
        if loan is not None and self._is_open(inode, loan):
            self._held[inode] = loan
        elif loan is not None:
            loan.close()

    def _is_open(self, inode: int, loan: socket.socket) -> bool:
        """Whether it still has to find its peer: such a one is held until the next look.

        A quick client connects, asks and is gone within half a millisecond. What is held is closed
        by us with the next look, so that its peer hears of the close that much later at most.
        """
        try:
            row = look_at(loan)
        except OSError:
            row = None
        if row is None:
            self._strangers.add(inode)
        elif os.fstat(loan.fileno()).st_ino == inode and row.remote[1]:
            self._note(inode, row)
        return row is not None and not row.remote[1]

    def _note(self, inode: int, row: Row) -> None:
        is_shared = inode not in self.mine and inode in sockets_of(self.pid)
        if self._has(row.remote) and not is_shared:  # of a shared one pytest tells itself
            self.mine[inode] = row
        else:
            self._strangers.add(inode)

    def _let_go(self) -> None:
        for inode, loan in list(self._held.items()):
            self._is_open(inode, loan)
            loan.close()
        self._held.clear()

    @property
    def pause_s(self) -> float:
        """How long until the next look: none while a process is young, then ever longer."""
        idle_s = time.monotonic() - self.active_s
        return 0.0 if idle_s < YOUNG_S else min(0.05, idle_s / 100)

    def end(self) -> Told:
        """The sum of what was seen. A socket that was there before counts by its bytes."""
        self.poll()
        self._let_go()
        n = sent = received = 0
        for inode, row in self.mine.items():
            old = self._first.get(inode)
            n += old is None
            sent += row.sent - (old.sent if old else 0)
            received += row.received - (old.received if old else 0)
        return Told(n, sent, received, not (n or sent or received) and self._is_doubtful())

    def _is_doubtful(self) -> bool:
        """Whether a connection to a target that nobody holds any more is new."""
        now = [row for row in tcp_sockets() if self._is_contact(row) and row.inode == 0]
        return any((row.local, row.remote) not in self.known for row in now)


class Watches:
    """The guard's side: a socket that the witnesses of a suite talk to.

    One line a request, `begin PID`, `end`, `look` or `hold`; one JSON line an answer. That to
    `hold` comes with `release`.

    Attributes:
        lookers: who else is to look when a process asks for it.
    """

    def __init__(self, has: Has, orphans: Callable[[], set[int]]) -> None:
        self.name = f"goldenpath-{os.getpid()}-{os.urandom(6).hex()}"
        self._has, self._orphans = has, orphans
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(f"\0{self.name}")
        self._listener.listen(64)
        self._listener.setblocking(False)
        self._clients: dict[int, socket.socket] = {}
        self._watches: dict[int, Watch] = {}
        self._holding: set[int] | None = set()
        self.lookers: list[Callable[[], None]] = []

    def filenos(self) -> list[int]:
        """What to wait for."""
        return [self._listener.fileno(), *self._clients]

    @property
    def pause_s(self) -> float | None:
        """How long the guard may sleep, None when nothing is watched."""
        return min((watch.pause_s for watch in self._watches.values()), default=None)

    def turn(self, ready: set[int]) -> None:
        """Answer who asks, and look at what is watched."""
        if self._listener.fileno() in ready:
            client, _ = self._listener.accept()
            client.settimeout(1.0)
            self._clients[client.fileno()] = client
        for fileno in ready & self._clients.keys():
            self._answer(fileno)
        for watch in list(self._watches.values()):
            with suppress(OSError):
                watch.poll()

    def _answer(self, fileno: int) -> None:
        client = self._clients[fileno]
        try:
            words = client.recv(256).split()
            if not words:
                raise ConnectionError
            if words[0] == b"hold" and self._holding is not None:
                self._holding.add(fileno)
                return
            client.sendall(json.dumps(self._told(fileno, words)).encode() + b"\n")
        except OSError:
            client.close()
            del self._clients[fileno]
            self._watches.pop(fileno, None)

    def release(self) -> None:
        """Who waits at the door may go on, and nobody waits any more."""
        waiting, self._holding = self._holding or set(), None
        for fileno in waiting & self._clients.keys():
            with suppress(OSError):
                self._clients[fileno].sendall(b"{}\n")

    def _told(self, fileno: int, words: list[bytes]) -> object:
        try:
            if words[0] == b"begin":
                lone = not self._watches  # of several pytests at once, a daemon may be anybody's
                orphans = self._orphans if lone else set
                self._watches[fileno] = Watch(int(words[1]), self._has, orphans)
                return {}
            if words[0] == b"hold":
                return {}
            if words[0] == b"look":
                for look in (*(one.poll for one in self._watches.values()), *self.lookers):
                    look()
                return {}
            watch = self._watches.pop(fileno, None)
            return watch.end()._asdict() if watch else {}
        except (OSError, ValueError, AttributeError) as error:
            return {"error": f"{type(error).__name__}: {error}"}

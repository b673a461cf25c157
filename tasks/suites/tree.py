"""The contact of a whole suite, seen on the sockets of its processes: for runners without a plugin.

A proxy cannot stand before a target that speaks TLS, as its certificate names another host. So the
guard looks at the sockets of every process below it, a few hundred times a second, and writes what
changed between two looks. Nothing is injected, no address changes, whatever the runner is made of.

The log has one JSON line a change; all times are seconds since 1970, of a steady clock:

- `{"socket": inode, "to": "host:port", "first": s, "last": s, "sent": bytes, "received": bytes}`:
  the bytes moved, or the connection was first seen, somewhere between two looks;
- `{"blind": [s, s]}`: two looks that were further apart than a connection may be short;
- `{"doubt": "…"}`: contact that cannot be laid to the suite's door, or may have been missed;
- `{"end": s}`: the last line; without it the guard was killed.

Only the standard library and its neighbours: the guard, a bare Python, loads it.
"""

from __future__ import annotations

import json
import os
import time
from typing import Any

from tasks.suites.children import Watch
from tasks.suites.kernel import Row, descendants, tcp_sockets

PAUSE_S = 0.002
SHARE_OF_LOOKING = 0.2  # many processes with many files: fewer looks, not a busy core
BLIND_S = 0.006  # TLS takes a few round trips and signatures, so a connection is hardly shorter
_UNSEEN_EVERY_S = 20.0  # a closed socket is remembered for a minute (TIME_WAIT)


class Tree:
    """What the guard sees of one suite.

    Args:
        file: where the log goes.
        targets: `goldenpath_contact.Targets` of the services that are watched.
    """

    def __init__(self, file: str, targets: Any) -> None:
        self._targets = targets
        self._ports = {port for _, port in targets.names}
        self._log = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._offset_s = time.time() - time.monotonic()
        self._rows: dict[int, Row] = {}
        self._seen: set[tuple[tuple[str, int], tuple[str, int]]] = set()
        self._doubts: set[str] = set()
        self._looking = False
        # all below the guard, and no pytest that tells of its own sockets itself
        self._began_s = time.monotonic()
        self._watch = Watch(0, self._has, lambda: descendants(os.getpid()))
        self._last_s = self._unseen_s = time.monotonic()
        self.pause_s = PAUSE_S

    def look_in_turn(self) -> None:
        """Look, unless the pause is not over."""
        if time.monotonic() - self._last_s >= self.pause_s:
            self.look()

    def look(self) -> None:
        """Write what changed since the look before."""
        # a socket was read at some moment of the look before, so what it moved since may be as old
        before_s, began_s = self._began_s, time.monotonic()
        self._began_s = began_s
        self._looking = True
        self._watch.poll()
        self._looking = False
        self._last_s = time.monotonic()
        if self._last_s - before_s > BLIND_S:
            self._write(blind=[self._at(before_s), self._at(self._last_s)])
        for inode, row in self._watch.mine.items():
            self._tell(inode, row, before_s)
        self.pause_s = max(PAUSE_S, (self._last_s - began_s) * (1 / SHARE_OF_LOOKING - 1))
        if self._last_s - self._unseen_s > _UNSEEN_EVERY_S:
            self._look_for_unseen()

    def end(self) -> None:
        """The suite is over."""
        self.look()
        self._look_for_unseen()
        self._write(end=self._at(self._last_s))
        os.close(self._log)

    def _tell(self, inode: int, row: Row, before_s: float) -> None:
        old = self._rows.get(inode)
        if old is not None and (old.sent, old.received) == (row.sent, row.received):
            return
        self._rows[inode] = row
        self._seen.add((row.local, row.remote))
        self._write(
            socket=inode,
            to=f"{row.remote[0]}:{row.remote[1]}",
            first=self._at(before_s),
            last=self._at(self._last_s),
            sent=row.sent - (old.sent if old else 0),
            received=row.received - (old.received if old else 0),
        )

    def _has(self, address: tuple[str, int]) -> bool:
        known: bool = self._targets.has(address)
        if self._looking and not known and address[1] in self._ports:
            self._doubt(f"connected to {address[0]}:{address[1]}, which may be a target")
        return known

    def _look_for_unseen(self) -> None:
        """Connections to a target that are over, and that nobody was seen to hold."""
        self._unseen_s = time.monotonic()
        known = self._seen | self._watch.known
        for row in tcp_sockets():
            place = (row.local, row.remote)
            if row.inode == 0 and place not in known and self._has(row.remote):
                self._doubt(
                    "a connection to a target came and went, and nobody was seen to hold it"
                )

    def _doubt(self, text: str) -> None:
        if text not in self._doubts and len(self._doubts) < 20:
            self._doubts.add(text)
            self._write(doubt=text)

    def _at(self, monotonic_s: float) -> float:
        return round(monotonic_s + self._offset_s, 6)

    def _write(self, **fields: object) -> None:
        os.write(self._log, (json.dumps(fields) + "\n").encode())

"""What the children of a test have done, as the guard saw it (see goldenpath_witness).

The guard's socket is named by `GOLDENPATH_WATCH`; without it nothing is known of children.

Most ways to start a process are heard as they happen. One that is not (C code that forks by
itself) is noticed at the test's end, by what the kernel counts of children: too late to see its
contact, but such a test is not accused of having none.
"""

# ruff: noqa: PTH123, PTH208

from __future__ import annotations

import json
import os
import socket
from contextlib import suppress
from typing import Any

resource: Any
try:
    import resource
except ImportError:  # Windows
    resource = None

_PATIENCE_S = 2.0


class Children:
    """The witness's end of the line to the guard. Silent until a process is started.

    Attributes:
        needed: this process has started one, at any time.
    """

    def __init__(self, name: str) -> None:
        self.name, self.pid = name, os.getpid()
        self.needed = False
        self.watching = False
        self.line: Any = None
        self.reaped: Any = None

    def begin(self, test: Any) -> None:
        """A process starts, or a test begins beside one: from here the test is watched."""
        self.needed = True
        if test is None:
            return
        test.started_process = True
        if self.name and not self.watching and os.getpid() == self.pid:
            self.watching = self._ask(f"begin {self.pid}") is not None

    def goes_on(self, test: Any) -> None:
        """A test begins: a process that an earlier one started may work for it."""
        self.reaped = _reaped()
        if self.needed:
            self.begin(test)

    def end(self, test: Any) -> Any:
        """What was seen since `begin`: n_connections, sent_bytes, received_bytes, doubt.

        None when nothing was watched or the guard does not answer.
        """
        if not test.started_process and not any(test.contact):
            self.needed = _has_child()  # it may work for the next tests, too
            test.started_process = self.needed or _reaped() != self.reaped
        if not self.watching or os.getpid() != self.pid:
            return None
        self.watching = False
        return self._ask("end")

    def wait(self) -> None:
        """Until the guard says that this suite's turn has come; at once without a guard."""
        if self.name:
            self._ask("hold", None)
            if self.line is not None:
                self.line.close()

    def look(self, sock: Any) -> None:
        """In a fork: a socket is about to be closed, perhaps before anybody saw it."""
        if self.name and sock.fileno() >= 0:
            mine = Children(self.name)  # the other end of our line is the parent's
            mine._ask("look")
            if mine.line is not None:
                mine.line.close()

    def _ask(self, words: str, patience_s: Any = _PATIENCE_S) -> Any:
        try:
            if self.line is None:
                line = _plain(socket.AF_UNIX, socket.SOCK_STREAM)
                line.settimeout(patience_s)
                line.connect("\0" + self.name)
                self.line = line
            self.line.sendall(words.encode() + b"\n")
            told = b""
            while not told.endswith(b"\n"):
                piece = self.line.recv(4096)
                if not piece:
                    raise OSError("the guard hung up")
                told += piece
            answer = json.loads(told.decode())
        except (OSError, ValueError):
            self.name, self.line = "", None
            return None
        return None if "error" in answer else answer


def _reaped() -> Any:
    """What changes whenever a child of this process was waited for; always the same on Windows."""
    if resource is None:
        return None
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_minflt, used.ru_nvcsw, used.ru_utime, used.ru_stime


def _has_child() -> bool:
    """Whether a child of this process lives or was not waited for yet; False where /proc is not."""
    tasks = f"/proc/{os.getpid()}/task"
    with suppress(OSError):
        for thread in os.listdir(tasks):
            with suppress(OSError), open(f"{tasks}/{thread}/children", "rb") as file:
                if file.read(1):
                    return True
    return False


_plain: Any = socket.socket.__mro__[1]  # no close() of ours on the way

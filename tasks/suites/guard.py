"""The guard: a small process that stands between the gate and a suite, so that no orphan is left.

Run by path with `python -I -S guard.py STATUS STDOUT STDERR TIMEOUT_S GRACE_S CWD COMMAND…`; its
environment is the suite's. Standard input is the death pipe: end of file means that the gate
cancelled the suite or is gone (`kill -9` included). Then, at the time-out, and after the suite's
own end for what it left behind, the whole process tree gets SIGTERM and, GRACE_S later, SIGKILL.

STATUS gets JSON lines: `{"pid": …}` at the start, then `{"error": …}` if nothing could be started,
or `{"exit_code": …, "ended_by": "itself" | "timeout" | "gate"}`. Only the standard library.

Source: prctl(2), PR_SET_CHILD_SUBREAPER (a daemon that left the session still becomes our child)
and PR_SET_PDEATHSIG (the suite dies with a guard that was killed).
"""

# ruff: noqa: PTH100, PTH118, PTH120, PTH123, PTH208
from __future__ import annotations

import importlib
import json
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn

_POLL_MS = 20
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_SIGKILL_WAIT_S = 5.0
_LINUX = sys.platform.startswith("linux")


def main(argv: list[str]) -> int:
    """Run one command to its end, its time-out or the gate's, and leave nobody behind."""
    status, stdout, stderr, timeout_s, grace_s, cwd = argv[:6]
    guard = Guard(status, float(grace_s))
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, guard.asked_to_stop)
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    guard.listen()
    if guard.held and guard.watches is None and not guard.wait_for_go():
        guard.note(exit_code=None, ended_by="gate")
        return 0
    guard.start(argv[6:], cwd, stdout, stderr)
    ended_by = guard.watch(float(timeout_s))
    if guard.tree:
        with suppress(OSError):
            guard.tree.end()
    guard.clear()
    guard.note(exit_code=guard.exit_code, ended_by=ended_by)
    return 0


class Guard:
    """One suite's process tree."""

    def __init__(self, status: str, grace_s: float) -> None:
        self.status = os.open(status, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self.grace_s = grace_s
        self.pid = 0
        self.exit_code: int | None = None
        self.stop = False
        self.parent = os.getppid()
        self.held = os.environ.get("GOLDENPATH_HOLD") == "1"
        self.watches: Any = None
        self.children: Any = None
        self.tree: Any = None

    def listen(self) -> None:
        """Offer the witness to watch the children of tests; a suite runs without it, too."""
        here = os.path.dirname(os.path.abspath(__file__))
        sys.path += [os.path.join(here, "witness"), os.path.dirname(os.path.dirname(here))]
        try:
            contact = importlib.import_module("goldenpath_contact")
            self.children = importlib.import_module("tasks.suites.children")
            targets = contact.Targets(os.environ.get("GOLDENPATH_TARGETS", ""))
            self.watches = self.children.Watches(targets.has, self._orphans)
            os.environ["GOLDENPATH_WATCH"] = self.watches.name
            if log := os.environ.pop("GOLDENPATH_TREE", ""):
                watched = contact.Targets(os.environ.pop("GOLDENPATH_TREE_TARGETS", ""))
                self.tree = importlib.import_module("tasks.suites.tree").Tree(log, watched)
                self.watches.lookers.append(self.tree.look)
                os.environ["GOLDENPATH_LOOK"] = "1"
        except (ImportError, OSError, ValueError, AttributeError):
            os.environ.pop("GOLDENPATH_WATCH", None)

    def _orphans(self) -> set[int]:
        """Processes of the suite that left their parents: they are the guard's children now."""
        below: Callable[[int, int], set[int]] = self.children.descendants
        return below(os.getpid(), self.pid)

    def note(self, **fields: object) -> None:
        """Append one line to the status file."""
        os.write(self.status, (json.dumps(fields) + "\n").encode())

    def asked_to_stop(self, *_: object) -> None:
        """Somebody signalled the guard: the same as the gate's end."""
        self.stop = True

    def start(self, command: list[str], cwd: str, stdout: str, stderr: str) -> None:
        """Fork the suite into a session of its own; its output goes to files, never to pipes."""
        self.pid = os.fork()
        if self.pid == 0:
            self._become(command, cwd, stdout, stderr)
        self.note(pid=self.pid)

    def _become(self, command: list[str], cwd: str, stdout: str, stderr: str) -> NoReturn:
        try:
            _enter_session(stdout, stderr)
            os.chdir(cwd)
            os.execvp(command[0], command)
        except OSError as error:
            place = cwd if error.filename == cwd else command[0]
            self.note(error=f"{error.strerror}: {place!r}")
        os._exit(127)

    def watch(self, timeout_s: float) -> str:
        """Wait for the suite's end, the deadline or the gate's end; say which."""
        began = time.monotonic()
        while True:
            if self._is_left():
                return "gate"
            self.reap()
            if self.exit_code is not None:
                return "itself"
            if self.held:
                began = time.monotonic()  # the suite's time counts from its turn
            elif time.monotonic() >= began + timeout_s:
                return "timeout"

    def wait_for_go(self) -> bool:
        """Hold a suite that nothing could tell to wait: it is not even started. False: never."""
        os.environ.pop("GOLDENPATH_HOLD", None)
        while self.held:
            if self._is_left():
                return False
        return True

    def _is_left(self) -> bool:
        """Whether the gate is gone; the parent too: a fork of the gate may hold the pipe open."""
        return self.stop or self._at_eof() or os.getppid() != self.parent

    def _at_eof(self) -> bool:
        """Wait one poll interval, or serve the witness; whether the death pipe is closed."""
        poll = select.poll()
        poll.register(0, select.POLLIN)
        pause_ms: float = _POLL_MS
        if self.watches:
            for fileno in self.watches.filenos():
                poll.register(fileno, select.POLLIN)
            watching_s = self.watches.pause_s
            pause_ms = pause_ms if watching_s is None else watching_s * 1000
        if self.tree:
            pause_ms = min(pause_ms, self.tree.pause_s * 1000)
        ready = {fileno for fileno, _ in poll.poll(pause_ms)}
        if self.watches:
            with suppress(OSError):
                self.watches.turn(ready - {0})
        if self.tree:
            with suppress(OSError):
                self.tree.look_in_turn()
        if 0 not in ready:
            return False
        told = os.read(0, 64)
        if told and self.held:
            self.held = False
            if self.watches:
                self.watches.release()
        return told == b""

    def reap(self) -> bool:
        """Collect every child that ended; whether any is left (daemons end up here, too)."""
        with suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return True
                if pid == self.pid:
                    self.exit_code = _exit_code(status)
        return False

    def clear(self) -> None:
        """SIGTERM, a grace, SIGKILL: until nobody of the tree is left."""
        for number, wait_s in ((signal.SIGTERM, self.grace_s), (signal.SIGKILL, _SIGKILL_WAIT_S)):
            deadline = time.monotonic() + wait_s
            self._strike(number)
            while self._anyone():
                if time.monotonic() >= deadline:
                    break
                time.sleep(_POLL_MS / 1000)
                if number == signal.SIGKILL:
                    self._strike(number)  # those that were born meanwhile
            else:
                return

    def _strike(self, number: int) -> None:
        with suppress(OSError):
            os.killpg(self.pid, number)
        for pid in _descendants():
            with suppress(OSError):
                os.kill(pid, number)

    def _anyone(self) -> bool:
        return self.reap() or (not _LINUX and _group_lives(self.pid))


def _enter_session(stdout: str, stderr: str) -> None:
    with suppress(OSError):
        os.setsid()
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for target, path in ((1, stdout), (2, stderr)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644), target)


def _exit_code(status: int) -> int:
    return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def _group_lives(pgid: int) -> bool:
    try:
        os.killpg(pgid, 0)
    except OSError:
        return False
    return True


def _descendants() -> list[int]:
    """Living processes under this one (Linux; elsewhere none, and the group must do)."""
    parents = dict(_parents())
    found: list[int] = []
    layer = {os.getpid()}
    while layer:
        layer = {pid for pid, parent in parents.items() if parent in layer}
        found += layer
    return found


def _parents() -> list[tuple[int, int]]:
    pairs = []
    for name in os.listdir("/proc") if _LINUX else ():
        if name.isdigit():
            with suppress(OSError), open(f"/proc/{name}/stat", "rb") as file:
                state, parent = file.read().rpartition(b")")[2].split()[:2]
                if state not in (b"Z", b"X"):
                    pairs.append((int(name), int(parent)))
    return pairs


def _prctl(option: int, value: int) -> None:
    with suppress(ImportError, OSError, AttributeError):
        import ctypes

        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The plugin's state in one process (see goldenpath_witness)."""

# ruff: noqa: PTH100, PTH123
from __future__ import annotations

import inspect
import json
import os
import time
from typing import Any

from goldenpath_alarm import Alarm  # type: ignore[import-not-found]
from goldenpath_children import Children  # type: ignore[import-not-found]
from goldenpath_contact import Ledger, Targets  # type: ignore[import-not-found]

SIGN_S = 0.25  # a small part of the grace that the gate gives (STUCK_GRACE_S)


class Stream:
    """The file of events. One `write` a line, so that workers may share it."""

    def __init__(self, path: str) -> None:
        self.pid = os.getpid()
        self.fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def write(self, event: str, **fields: Any) -> None:
        """Append one event; a child that a test forked says nothing."""
        if os.getpid() == self.pid:
            fields.update(e=event, at=time.time(), m=time.monotonic())
            os.write(self.fd, (json.dumps(fields) + "\n").encode("ascii", "replace"))


class Session:
    """The plugin's state in one process; inactive in a pytest that a test itself starts."""

    def __init__(self, environ: Any) -> None:
        self.stream = Stream(environ["GOLDENPATH_STREAM"])
        self.ledger = Ledger(Targets(environ.get("GOLDENPATH_TARGETS", "")))
        self.only = read_only(environ.get("GOLDENPATH_ONLY", ""))
        self.others = read_only(environ.get("GOLDENPATH_EXCEPT", ""))
        self.timeout_s = float(environ.get("GOLDENPATH_TEST_TIMEOUT_S") or 0)
        self.alarm = Alarm(self.timeout_s, self.alive)
        self.children = Children(environ.get("GOLDENPATH_WATCH", ""))
        self.config: Any = None
        self.is_worker = False
        self.deselected: list[str] = []
        self.test: Any = None
        self.noted: set[str] = set()

    def takes(self, config: Any) -> bool:
        """Whether this pytest is the suite's own or a worker of it; then it is ours from here."""
        owner, pid = os.environ.get("GOLDENPATH_OWNER"), str(os.getpid())
        is_worker = hasattr(config, "workerinput")
        if owner in (None, pid) or is_worker:
            os.environ["GOLDENPATH_OWNER"] = owner or pid
            self.is_worker, self.config = is_worker, config
        return self.config is not None

    def alive(self) -> None:
        """The test in flight begins a new budget: a sign for the gate, which waits for one."""
        if self.test is not None and self.timeout_s:
            self.stream.write("alive", id=self.test.nodeid)

    def still_alive(self) -> None:
        """The same before its tear-down, if its first sign is not as good."""
        if time.monotonic() - self.test.began > SIGN_S:
            self.alive()

    def note(self, error: Exception) -> None:
        """The witness itself failed."""
        text = f"{type(error).__name__}: {error}"
        if text not in self.noted:
            self.noted.add(text)
            self.stream.write("note", text=text)
        if self.test is not None:
            self.test.blind("the witness failed: " + text)


def places(items: Any) -> Any:
    """Where each test's function begins, for the gate to look at: files, and [file, line] a test.

    None for a test that is no plain function of its class or module. Nothing is instantiated.
    """
    files: dict[str, int] = {}
    found: list[Any] = []
    for item in items:
        try:
            owner = getattr(item, "cls", None) or item.module
            function = inspect.unwrap(getattr(owner, item.originalname or item.name))
            code = function.__code__
            path = os.path.abspath(code.co_filename)
            found.append([files.setdefault(path, len(files)), code.co_firstlineno])
        except Exception:
            found.append(None)
    return {"files": list(files), "places": found}


def read_only(path: str) -> Any:
    """The ids that the gate asked for, None for all."""
    if not path:
        return None
    with open(path, encoding="utf-8") as file:
        return set(json.load(file))

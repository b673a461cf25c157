"""In each Python that a suite starts: before it closes a socket, the guard may look at it.

Found by way of `PYTHONPATH`, in front of a `sitecustomize` of the environment's own, which is run
first as if this one were not there. Nothing is imported and nothing listens until the process makes
its first socket; without a guard (`GOLDENPATH_WATCH`) nothing happens at all.
"""

# ruff: noqa: PTH100, PTH120, SIM105
from __future__ import annotations

import os
import sys
from typing import Any

_HERE = os.path.dirname(os.path.abspath(__file__))


def _others() -> None:
    """Run the sitecustomize that this one stands in front of."""
    import importlib.machinery
    import importlib.util

    path = [entry for entry in sys.path if os.path.abspath(entry or ".") != _HERE]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", path)
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


def _listen() -> None:
    made: list[str] = []

    def heard(event: str, args: Any) -> None:
        if event == "socket.connect" and not made:
            made.append(event)
            try:
                _look_before_close()
            except Exception:  # a suite never breaks by us
                pass

    sys.addaudithook(heard)


def _look_before_close() -> None:
    import socket

    from goldenpath_children import Children  # type: ignore[import-not-found]

    plain: Any = socket.socket
    closes = plain._real_close

    def close(sock: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            if sock.type == socket.SOCK_STREAM and sock.family != socket.AF_UNIX:
                Children(os.environ.get("GOLDENPATH_WATCH", "")).look(sock)
        except Exception:
            pass
        return closes(sock, *args, **kwargs)

    plain._real_close = close


try:
    _others()
finally:
    is_watched = os.environ.get("GOLDENPATH_OWNER") or os.environ.get("GOLDENPATH_LOOK")
    if os.environ.get("GOLDENPATH_WATCH") and is_watched:
        _listen()

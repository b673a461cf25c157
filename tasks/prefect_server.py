"""A Prefect server for one run, where none is set: started beside other work, ended with the run.

Prefect can start one by itself, but only after it was imported and in line with everything else;
started first and in a process of its own it costs the run almost nothing on a second core.

Its port is bound here and handed over: a server boots for seconds, and a port that is only known to
be free is given to somebody else in the meantime.
"""

from __future__ import annotations

import ctypes
import importlib.util
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from data.errors import GoldenPathError

_PR_SET_PDEATHSIG = 1
BOOT_S = 180.0  # a fresh database on a busy machine was seen to take 38 s
_BARE = {"PREFECT_UI_ENABLED": "0", "PREFECT__SERVER_EPHEMERAL": "1"}


class PrefectServer:
    """The process and its address.

    Args:
        env: must hold what Prefect's settings are to be.
        log: file for the server's output.
        full: with the UI, the scheduler and the other services of `prefect server start`.
    """

    def __init__(self, env: Mapping[str, str], log: Path, full: bool = False) -> None:
        held = _held_port()
        self.port, self.log = int(held.getsockname()[1]), log
        log.parent.mkdir(parents=True, exist_ok=True)
        flags = {"PREFECT_UI_API_URL": self.api_url} if full else _BARE
        with held, log.open("wb") as out:
            self.process = subprocess.Popen(
                _argv(held.fileno()),
                pass_fds=(held.fileno(),),
                env={**env, **flags, "PREFECT__SERVER_FINAL": "1", "PREFECT_API_URL": ""},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )

    @property
    def api_url(self) -> str:
        """What `PREFECT_API_URL` is to be."""
        return f"http://127.0.0.1:{self.port}/api"

    def wait(self) -> None:
        """Block until it answers.

        Raises:
            GoldenPathError: it ended, or did not answer within 180 s.
        """
        end = time.monotonic() + BOOT_S
        while time.monotonic() < end and self.process.poll() is None:
            if self._answers():
                return
            time.sleep(0.05)
        raise GoldenPathError(
            f"the Prefect server of this run did not start: see {self.log}, or set PREFECT_API_URL"
            " to a server that runs"
        )

    def stop(self) -> None:
        """End it; SIGKILL after 5 s."""
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.api_url}/health", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:  # refused, reset, an HTTP error: not yet
            return False


def _argv(fd: int) -> list[str]:
    spec = importlib.util.find_spec("prefect")
    assert spec is not None and spec.origin is not None
    return [
        *(sys.executable, "-m", "uvicorn", "--app-dir", str(Path(spec.origin).parents[1])),
        *("--factory", "prefect.server.api.server:create_app", "--fd", str(fd)),
        *("--log-level", "error", "--lifespan", "on"),
    ]


def _held_port() -> socket.socket:
    """A loopback port, bound and not yet listening: who asks too early is refused."""
    held = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    # Those accepted inherit it; uvicorn takes what it is handed for a Unix socket and sets none.
    held.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    held.bind(("127.0.0.1", 0))
    return held


def _die_with_parent() -> None:
    """Linux: no server is left behind by a run that was killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)

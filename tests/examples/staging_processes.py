"""The real services of `examples/staging` as processes on free ports of loopback."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import httpx
import jwt
from gate import free_ports

STAGING = Path(__file__).parents[2] / "examples" / "staging"
SECRET = "a secret of the tests, long enough for both"
sys.path.append(str(STAGING))  # so that the pure parts can be tested without a process


def free_port() -> int:
    return free_ports(1)[0]


def token(user_id: str = "alice", **changes: Any) -> str:
    """Return an access token as auth would mint it, with claims changed."""
    now = int(time.time())
    claims = {
        **{"sub": user_id, "iat": now, "exp": now + 900, "iss": "netra-auth-service"},
        **{"aud": "netra-platform", "jti": uuid.uuid4().hex, "token_type": "access"},
    }
    return jwt.encode({**claims, **changes}, SECRET, algorithm="HS256")


class Running:
    """One service process."""

    def __init__(self, service: str, url: str, environment: dict[str, str]) -> None:
        self.url = url
        self.ws_url = url.replace("http", "ws", 1) + "/ws"
        self.started_s = time.monotonic()
        command = [sys.executable, "-m", f"stack.{service}"]
        self.process = subprocess.Popen(
            command, cwd=STAGING, env=environment, stderr=subprocess.PIPE, text=True
        )

    def get(self, path: str, user_id: str | None = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token(user_id)}"} if user_id else {}
        return httpx.get(self.url + path, headers=headers, timeout=5, trust_env=False)

    def post(self, path: str, body: Any, user_id: str | None = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token(user_id)}"} if user_id else {}
        return httpx.post(self.url + path, json=body, headers=headers, timeout=5, trust_env=False)

    def wait_until_listening(self) -> None:
        port, give_up_s = int(self.url.rsplit(":", 1)[1]), time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return
            except OSError:
                assert self.process.poll() is None, self.process.communicate()[1]
                assert time.monotonic() < give_up_s, "never listened"
                time.sleep(0.02)


class Staging:
    """Starts services; the same (service, revision) is started once and shared."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._running: dict[tuple[str, str, str], Running] = {}
        self._ports = {name: free_port() for name in ("auth", "backend", "frontend")}
        self.urls = {name: f"http://127.0.0.1:{port}" for name, port in self._ports.items()}

    def environment(self, revision: str, port: int, **changes: str) -> dict[str, str]:
        urls = {f"{name.upper()}_URL": url for name, url in self.urls.items()}
        own = {"PORT": str(port), "REVISION": revision, "DATA_DIR": str(self._data_dir)}
        return {**os.environ, **urls, **own, "JWT_SECRET_KEY": SECRET, **changes}

    def launch(self, service: str, revision: str, previous: str = "") -> Running:
        """Return the running process of a revision; it may not listen yet."""
        key = (service, revision, previous)
        if key not in self._running:
            # The healthy three sit on the addresses that all processes are told.
            port = self._ports[service] if revision == "healthy" else free_port()
            environment = self.environment(revision, port, PREVIOUS_REVISION=previous)
            self._running[key] = Running(service, f"http://127.0.0.1:{port}", environment)
        return self._running[key]

    def __call__(self, service: str, revision: str = "healthy", previous: str = "") -> Running:
        running = self.launch(service, revision, previous)
        running.wait_until_listening()
        return running

    def stop(self) -> None:
        """End every process: all are told first, then waited for."""
        for running in self._running.values():
            running.process.terminate()
        for running in self._running.values():
            running.process.communicate(timeout=30)

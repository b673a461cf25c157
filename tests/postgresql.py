"""A real PostgreSQL on a free port of loopback: made, started, stopped and ended by id."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.gate import free_ports

PASSWORD = "only-for-this-test"
_USER = "postgres"  # of Debian's package: the server refuses to run as root


def binaries() -> Path | None:
    """The newest installed server's programs, or None."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


class Server:
    """One server with its own folder; `stop` and `start` as often as a test likes."""

    def __init__(self, folder: Path, bin_: Path) -> None:
        self._folder, self._bin = folder, bin_
        [self.port] = free_ports(1)
        self.process: subprocess.Popen[bytes] | None = None
        secret = folder / "secret"
        secret.write_text(PASSWORD)
        if os.getuid() == 0:
            for path in (folder, secret):
                shutil.chown(path, _USER, _USER)
        self._run(
            "initdb", "-D", str(folder / "data"), "-U", "gate", "-A", "scram-sha-256",
            "--pwfile", str(secret), "--no-sync", "-E", "UTF8", "--locale=C",
        )  # fmt: skip

    def address(self, database: str = "postgres") -> str:
        return f"postgresql://gate@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        command = [
            str(self._bin / "postgres"), "-D", str(self._folder / "data"), "-p", str(self.port),
            "-h", "127.0.0.1", "-k", str(self._folder),
        ]  # fmt: skip
        log = (self._folder / "log").open("ab")
        with log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, cwd=self._folder, **_as_server()
            )
        ready = [str(self._bin / "pg_isready"), "-h", "127.0.0.1", "-p", str(self.port), "-t", "1"]
        for _ in range(300):
            if subprocess.run(ready, stdout=subprocess.DEVNULL).returncode == 0:
                return
            assert self.process.poll() is None, (self._folder / "log").read_text()
            subprocess.run(["sleep", "0.05"])
        raise AssertionError("the server is not ready")

    def stop(self) -> None:
        """At once, as after a fault: open transactions are lost, committed ones are not."""
        if self.process is not None:
            self._run("pg_ctl", "-D", str(self._folder / "data"), "-m", "immediate", "stop")
            self.process.wait(30)
            self.process = None

    def _run(self, name: str, *arguments: str) -> None:
        subprocess.run(
            [str(self._bin / name), *arguments],
            check=True, capture_output=True, cwd=self._folder, **_as_server(),
        )  # fmt: skip


def _as_server() -> dict[str, str]:
    return {"user": _USER, "group": _USER} if os.getuid() == 0 else {}


@contextmanager
def running() -> Iterator[Server]:
    """A started server, gone afterwards. `PGPASSWORD` must be set by whoever connects."""
    bin_ = binaries()
    assert bin_ is not None
    with tempfile.TemporaryDirectory(prefix="goldenpath-pg-", dir="/tmp") as folder:
        server = Server(Path(folder), bin_)
        server.start()
        try:
            yield server
        finally:
            server.stop()

"""What docs/operate.md promises for fifteen minutes, pasted as it stands, in an empty folder.

Only what belongs to this machine is another one than on a newcomer's: ports, the superuser of the
database, and that Golden Path is installed already.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from gate import ROOT, STAGING, clean_env, free_ports, run
from postgresql import PASSWORD, Server, binaries, running
from production import end_group

pytestmark = pytest.mark.soak
BLOCK = re.compile(r"^   ```sh\n(.*?)^   ```", re.S | re.M)
PORTS = {"5432": 0, "4200": 1, "8787": 2, "18082": 3, "9009": 4}


def pasted() -> list[str]:
    """The blocks of the section, without their indentation."""
    text = (ROOT / "docs" / "operate.md").read_text()
    section = text.partition("## All of it in fifteen minutes")[2].partition("\n## ")[0]
    return [re.sub(r"^   ", "", block, flags=re.M) for block in BLOCK.findall(section)]


@pytest.fixture
def postgres() -> Iterator[Server]:
    if binaries() is None:
        pytest.skip("no PostgreSQL on this machine (apt package postgresql)")
    with running() as server:
        yield server


@pytest.fixture
def chat() -> Iterator[tuple[int, list[str]]]:
    heard: list[str] = []

    class Heard(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            heard.append(json.loads(body)["title"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Heard)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield int(server.server_address[1]), heard
    server.shutdown()


def test_what_is_pasted_ends_in_a_promotion_and_a_rollback_that_people_hear_of(
    tmp_path: Path, postgres: Server, chat: tuple[int, list[str]]
) -> None:
    (tmp_path / "bin").mkdir()
    sudo = tmp_path / "bin" / "sudo"
    sudo.write_text(
        f'#!/bin/sh\nshift 3\nexport PGPASSWORD={PASSWORD}\nexec psql {postgres.address()} "$@"\n'
    )
    sudo.chmod(0o755)
    shutil.copytree(STAGING, tmp_path / "examples" / "staging")
    free = free_ports(5)
    ports = [postgres.port, *free[:3], chat[0]]
    first, *blocks = pasted()
    assert first.startswith("make setup")
    script = "\n".join(blocks)
    for told, place in PORTS.items():
        script = script.replace(told, str(ports[place]))
    script = script.replace("prefect server start)", f"prefect server start --port {ports[1]})")
    script = script.replace("hooks serve hooks.yaml", f"hooks serve hooks.yaml --port {ports[2]}")
    env = clean_env(
        PATH=f"{tmp_path / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        HOME=str(tmp_path), STAGING_AUTH_PORT=str(free[3]), STAGING_BACKEND_PORT=str(ports[3]),
        STAGING_FRONTEND_PORT=str(free[4]),
    )  # fmt: skip
    out = tmp_path / "out"
    with out.open("wb") as log:
        shell = subprocess.Popen(
            ["bash", "-c", script], cwd=tmp_path, env=env, stdin=subprocess.DEVNULL, stdout=log,
            stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        assert shell.wait(300) == 0, out.read_text()
    finally:
        end_group(shell)
        down = ["-m", "flows.cli", "down", str(tmp_path / "examples" / "staging" / "plan.yaml")]
        run([sys.executable, *down], env, 60)
    said = out.read_text()
    assert '"verdict": "PROMOTE"' in said, said
    assert re.search(r"roll back to healthy +done +healthy serves", said), said
    assert '"service":"backend","revision":"healthy"' in said, said
    assert [title.partition(":")[0] for title in chat[1]] == ["PROMOTE", "ROLL BACK"]
    assert (tmp_path / "gate.env").stat().st_mode & 0o77 == 0

"""`python -m tests.bench_hooks`: signed deliveries at 200 a second, against the receiver as a process.

Open loop: each delivery has its moment, and its latency counts from that moment, so that a stall is
seen by all that wait behind it. Beside it, in turn, `/healthz` of the same process at the same pace:
what HTTP alone costs on this machine. No Prefect: what is started is started after the reply.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx

from tasks.hooks.signatures import sign_standard

PER_S, SECONDS, ROUNDS = 200, 5, 3
SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
CONFIG = """
sources: {ci: {kind: standard, secrets: [BENCH_SECRET], environments: {prod: production}}}
environments: {production: {deployment: validate/bench}}
limits: {rate_per_s: 100000, burst: 100000}
"""
N_CONNECTIONS = 16
PATIENCE_S = 50.0  # of the whole measurement


class Client:
    """Kept connections and requests as bytes: the client must cost less than what it measures."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = (
            asyncio.Queue()  # in turn: the server hangs up on who is idle for five seconds
        )

    async def open(self) -> None:
        for _ in range(N_CONNECTIONS):
            self._free.put_nowait(await asyncio.open_connection("127.0.0.1", self._port))

    async def status(self, request: bytes) -> int:
        """Send, read the whole answer, and say its status."""
        reader, writer = pair = await self._free.get()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(h for h in head.lower().split(b"\r\n") if h.startswith(b"content-length:"))
        await reader.readexactly(int(length.split(b":")[1]))
        self._free.put_nowait(pair)
        return int(head.split(b" ", 2)[1])


def delivery(n: int) -> bytes:
    """One in ten is a new deployment, the others are redelivered."""
    at = datetime.fromtimestamp(1_700_000_000 + n // 10, UTC).isoformat()
    data = {"environment": "prod", "revision": f"r{n // 10}"}
    body = json.dumps({"type": "deployment.succeeded", "timestamp": at, "data": data}).encode()
    now = int(time.time())
    head = (
        f"POST /hooks/ci HTTP/1.1\r\nhost: bench\r\ncontent-length: {len(body)}\r\n"
        f"webhook-id: m{n}\r\nwebhook-timestamp: {now}\r\n"
        f"webhook-signature: {sign_standard(SECRET, f'm{n}', now, body)}\r\n\r\n"
    )
    return head.encode() + body


def health(_: int) -> bytes:
    """The cheapest answer of the same process."""
    return b"GET /healthz HTTP/1.1\r\nhost: bench\r\n\r\n"


async def paced(client: Client, make: Callable[[int], bytes], first: int) -> list[float]:
    """Latencies in ms, from the moment at which each was due."""
    requests = [make(first + n) for n in range(PER_S * SECONDS)]
    began = time.perf_counter() + 0.1

    async def one(n: int) -> float:
        due = began + n / PER_S
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        assert await client.status(requests[n]) in (200, 202)
        return (time.perf_counter() - due) * 1000

    return list(await asyncio.gather(*(one(n) for n in range(len(requests)))))


async def measure(port: int) -> dict[str, list[float]]:
    """All rounds, in turn."""
    found: dict[str, list[float]] = {}
    client = Client(port)
    await client.open()
    await paced(client, health, 0)  # code is warm
    for turn in range(ROUNDS):
        first = turn * PER_S * SECONDS
        found.setdefault("signed delivery", []).extend(await paced(client, delivery, first))
        found.setdefault("/healthz", []).extend(await paced(client, health, first))
    return found


def serve(folder: Path, port: int) -> subprocess.Popen[bytes]:
    """The receiver, with a Prefect that is not there: deliveries are kept and wait."""
    (folder / "hooks.yaml").write_text(CONFIG)
    argv = [sys.executable, "-m", "flows.cli", "hooks", "serve", str(folder / "hooks.yaml")]
    argv += ["--port", str(port), "--warehouse", str(folder / "w.duckdb")]
    env = {**os.environ, "BENCH_SECRET": SECRET, "PREFECT_API_URL": "http://127.0.0.1:9/api"}
    process = subprocess.Popen(argv, env=env, stderr=subprocess.DEVNULL)
    for _ in range(600):
        try:
            httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False)
            return process
        except httpx.HTTPError:
            time.sleep(0.1)
    raise SystemExit("the receiver did not start")


def main() -> None:
    """Measure and print a table."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as name:
        process = serve(Path(name), port)
        try:
            found = asyncio.run(asyncio.wait_for(measure(port), PATIENCE_S))
        except TimeoutError:
            raise SystemExit(
                f"no figures within {PATIENCE_S:g} s: this machine is too busy"
            ) from None
        finally:
            process.terminate()
            process.wait(30)
    print(f"{PER_S} requests a second, {ROUNDS} rounds of {SECONDS} s in turn; ms")
    print(f"{'':20}{'n':>8}{'p50':>8}{'p95':>8}{'p99':>8}{'max':>8}")
    for label, ms in found.items():
        cuts = statistics.quantiles(ms, n=100)
        row = (statistics.median(ms), cuts[94], cuts[98], max(ms))
        print(f"{label:20}{len(ms):8}" + "".join(f"{value:8.1f}" for value in row))
    print(json.dumps({label: statistics.quantiles(ms, n=100)[98] for label, ms in found.items()}))


if __name__ == "__main__":
    main()

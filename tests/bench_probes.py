"""Journeys a second and a CPU second: our probes beside what people load WebSockets with.

All talk to the same server (`tests/load/chat_server.py`, pinned to one core) from the other core:
50 at a time connect with a token, send, hear five events and close. Only ours judges what it hears.
`floor` is the least that Python can do, without and with our judge: no engine gets below the second.
Rounds alternate, so that a slow moment of the machine falls on all. Then: what the journey's
machine itself costs, and the memory of idle sockets. Peers are installed by `tests/load/peers`.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.load.peers.install import FOLDER, tool
from tests.probes.doubles import order, run
from tests.probes.test_load import talking

ROUNDS, SECONDS = 3, 4.0
PEERS = Path(__file__).parent / "load" / "peers"
GOALS = {"bare": 0.8, "locust": 1.5, "k6": 1.0, "artillery": 1.5, "picows": 0.77}
OWN = {"bare": ("tests.load.peers.bare",), "floor": ("tests.load.peers.floor",),
       "floor+judge": ("tests.load.peers.floor", "judged")}  # fmt: skip
Took = Mapping[str, float]


def main() -> None:
    """Measure and print tables."""
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    found = {"speed": speed(), "machine_us": machine(), "idle_kib": idle()}
    print(json.dumps(found))


def speed() -> dict[str, Any]:
    """Journeys a second of wall and of CPU time, medians of alternating rounds."""
    rounds: dict[str, list[Took]] = {"ours": []}
    with server() as port:
        programs = _programs(port)
        for _ in range(ROUNDS):
            rounds["ours"].append(_ours(port))
            for name, (module, *how) in OWN.items():
                command = [sys.executable, "-m", module, str(port), str(SECONDS), *how]
                rounds.setdefault(name, []).append(_child(name, command, port))
            for name, command in programs.items():
                rounds.setdefault(name, []).append(_child(name, command, port))
    return _speeds(rounds)


def _programs(port: int) -> dict[str, list[str]]:
    locust = ["-f", PEERS / "locust_chat.py", "--headless", "-u", "50", "-r", "50",
              "--only-summary"]  # fmt: skip
    arguments = {
        "locust": locust,
        "k6": ["run", "--quiet", "--no-usage-report", PEERS / "k6_chat.js"],
        "artillery": ["run", "--quiet", PEERS / "artillery_chat.yml"],
        "picows": [PEERS / "picows_chat.py", str(port), str(SECONDS)],
    }
    found = {}
    for name, rest in arguments.items():
        program, why = tool(name)
        if program is None:
            print(f"{name}: skipped, it cannot be installed here ({why})")
        else:
            found[name] = [str(program), *map(str, rest)]
    return found


def _ours(port: int) -> Took:
    probe = talking(port, [{"users": 50, "for": f"{SECONDS:g}s"}])
    probe["steps"][0]["open"]["headers"] = {"Authorization": "Bearer " + "x" * 200}
    with on_core(0):
        _, result = asyncio.run(run(order(probe)))
    assert result.load and not result.n_failed, result.message
    wall_s = result.load.stages[0].duration_s
    return {"n": result.n, "wall_s": wall_s, "cpu_s": result.load.watch.cpu_share * wall_s}


def _child(name: str, command: list[str], port: int) -> Took:
    """Run a peer. Each tells its CPU time without its start, but k6, which is billed all of it."""
    with on_core(0):
        said, cpu_s = _billed(command, port)
    told = [json.loads(line) for line in said.splitlines() if line.startswith('{"n":')]
    if not told:
        raise SystemExit(f"{name} said no figures:\n{said[-2000:]}")
    return {"wall_s": SECONDS, "cpu_s": cpu_s, **told[-1]}


def _billed(command: list[str], port: int) -> tuple[str, float]:
    env = {**os.environ, "PORT": str(port), "SECONDS": f"{SECONDS:g}", "GOMAXPROCS": "1", "WORKERS": "1",
           "NODE_PATH": str(FOLDER / "node" / "node_modules")}  # fmt: skip
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        command, env=env, capture_output=True, text=True, check=False, timeout=SECONDS + 60
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return done.stdout + done.stderr, cpu_s


def _speeds(rounds: Mapping[str, list[Took]]) -> dict[str, Any]:
    print(f"\n{'journeys':12}{'a second':>10}{'a CPU s':>10}{'ours / it':>11}{'CPU':>7}{'goal':>7}")
    found: dict[str, Any] = {}
    for name, took in rounds.items():
        wall = statistics.median(one["n"] / one["wall_s"] for one in took)
        cpu = statistics.median(one["n"] / one["cpu_s"] for one in took)
        mine = found.get("ours", {"wall": wall, "cpu": cpu})
        found[name] = {"wall": round(wall), "cpu": round(cpu)}
        ratio = f"{mine['wall'] / wall:11.2f}{mine['cpu'] / cpu:7.2f}"
        goal = f"{GOALS[name]:7.2f}" if name in GOALS else f"{'-':>7}"
        print(f"{name:12}{wall:10.0f}{cpu:10.0f}{ratio}{goal}")
    return found


def machine() -> float:
    """Microseconds of the journey's machine, its JSON and the histogram, for one journey."""
    said = subprocess.run(
        [sys.executable, "-m", "tests.load.peers.machine_cost"], capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    cost = float(said.stdout)
    print(f"\nmachine, JSON and histogram: {cost:.1f} us a journey (goal: under 60)")
    return cost


def idle() -> dict[str, float | None]:
    """KiB a socket, client side, with 5,000 of them open and silent."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    n = min(5_000, (hard - 200) if hard > 0 else 5_000)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(n + 200, hard)), hard))
    locust, _ = tool("locust")
    theirs = str(locust.parent / "python") if locust else ""
    found: dict[str, float | None] = {}
    print(f"\n{n} idle sockets       KiB each")
    for kind, python in {"ours": sys.executable, "websockets": sys.executable, "gevent": theirs}.items():  # fmt: skip
        if python:
            with server() as port:
                command = [python, PEERS / "idle.py", kind, str(port), str(n)]
                env = {**os.environ, "PYTHONPATH": str(Path.cwd())} if kind != "gevent" else None
                said = subprocess.run(command, capture_output=True, text=True, env=env)
            if said.returncode:
                raise SystemExit(said.stderr)
            found[kind] = float(said.stdout)
        print(f"{kind:20}{found[kind]:10.1f}" if python else f"{kind:20}   skipped")
    return found


@contextmanager
def server(*options: str) -> Iterator[int]:
    """The chat server on the last core."""
    core = str(max(os.sched_getaffinity(0)))
    command = [sys.executable, "-m", "tests.load.chat_server", "--core", core, *options]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin and process.stdout
        try:
            yield int(process.stdout.readline())
        finally:
            process.stdin.close()


@contextmanager
def on_core(core: int) -> Iterator[None]:
    """This process, and what it starts, on one core only."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)} if core == 0 else {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


if __name__ == "__main__":
    main()

"""`python tests/bench_makespan.py`: makespan of 12 uneven suites on two workers, side by side.

Each test sleeps and asks a local server. The gate runs the suites twice: the first run knows no
durations, the second knows them. pytest-xdist runs the same tests in one session, by its default
distribution and by `loadscope`. The lower bound is max(longest suite, total / workers), where a
suite's time is that of its tests alone; a second one, for the gate, adds what each suite's own
process costs to start, as measured by running the suite alone.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))

from gate import ROOT, clean_env
from small_gate import asking, target, write_plan

WORKERS = 2
# Seconds a test and tests a suite, about 60 s together; the plan's order is the worst: longest last.
SUITES = {
    f"s{i:02}": [round(total / n, 3)] * n
    for i, (total, n) in enumerate(
        [(0.5, 5), (0.6, 2), (1, 4), (1.5, 3), (2, 10), (2.5, 5), (3, 6), (5, 5), (7, 10), (9, 12),
         (12, 8), (16, 20)]
    )
}  # fmt: skip


def main() -> None:
    """Measure and print a table."""
    from tasks.prefect_server import PrefectServer

    with tempfile.TemporaryDirectory() as name, target() as served:
        folder = Path(name)
        port = served.server_address[1]
        plain, split = _plan(folder / "plain", port, 1), _plan(folder / "split", port, "auto")
        env = clean_env(PREFECT_HOME=str(folder / "home"), URL=f"http://127.0.0.1:{port}/")
        server = PrefectServer(env, folder / "server.log")
        server.wait()
        env["PREFECT_API_URL"] = server.api_url
        try:
            _measure(folder, plain, split, env)
        finally:
            server.stop()


def _plan(folder: Path, port: int, shards: int | str) -> Path:
    folder.mkdir()
    suites = [
        {"id": id, "shards": shards, "code": {f"test_{id}.py": asking(_named(waits))}}
        for id, waits in SUITES.items()
    ]
    phases = [{"id": "all", "priority": "P1", "workers": WORKERS, "suites": suites}]
    return write_plan(folder, port, phases)


def _named(waits_s: list[float]) -> dict[str, float]:
    return {f"t{n}": wait_s for n, wait_s in enumerate(waits_s)}


def _measure(folder: Path, plain: Path, split: Path, env: dict[str, str]) -> None:
    work_s = [sum(waits) for waits in SUITES.values()]
    bound_s = max(*work_s, sum(work_s) / WORKERS)
    alone_s = [_pytest(plain.parent / "suites" / id, env) for id in SUITES]
    with_start_s = max(*alone_s, sum(alone_s) / WORKERS)
    print(f"tests alone: {sum(work_s):.1f} s, lower bound {bound_s:.1f} s on {WORKERS} workers")
    print(f"a process each: {sum(alone_s):.1f} s, lower bound {with_start_s:.1f} s")
    took = {}
    for label, plan in (("whole suites", plain), ("shards: auto", split)):
        store = plan.parent / "w.duckdb"
        took[f"gate, {label}, nothing known"] = _gate(plan, store, env)
        took[f"gate, {label}, durations known"] = _gate(plan, store, env)
    for extra in ([], ["--dist", "loadscope"]):
        label = " ".join(["pytest -n", str(WORKERS), *extra])
        took[label] = _pytest(plain.parent / "suites", env, "-n", str(WORKERS), *extra)
    print(f"{'':40}{'makespan':>10}{'/ bound':>10}{'/ with start':>14}")
    for label, seconds in took.items():
        print(f"{label:40}{seconds:9.1f}s{seconds / bound_s:10.3f}{seconds / with_start_s:14.3f}")


def _gate(plan: Path, store: Path, env: dict[str, str]) -> float:
    """Seconds from the start of the phase to its end, as the run's own record says."""
    head = [sys.executable, "-m", "flows.cli"]
    tail = ["--warehouse", str(store), "--json"]
    done = _run([*head, "run", str(plan), *tail], env)
    run_id = json.loads(done)["run_id"]
    query = f"SELECT duration_s FROM phases WHERE run_id = '{run_id}'"
    return float(json.loads(_run([*head, "sql", query, *tail], env))[0]["duration_s"])


def _pytest(folder: Path, env: dict[str, str], *extra: str) -> float:
    began = time.monotonic()
    ini = ["-c", os.devnull, "--rootdir", str(folder)]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *ini, *extra]
    _run([*command, str(folder)], env)
    return time.monotonic() - began


def _run(command: list[str], env: dict[str, str]) -> str:
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{command} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    main()

"""`make truth-table`: every revision of the reference stack, expected verdict against got.

Starts one Prefect server for all runs, uses a warehouse of its own, validates `healthy` once and
then each revision. Exit 0 only when every row holds, and `show --why` explains it in under 20
lines. `--only a,b` runs some rows.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
PLAN = ROOT / "examples" / "staging" / "plan.yaml"
EXIT_CODES = {"PROMOTE": 0, "PROMOTE_WITH_WATCH": 0, "HOLD": 10, "ROLL_BACK": 11, "SUPERSEDED": 12}
EXPECTED = {
    "healthy": "PROMOTE",
    "slow-start": "PROMOTE",
    "split-databases": "PROMOTE",
    "startup-crash": "ROLL_BACK",
    "no-backend-503": "ROLL_BACK",
    "websocket-race": "HOLD",
    "websocket-always-1000": "ROLL_BACK",
    "subprotocol-mismatch": "ROLL_BACK",
    "missing-event": "ROLL_BACK",
    "wrong-order": "ROLL_BACK",
    "cross-user": "ROLL_BACK",
    "auth-off": "ROLL_BACK",
    "canned-answer": "ROLL_BACK",
    "empty-answer": "ROLL_BACK",
    "slow-agent": "ROLL_BACK",
    "slower-20": "PROMOTE_WITH_WATCH",
    "flaky-agent": "PROMOTE_WITH_WATCH",
    "frontend-degraded": "HOLD",
    "stale": "HOLD",
    "split-traffic": "HOLD",
    "redeployed-mid-run": "SUPERSEDED",
    "hanging-suite": "HOLD",
    "fake-suite": "HOLD",
    "empty-suite": "HOLD",
    "broken-suite": "HOLD",
}


def main() -> int:
    """Run the rows and print them as they come."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="comma-separated revisions")
    parser.add_argument("--warehouse", default="", help="keep everything here")
    given = parser.parse_args()
    names = [n for n in given.only.split(",") if n] or list(EXPECTED)
    with tempfile.TemporaryDirectory() as folder:
        warehouse = Path(given.warehouse or f"{folder}/goldenpath.duckdb").absolute()
        with _server(Path(folder)) as env:
            return _table(names, warehouse, env)


def _table(names: list[str], warehouse: Path, env: dict[str, str]) -> int:
    print(f"{'revision':24}{'expected':20}{'got':20}{'exit':>5}{'seconds':>9}  decided by")
    _run("healthy", warehouse, env)  # the baseline that everything is compared with
    wrong = 0
    for name in names:
        began = time.monotonic()
        code, document = _run(name, warehouse, env)
        got = str(document.get("verdict"))
        good = got == EXPECTED[name] and code == EXIT_CODES[got]
        unclear = _unclear(document, warehouse, env) if good else ""
        wrong += not good or bool(unclear)
        mark = " " if good else "!"
        rule = str(document.get("rule"))[:110]
        took = time.monotonic() - began
        print(f"{name:24}{EXPECTED[name]:20}{got:20}{code:5}{took:9.1f}{mark} {rule}", flush=True)
        print(unclear, end="", flush=True)
    print(f"{len(names) - wrong} of {len(names)} as expected")
    return int(bool(wrong))


def _unclear(document: dict[str, object], warehouse: Path, env: dict[str, str]) -> str:
    """What `--why` prints, where that is no explanation of the verdict in under 20 lines."""
    done = _cli(["show", str(document["run_id"]), "--why"], warehouse, env)
    lines = done.stdout.splitlines()
    parts = ("rule: ", "decision: ", "would turn: ")
    told = all(any(part in line for line in lines) for part in parts)
    clear = done.returncode == 0 and told and len(lines) < 20
    return "" if clear and lines[0].startswith(str(document["verdict"])) else done.stdout


def _cli(args: list[str], warehouse: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "flows.cli", *args, "--warehouse", str(warehouse)]
    return subprocess.run(command, capture_output=True, text=True, env=env, timeout=300, cwd=ROOT)


def _run(name: str, warehouse: Path, env: dict[str, str]) -> tuple[int, dict[str, object]]:
    done = _cli(["run", str(PLAN), "--revision", name, "--json"], warehouse, env)
    try:
        return done.returncode, json.loads(done.stdout)
    except ValueError:
        print(done.stderr, file=sys.stderr)
        return done.returncode, {}


class _server:
    """One Prefect server for all runs, unless the caller has one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __enter__(self) -> dict[str, str]:
        from flows.wiring import prefect_defaults
        from tasks.prefect_server import PrefectServer

        prefect_defaults()
        env = dict(os.environ)
        self.server = None
        if not env.get("PREFECT_API_URL"):
            self.server = PrefectServer(env, self.folder / "prefect.log")
            self.server.wait()
            env["PREFECT_API_URL"] = self.server.api_url
        return env

    def __exit__(self, *_: object) -> None:
        if self.server is not None:
            self.server.stop()


if __name__ == "__main__":
    sys.exit(main())

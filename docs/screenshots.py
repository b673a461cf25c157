"""Pictures for the documentation: `python docs/screenshots.py [--out docs/images]`.

Deploys the reference stack, validates it under a Prefect server of its own, and photographs what
people see: the HTML report, light and dark, an audit, the flow run in Prefect's UI, and the trends
of a synthetic warehouse (`tests/many.py`). Needs Chromium.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import urllib.request
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).parents[1]
PLAN = ROOT / "examples" / "staging" / "plan.yaml"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-dev-shm-usage", "--hide-scrollbars", "--log-level=3"),
)
WAIT_MS = 15_000


def chromium() -> str | None:
    """The first browser of the family that is installed."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


def shoot(
    url: str, picture: Path, size: tuple[int, int], dark: bool = False, wait_ms: int = 0
) -> Path:
    """One PNG of a page.

    Args:
        size: of the window in CSS pixels, width and height.
        wait_ms: how long the page's scripts may work; 0 for a page without any.

    Raises:
        RuntimeError: no browser, or it took no picture within 90 s.
    """
    browser = chromium()
    if browser is None:
        raise RuntimeError(f"no Chromium here: looked for {', '.join(NAMES)}")
    picture.unlink(missing_ok=True)
    picture.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        argv = [browser, *FLAGS, f"--user-data-dir={profile}", f"--screenshot={picture}"]
        argv += [f"--window-size={size[0]},{size[1]}"]
        argv += ["--blink-settings=preferredColorScheme=0"] if dark else []
        argv += [f"--virtual-time-budget={wait_ms}"] if wait_ms else []
        subprocess.run([*argv, url], capture_output=True, timeout=90, check=False)
    if not picture.exists():
        raise RuntimeError(f"{browser} took no picture of {url}")
    return picture


def main() -> None:
    """Take all pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images")
    parser.add_argument("--revision", default="websocket-race", help="what the report is about")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        for picture in _pictures(Path(name), given.out.absolute(), given.revision):
            print(f"{picture}: {picture.stat().st_size / 1000:.0f} kB")


def _pictures(folder: Path, out: Path, revision: str) -> list[Path]:
    from tasks.prefect_server import PrefectServer

    env = {**os.environ, "PREFECT_HOME": str(folder), "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
    env |= _ports()
    server = PrefectServer(env, folder / "server.log", full=True)
    try:
        server.wait()
        env["PREFECT_API_URL"] = server.api_url
        for one in ("healthy", revision):
            run_id = _validate(one, folder, env)
        page = (folder / "reports" / f"{run_id}.html").as_uri()
        audit = (folder / "reports" / f"{_audit(folder, env)}.html").as_uri()
        ui = server.api_url.removesuffix("/api")
        flow = f"{ui}/runs/flow-run/{_flow_run(server.api_url, run_id)}"
        return [
            shoot(page, out / "report-light.png", (1100, 1500)),
            shoot(page, out / "report-dark.png", (1100, 1500), dark=True),
            shoot(audit, out / "audit.png", (1100, 1180)),
            shoot(flow, out / "flow-run.png", (1400, 1000), wait_ms=WAIT_MS),
            *trends(folder, out),
        ]
    finally:
        _down(folder / "state")
        server.stop()


def trends(folder: Path, out: Path) -> list[Path]:
    """The page of trends over 300 deployments × 80 tests, light and dark."""
    sys.path.insert(0, str(ROOT))
    from tests.many import build

    build(folder / "many.duckdb", 300, 80)
    page = folder / "trends.html"
    argv = [sys.executable, "-m", "flows.cli", "trends", "--html", str(page)]
    argv += ["--environment", "staging", "--warehouse", str(folder / "many.duckdb")]
    subprocess.run(argv, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, timeout=120)
    return [
        shoot(page.as_uri(), out / f"trends-{name}.png", (1240, 1180), dark=dark, wait_ms=3000)
        for name, dark in (("light", False), ("dark", True))
    ]


def _ports() -> dict[str, str]:
    """Free ones, so that a stack that runs already is left alone."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(3)]
        ports = [str(probe.getsockname()[1]) for probe in probes]
    names = ("AUTH", "BACKEND", "FRONTEND")
    return {f"STAGING_{n}_PORT": port for n, port in zip(names, ports, strict=True)}


def _validate(revision: str, folder: Path, env: dict[str, str]) -> str:
    return _goldenpath(folder, env, "run", "--revision", revision)


def _audit(folder: Path, env: dict[str, str]) -> str:
    """Some suites, strong and weak."""
    suites = ("weak", "first_user_journey", "websocket_events")
    return _goldenpath(folder, env, "audit", *(f"--suite={suite}" for suite in suites))


def _goldenpath(folder: Path, env: dict[str, str], command: str, *options: str) -> str:
    argv = [sys.executable, "-m", "flows.cli", command, str(PLAN), *options, "--json"]
    argv += ["--warehouse", str(folder / "w.duckdb"), "--set", f"deploy.state={folder / 'state'}"]
    done = subprocess.run(argv, env=env, cwd=ROOT, stdout=subprocess.PIPE, timeout=300, check=False)
    return str(json.loads(done.stdout)["run_id"])


def _flow_run(api: str, name: str) -> str:
    body = json.dumps({"flow_runs": {"name": {"any_": [name]}}}).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{api}/flow_runs/filter", body, headers)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return str(json.load(answer)[0]["id"])


def _down(state: Path) -> None:
    try:
        os.kill(json.loads((state / "supervisor.json").read_text())["pid"], 15)
    except (OSError, ValueError):
        return


if __name__ == "__main__":
    main()

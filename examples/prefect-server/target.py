"""Start a real Prefect server as a system under test, on the port that the deployer gives.

Its home is below DATA_DIR, so that it never touches the Prefect of the person who runs this.
PREFECT_TARGET_DATABASE_URL points it at another database, for example at a broken one.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path


def main() -> None:
    """Become the server process."""
    home = Path(os.environ["DATA_DIR"]) / "prefect"
    home.mkdir(parents=True, exist_ok=True)
    # The gate's own Prefect settings must not reach its target.
    env = {key: value for key, value in os.environ.items() if not key.startswith("PREFECT_")}
    env |= {"PREFECT_HOME": str(home), "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
    if url := os.environ.get("PREFECT_TARGET_DATABASE_URL"):
        env["PREFECT_API_DATABASE_CONNECTION_URL"] = url
    spec = importlib.util.find_spec("prefect")
    assert spec is not None and spec.origin is not None
    command = [
        *(sys.executable, "-m", "uvicorn", "--app-dir", str(Path(spec.origin).parents[1])),
        *("--factory", "prefect.server.api.server:create_app", "--host", "127.0.0.1"),
        *("--port", os.environ["PORT"], "--log-level", "warning"),
    ]
    os.execve(sys.executable, command, env)


if __name__ == "__main__":
    main()

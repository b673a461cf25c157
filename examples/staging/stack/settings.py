"""What a process is told by the deployer: the environment, read once and checked."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stack.revisions import Behaviour, behaviour_of

MIN_SECRET_CHARS = 32


@dataclass(frozen=True, slots=True)
class Settings:
    """The inputs of one service process."""

    port: int
    revision: str
    previous: str
    data_dir: Path
    secret: str
    auth_url: str
    backend_url: str
    frontend_url: str

    @property
    def behaviour(self) -> Behaviour:
        return behaviour_of(self.revision)


def read_settings(env: Mapping[str, str] = os.environ, *, needs_secret: bool) -> Settings:
    """Read the settings of a process, or end it with every fault in one message."""
    faults = list(_faults(env, needs_secret))
    if faults:
        raise SystemExit("cannot start: " + "; ".join(faults))
    return Settings(
        port=int(env["PORT"]),
        revision=env.get("REVISION") or "healthy",
        previous=env.get("PREVIOUS_REVISION", ""),
        data_dir=Path(env.get("DATA_DIR") or "."),
        secret=env.get("JWT_SECRET_KEY", ""),
        auth_url=env.get("AUTH_URL", ""),
        backend_url=env.get("BACKEND_URL", ""),
        frontend_url=env.get("FRONTEND_URL", ""),
    )


def _faults(env: Mapping[str, str], needs_secret: bool) -> list[str]:
    faults = []
    if not env.get("PORT", "").isdigit():
        faults.append(f"PORT must be a number, got {env.get('PORT', '')!r}")
    n_chars = len(env.get("JWT_SECRET_KEY", ""))
    if needs_secret and n_chars < MIN_SECRET_CHARS:
        faults.append(f"JWT_SECRET_KEY needs {MIN_SECRET_CHARS} characters or more, got {n_chars}")
    if needs_secret and not env.get("DATA_DIR"):
        faults.append("DATA_DIR must name a folder for the SQLite files")
    return faults

"""The peers of the benchmark, installed into a throw-away folder and never into our own lock."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parents[3] / "var" / "bench" / "peers"
_PYTHON = FOLDER / "python"
_PACKAGES = {
    "locust": ("locust", "websocket-client", "gevent"),
    "k6": ("k6",),
    "picows": ("picows", "uvloop"),
}
_PATIENCE_S = 300


def tool(name: str) -> tuple[Path | None, str]:
    """The program `name`, installed if it must be; None with the reason where it cannot be."""
    if name == "artillery":
        return _artillery()
    python = _PYTHON / "bin" / "python"
    program = python if name == "picows" else _PYTHON / "bin" / name
    if program.exists() and (program != python or _has(python, name)):
        return program, ""
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", _PYTHON], check=True)
    why = _run([python, "-m", "pip", "install", "--quiet", *_PACKAGES[name]])
    is_there = program.exists() and (program != python or _has(python, name))
    return (program, "") if is_there else (None, f"pip: {why}")


def _has(python: Path, module: str) -> bool:
    return subprocess.run([python, "-c", f"import {module}"], capture_output=True).returncode == 0


def _artillery() -> tuple[Path | None, str]:
    program = FOLDER / "node" / "node_modules" / ".bin" / "artillery"
    if program.exists():
        return program, ""
    npm = shutil.which("npm")
    if npm is None:
        return None, "npm is not installed"
    program.parents[2].mkdir(parents=True, exist_ok=True)
    why = _run([npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix",
                program.parents[2], "artillery", "ws"])  # fmt: skip
    return (program, "") if program.exists() else (None, f"npm: {why}")


def _run(command: list[str | os.PathLike[str]]) -> str:
    """Run it; its last words where it failed, else its exit code."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE_S)
    except subprocess.TimeoutExpired:
        return f"did not end in {_PATIENCE_S} s"
    said = (done.stderr or done.stdout).strip().splitlines()
    return f"exit code {done.returncode}{f': {said[-1]}' if said else ''}"

"""Whether a run will be able to write: tried, not asked (root passes every permission bit)."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from data.errors import UsageError

_MAGIC_AT, _MAGIC = 8, b"DUCK"  # https://duckdb.org/docs/stable/internals/storage


def require_writable(path: Path, spools: Path) -> None:
    """Make the folders, write and remove a file in each, open the warehouse for writing.

    Raises:
        UsageError: one line that says which of it failed.
    """
    for folder in (path.parent, spools):
        _require_folder(path, folder)
    if path.is_dir():
        raise UsageError(
            f"the warehouse {path} is a folder: name a file, such as {path}/gate.duckdb"
        )
    if path.exists():
        _require_database(path)


def _require_folder(path: Path, folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"golden path")
    except OSError as error:
        raise UsageError(
            f"the warehouse {path} cannot be written: {folder}: {error.strerror}"
        ) from error


def _require_database(path: Path) -> None:
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError as error:
        raise UsageError(f"the warehouse {path} cannot be written: {error.strerror}") from error
    try:
        head = os.pread(descriptor, _MAGIC_AT + len(_MAGIC), 0)
    finally:
        os.close(descriptor)
    if head and head[_MAGIC_AT:] != _MAGIC:
        raise UsageError(f"the warehouse {path} is not a DuckDB file: name another one")

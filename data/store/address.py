"""Where the shared warehouse is: the address of a PostgreSQL, kept beside this machine's copy."""

from __future__ import annotations

import hashlib
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from data.errors import UsageError
from data.store.lock import real_name

SCHEMES = ("postgresql://", "postgres://")
_SECRETS = {"password", "sslpassword"}
_EXPECTED = "the address of the warehouse: expected postgresql://USER@HOST/DATABASE"


def is_address(given: str) -> bool:
    """Whether a `--warehouse` names a PostgreSQL and no file."""
    return given.startswith(SCHEMES)


def file_of(named: str, folder: Path) -> Path:
    """The DuckDB file that is named, or in `folder` this machine's copy of the PostgreSQL.

    Raises:
        UsageError: as `local_copy`.
    """
    return local_copy(named, folder) if is_address(named) else real_name(Path(named))


def local_copy(address: str, folder: Path) -> Path:
    """The DuckDB file of this machine for that address; the address is noted beside it.

    Raises:
        UsageError: a password in it (it would be stored), no host or database, or no place for it.
    """
    try:
        parts = urlsplit(address)
    except ValueError as error:
        raise UsageError(f"{_EXPECTED}: {error}") from error
    if parts.password is not None or _SECRETS & parse_qs(parts.query).keys():
        raise UsageError(
            "the address of the warehouse has a password, which would be stored: leave it out and "
            "set PGPASSWORD, or a line in the file that PGPASSFILE names"
        )
    name = parts.path.strip("/")
    if not name or "/" in name:
        raise UsageError(f"{_EXPECTED}: it names no database")
    sign = hashlib.sha256(address.encode()).hexdigest()[:8]
    safe = "".join(c if c.isascii() and c.isalnum() else "_" for c in name)
    path = folder / f"{safe}-{sign}.duckdb"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if address_of(path) != address:
            _beside(path).write_text(address, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {_beside(path)}: {error.strerror}") from error
    return path


def address_of(warehouse: Path) -> str | None:
    """The shared warehouse that this file is a copy of; None: it stands alone."""
    try:
        return _beside(warehouse).read_text(encoding="utf-8").strip() or None
    except (FileNotFoundError, NotADirectoryError):
        return None


def _beside(warehouse: Path) -> Path:
    return warehouse.with_name(f"{warehouse.name}.address")

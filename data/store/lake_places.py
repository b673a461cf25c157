"""Where a lake lies: a folder, or a prefix of an object store. Files appear whole or not at all."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Protocol

from data.errors import WarehouseBusy


class Place(Protocol):
    """Names are paths below the lake, with `/`."""

    name: str

    def alone(self) -> AbstractContextManager[None]:
        """Be its only writer. Raises: WarehouseBusy."""

    def sizes(self, views: tuple[str, ...]) -> Mapping[str, int]:
        """Every Parquet file that a writing left below these, killed ones included, with bytes."""

    def read(self, name: str) -> str | None:
        """A text; None where there is none."""

    def write(self, name: str, text: str) -> None:
        """Put a text in place at once."""

    def placing(self, name: str) -> AbstractContextManager[Path]:
        """A path to write to; what lies there is put in place at once when the block ends."""

    def remove(self, name: str) -> None:
        """Away with it; twice is as once."""


class Folder:
    """A folder of this machine. What else lies in it is left alone."""

    def __init__(self, path: Path) -> None:
        self.name, self._path = str(path), path

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the lock of the folder, which is made. Raises: WarehouseBusy, OSError."""
        self._path.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._path / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError:
            raise WarehouseBusy(f"another process writes the lake {self.name}: try again") from None
        finally:
            os.close(descriptor)

    def sizes(self, views: tuple[str, ...]) -> dict[str, int]:
        """By name; files of others are not among them."""
        names = ("part.parquet", "all.parquet", ".part.parquet.new", ".all.parquet.new")
        found = (path for view in views for path in (self._path / view).rglob("*.parquet*"))
        return {
            path.relative_to(self._path).as_posix(): path.stat().st_size
            for path in found
            if path.name in names
        }

    def read(self, name: str) -> str | None:
        """A text; None where there is none."""
        try:
            return (self._path / name).read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return None

    def write(self, name: str, text: str) -> None:
        """By a rename."""
        with self.placing(name) as fresh:
            fresh.write_text(text, encoding="utf-8")

    @contextmanager
    def placing(self, name: str) -> Iterator[Path]:
        """A file beside the name, renamed to it when the block ends well."""
        path = self._path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f".{path.name}.new")
        yield fresh
        fresh.replace(path)

    def remove(self, name: str) -> None:
        """The file, and the folders above it that are empty then."""
        path = self._path / name
        path.unlink(missing_ok=True)
        with suppress(OSError):  # a folder that holds something else stays
            for parent in path.parents[: len(Path(name).parents) - 1]:
                parent.rmdir()

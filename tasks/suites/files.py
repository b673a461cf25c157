"""The files of one suite's work_dir, and reading them while somebody writes."""

from __future__ import annotations

import json
from pathlib import Path

from data.records.orders import SuiteOrder


class WorkFiles:
    """Where one attempt keeps its stream, output and status; names carry the attempt's number."""

    def __init__(self, order: SuiteOrder) -> None:
        work_dir = order.work_dir.absolute()
        name = f"{order.attempt}.{order.shard}" if order.shard > 1 else f"{order.attempt}"
        self.stream = work_dir / f"stream-{name}.jsonl"
        self.stdout = work_dir / f"stdout-{name}.log"
        self.stderr = work_dir / f"stderr-{name}.log"
        self.status = work_dir / f"guard-{name}.jsonl"
        self.contacts = work_dir / f"contacts-{name}.jsonl"
        self.only = work_dir / f"only-{name}.json"
        self.others = work_dir / f"except-{name}.json"

    def prepare(self, only: tuple[str, ...], others: tuple[str, ...] = ()) -> None:
        """Make the folder ready; what an earlier gate left of this attempt is kept."""
        self.stream.parent.mkdir(parents=True, exist_ok=True)
        close_torn_line(self.stream)
        self.only.write_text(json.dumps(only), encoding="utf-8")
        if others:
            self.others.write_text(json.dumps(others), encoding="utf-8")


def close_torn_line(path: Path) -> None:
    """End a last line that its dead writer left open, so that the next line begins afresh."""
    if path.exists() and not (read := path.read_bytes()).endswith(b"\n") and read:
        with path.open("ab") as file:
            file.write(b"\n")


class Tail:
    """Reads what was appended to a file since the last look, from where it ends now."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.offset = size_bytes(path)
        self.rest = b""

    def lines(self) -> list[str]:
        """Whole new lines; a torn one waits until it is complete."""
        if size_bytes(self.path) <= self.offset:
            return []
        with self.path.open("rb") as file:
            file.seek(self.offset)
            new = file.read()
        self.offset += len(new)
        *whole, self.rest = (self.rest + new).split(b"\n")
        return [line.decode("utf-8", "replace") for line in whole]


def size_bytes(path: Path) -> int:
    """Size of a file, 0 when it is not there."""
    return path.stat().st_size if path.exists() else 0


def tail_text(path: Path, start: int, n_bytes: int) -> str:
    """The last `n_bytes` of what was written after `start`, decoded with replacement."""
    end = size_bytes(path)
    if end <= start:
        return ""
    with path.open("rb") as file:
        file.seek(max(start, end - n_bytes))
        return file.read(n_bytes).decode("utf-8", "replace")

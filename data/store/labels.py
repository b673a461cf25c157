"""What people found out later: in the warehouse, and in a journal that outlives a damaged one."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import duckdb

from data.errors import GoldenPathError
from data.store.connect import Connection, look
from data.store.published import published_path

_PUT = "INSERT OR REPLACE INTO store.labels VALUES (?, ?, ?, ?, ?)"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Label(NamedTuple):
    """One label of one run, as `store.labels` has it."""

    run_id: str
    label: str
    note: str
    by: str
    at: datetime


def labels_path(warehouse: Path) -> Path:
    """Where the journal of labels lies."""
    return warehouse.with_name(f"{warehouse.name}.labels.jsonl")


def note(warehouse: Path, label: Label) -> None:
    """Add a label to the journal; it is on disk when this returns."""
    line = json.dumps(label._asdict() | {"at": label.at.isoformat()})
    with labels_path(warehouse).open("a", encoding="utf-8") as file:
        file.write(line + "\n")
        file.flush()
        os.fsync(file.fileno())


def after_earlier(connection: Connection, label: Label) -> Label:
    """The label, later than what was said of the run before: a clock may have been put back."""
    row = connection.execute(
        'SELECT epoch_us("at") FROM store.labels WHERE run_id = ?', [label.run_id]
    ).fetchone()
    earliest = _EPOCH + timedelta(microseconds=row[0] + 1) if row else label.at
    return label._replace(at=max(label.at, earliest))


def put(connection: Connection, labels: Iterable[Label]) -> None:
    """Make the warehouse say this of their runs; a later label of the same run wins."""
    for label in sorted(labels, key=lambda one: one.at):
        connection.execute(_PUT, list(label))


def rescued(warehouse: Path) -> list[Label]:
    """Every label that the journal, the analysts' copy and the damaged file itself still tell."""
    found = _in_file(warehouse) + _in_file(published_path(warehouse)) + noted(warehouse)
    return list(dict.fromkeys(found))


def noted(warehouse: Path) -> list[Label]:
    """Every label in the journal, in the order in which they were given."""
    found = []
    with suppress(OSError):
        for line in labels_path(warehouse).read_bytes().splitlines():
            with suppress(ValueError, TypeError):  # a line that a kill cut short
                row = json.loads(line)
                found.append(Label(**row | {"at": datetime.fromisoformat(row["at"])}))
    return found


def _in_file(path: Path) -> list[Label]:
    if not path.exists():
        return []
    asked = 'SELECT run_id, label, note, "by", epoch_us("at") FROM store.labels'
    try:
        with look(path) as connection:
            rows = connection.execute(asked).fetchall()
    except (GoldenPathError, duckdb.Error):
        return []
    return [
        Label(run_id, label, said, by, _EPOCH + timedelta(microseconds=at))
        for run_id, label, said, by, at in rows
    ]

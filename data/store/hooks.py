"""Requests to the hook receiver: a journal that is written before the reply, then the warehouse."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

import duckdb
from pydantic import ValidationError

from data.errors import UsageError, WarehouseError
from data.records.hooks import HookDelivery
from data.store.connect import first_line, reading, writing
from data.store.lock import Deadline

_COLUMNS = {
    "row_id": "VARCHAR", "at": "TIMESTAMPTZ", "source": "VARCHAR", "kind": "VARCHAR",
    "client": "VARCHAR", "delivery_id": "VARCHAR", "event": "VARCHAR", "status": "INTEGER",
    "outcome": "VARCHAR", "reason": "VARCHAR", "environment": "VARCHAR",
    "deployed_at": "TIMESTAMPTZ", "key": "VARCHAR", "run_id": "VARCHAR", "flow_run_id": "VARCHAR",
    "superseded": "VARCHAR", "n_bytes": "BIGINT", "took_ms": "DOUBLE", "body": "VARCHAR",
}  # fmt: skip
# a column a parameter: DuckDB takes 400 rows in milliseconds so, and in seconds one by one
_INSERT = "INSERT OR REPLACE INTO store.hook_delivery SELECT " + ", ".join(
    f"unnest(CAST(? AS {kind}[]))" for kind in _COLUMNS.values()
)


class HookBook:
    """The receiver's journal beside the warehouse, and the table behind `hook_deliveries`.

    A line is in the file before `write` returns, so it survives a kill (not a power cut: a reply
    does not wait for the disk). One receiver holds it at a time, for only one can know which
    deployment is the newest.
    """

    def __init__(self, warehouse: Path) -> None:
        """Args: warehouse: the DuckDB file.

        Raises:
            UsageError: another receiver holds the journal, or it cannot be written.
        """
        self._warehouse = warehouse
        self.path = warehouse.with_name(warehouse.name + ".hooks.jsonl")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            self._descriptor = os.open(self.path, flags, 0o600)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._descriptor)
            raise UsageError(
                f"another receiver writes {self.path}: end it, or give this one its own warehouse"
            ) from None
        except OSError as error:
            raise UsageError(f"cannot write {self.path}: {error.strerror}") from error
        self._waiting: list[HookDelivery] = list(_rows(self.path.read_bytes()))

    def write(self, row: HookDelivery) -> None:
        """Keep one row; a later one with its `row_id` replaces it.

        Raises:
            WarehouseError: the disk is full or gone. Nothing may be accepted then.
        """
        try:
            line = row.model_dump_json().encode("utf-8", "replace") + b"\n"
            written = os.write(self._descriptor, line)
        except OSError as error:
            raise WarehouseError(f"cannot write {self.path}: {error.strerror}") from error
        if written != len(line):  # a full disk: the torn line is skipped when it is read
            raise WarehouseError(f"cannot write {self.path}: the disk is full")
        self._waiting.append(row)

    def known(self) -> list[HookDelivery]:
        """Rows about a deployment that had or has a run, oldest first: warehouse and journal."""
        with reading(self._warehouse, Deadline()) as connection:
            found = connection.execute(
                'SELECT body FROM store.hook_delivery WHERE "key" IS NOT NULL'
            ).fetchall()
        stored = _rows("\n".join([body for (body,) in found] + [""]).encode())
        merged = {row.row_id: row for row in (*stored, *self._waiting)}
        began = [row for row in merged.values() if row.key and row.outcome not in ("SAME", "OLDER")]
        return sorted(began, key=lambda row: row.at)

    def unanswered(self, since: datetime) -> list[HookDelivery]:
        """Rows that a forge waits for, oldest first: warehouse and journal."""
        with reading(self._warehouse, Deadline()) as connection:
            found = connection.execute(
                'SELECT body FROM store.hook_delivery WHERE environment IS NOT NULL AND "at" > ?',
                [since],
            ).fetchall()
        stored = _rows("\n".join([body for (body,) in found] + [""]).encode())
        merged = {row.row_id: row for row in (*stored, *self._waiting)}
        waits = [r for r in merged.values() if (r.callback or r.commit) and not r.answered]
        return sorted((row for row in waits if row.at > since), key=lambda row: row.at)

    def take_in(self, wait_s: float = 0.0) -> int:
        """Put what waits into the warehouse. Returns how many rows; what fails stays waiting.

        Raises:
            WarehouseBusy: others held it until the deadline.
            WarehouseError: it cannot be written.
        """
        rows = list(self._waiting)
        if not rows:
            return 0
        with writing(self._warehouse, Deadline(wait_s)) as connection:
            connection.execute("BEGIN")
            try:
                connection.execute(_INSERT, _values(rows))
                connection.execute("COMMIT")
            except duckdb.Error as error:
                connection.execute("ROLLBACK")
                raise WarehouseError(f"hook deliveries: {first_line(error)}") from error
        del self._waiting[: len(rows)]
        return len(rows)

    def close(self) -> None:
        """Let go. The journal is emptied when the warehouse has all of it."""
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            if not self._waiting:
                os.ftruncate(descriptor, 0)
            os.close(descriptor)


def _values(rows: Sequence[HookDelivery]) -> list[list[object]]:
    """A list a column, of the newest word of each row."""
    latest = {row.row_id: row for row in rows}.values()
    told = [[getattr(row, name) for row in latest] for name in _COLUMNS if name != "body"]
    return [*told, [row.model_dump_json() for row in latest]]


def _rows(text: bytes) -> Iterable[HookDelivery]:
    for line in text.split(b"\n")[:-1]:
        try:
            yield HookDelivery.model_validate_json(line)
        except ValidationError:
            continue  # torn by a full disk; the reply to it was an error

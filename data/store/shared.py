"""One PostgreSQL for many machines: a log of ended journals and labels.

It is added to, and never changed but for old journals that lose their samples (`thinning`).

Numbers of rows (`seq`) become visible in their order, since whoever adds holds one lock until the
commit: a reader that has seen row 6 will never miss a row 5 that was committed after it.
"""

from __future__ import annotations

import hashlib
import os
import socket
import threading
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple

from data.errors import UsageError, WarehouseError
from data.store.labels import Label

if TYPE_CHECKING:
    import psycopg

_CONNECT_S = 3
_PATIENCE = (
    "-c lock_timeout=10s -c statement_timeout=60s -c idle_in_transaction_session_timeout=60s"
)
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('goldenpath.log'))"
_SCHEMA = """
CREATE SCHEMA IF NOT EXISTS goldenpath;
CREATE TABLE IF NOT EXISTS goldenpath.journal (
  seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  run_id text NOT NULL,
  n_bytes bigint NOT NULL,
  sha256 bytea NOT NULL,
  body bytea NOT NULL,
  stored_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (run_id, sha256));
ALTER TABLE goldenpath.journal ADD COLUMN IF NOT EXISTS thin_sha256 bytea;
COMMENT ON COLUMN goldenpath.journal.thin_sha256 IS
  'Of body without its samples; n_bytes and sha256 stay those of the journal as it was sent.';
COMMENT ON TABLE goldenpath.journal IS 'Ended journals of runs, zlib; the longest of a run counts.';
ALTER TABLE goldenpath.journal ALTER COLUMN body SET STORAGE EXTERNAL;
CREATE TABLE IF NOT EXISTS goldenpath.label (
  seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  run_id text NOT NULL, label text NOT NULL, note text NOT NULL, "by" text NOT NULL,
  "at" timestamptz NOT NULL,
  UNIQUE (run_id, "at", label, "by", note));
COMMENT ON TABLE goldenpath.label IS 'What people found out later; the latest of a run counts.';
"""
_IS_MADE = """
SELECT to_regclass('goldenpath.label') IS NOT NULL AND EXISTS (
  SELECT FROM pg_attribute
  WHERE attrelid = to_regclass('goldenpath.journal') AND attname = 'thin_sha256')
"""
_SPOILT = "journal {} of the shared warehouse is damaged or gone"
_ADD_JOURNAL = (
    "INSERT INTO goldenpath.journal (run_id, n_bytes, sha256, body) VALUES (%s, %s, %s, %s) "
    "ON CONFLICT DO NOTHING"
)
_ADD_LABEL = (
    'INSERT INTO goldenpath.label (run_id, label, note, "by", "at") VALUES (%s, %s, %s, %s, %s) '
    "ON CONFLICT DO NOTHING"
)


class Entry(NamedTuple):
    """One journal of the log: its number, run and length in bytes."""

    seq: int
    run_id: str
    n_bytes: int


class Log:
    """An open connection to the log."""

    def __init__(self, connection: psycopg.Connection[tuple[object, ...]]) -> None:
        """Args: connection: in autocommit."""
        self._connection = connection

    def holds(self, run_id: str, body: bytes) -> bool:
        """Whether exactly this journal of the run is there."""
        asked = "SELECT 1 FROM goldenpath.journal WHERE run_id = %s AND %s IN (sha256, thin_sha256)"
        return self._connection.execute(asked, [run_id, _sign(body)]).fetchone() is not None

    def add(self, run_id: str, body: bytes) -> None:
        """Add a journal in one transaction; the same again changes nothing."""
        row = [run_id, len(body), _sign(body), zlib.compress(body, 1)]
        with self._connection.transaction():
            self._connection.execute(_LOCK)
            self._connection.execute(_ADD_JOURNAL, row)

    def after(self, seq: int, limit: int) -> list[Entry]:
        """The next journals behind that number."""
        rows = self._connection.execute(
            "SELECT seq, run_id, n_bytes FROM goldenpath.journal WHERE seq > %s "
            "ORDER BY seq LIMIT %s",
            [seq, limit],
        ).fetchall()
        return [Entry(*row) for row in rows]  # type: ignore[arg-type]

    def body(self, seq: int) -> bytes:
        """The journal of that number, as it was sent, or without its samples.

        Raises:
            WarehouseError: it is gone, or not what was stored.
        """
        asked = "SELECT body, coalesce(thin_sha256, sha256) FROM goldenpath.journal WHERE seq = %s"
        packed, sign = self._connection.execute(asked, [seq]).fetchone() or (b"", b"")
        try:
            body = zlib.decompress(packed)  # type: ignore[arg-type]
        except zlib.error as error:
            raise WarehouseError(f"{_SPOILT.format(seq)} ({error})") from error
        if _sign(body) != sign:
            raise WarehouseError(_SPOILT.format(seq))
        return body

    def raw(self, runs: Iterable[str]) -> list[tuple[int, str]]:
        """Numbers and runs of journals of these runs that have their samples."""
        asked = (
            "SELECT seq, run_id FROM goldenpath.journal "
            "WHERE thin_sha256 IS NULL AND run_id = ANY(%s) ORDER BY seq"
        )
        rows = self._connection.execute(asked, [sorted(runs)]).fetchall()
        return [(int(str(seq)), str(run_id)) for seq, run_id in rows]

    def replace(self, seq: int, body: bytes) -> None:
        """Keep this journal of the number, without its samples, from now on."""
        self._connection.execute(
            "UPDATE goldenpath.journal SET body = %s, thin_sha256 = %s WHERE seq = %s",
            [zlib.compress(body, 1), _sign(body), seq],
        )

    def drop_shorter(self, runs: Iterable[str]) -> int:
        """Drop journals of these runs after which a longer one came, and say how many."""
        asked = (
            "DELETE FROM goldenpath.journal AS one USING goldenpath.journal AS other "
            "WHERE one.run_id = other.run_id AND one.n_bytes < other.n_bytes "
            "AND one.seq < other.seq AND one.run_id = ANY(%s)"
        )
        return self._connection.execute(asked, [sorted(runs)]).rowcount

    def add_labels(self, labels: Iterable[Label]) -> None:
        """Add labels in one transaction; those that are there change nothing."""
        with self._connection.transaction(), self._connection.cursor() as cursor:
            cursor.execute(_LOCK)
            cursor.executemany(_ADD_LABEL, [tuple(label) for label in labels])

    def labels_after(self, seq: int) -> tuple[int, list[Label]]:
        """The labels behind that number, and the number of the last."""
        asked = (
            'SELECT seq, run_id, label, note, "by", "at" FROM goldenpath.label '
            "WHERE seq > %s ORDER BY seq"
        )
        rows: Sequence[tuple[object, ...]] = self._connection.execute(asked, [seq]).fetchall()
        last = max((int(str(row[0])) for row in rows), default=seq)
        return last, [Label(*row[1:]) for row in rows]  # type: ignore[arg-type]


@contextmanager
def opened(address: str, limit_s: float | None = None) -> Iterator[Log]:
    """The log at that address, made when it is missing. The password comes from libpq's own places.

    Args:
        limit_s: after so long the connection is cut, whatever the server does; None: never.

    Raises:
        UsageError: the driver is not installed.
        WarehouseError: the server cannot be reached, refuses us, or ends in between.
    """
    try:
        import psycopg
    except ImportError as error:
        raise UsageError(
            "a warehouse on PostgreSQL needs psycopg: pip install 'golden-path[postgresql]' "
            f"({error})"
        ) from error
    try:
        with (
            psycopg.connect(
                address,
                connect_timeout=_CONNECT_S,
                autocommit=True,
                options=_PATIENCE,
                keepalives_idle=5,  # a network that is gone is noticed in seconds
                keepalives_interval=5,
                keepalives_count=3,
            ) as connection,
            _cut_after(connection.fileno(), limit_s),
        ):
            connection.execute("SET TimeZone = 'UTC'")
            _make(connection)
            yield Log(connection)
    except psycopg.Error as error:
        said = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise WarehouseError(f"the shared warehouse {address} cannot be used: {said}") from error


@contextmanager
def _cut_after(descriptor: int, limit_s: float | None) -> Iterator[None]:
    if limit_s is None:
        yield
        return
    with socket.socket(fileno=os.dup(descriptor)) as line:
        timer = threading.Timer(limit_s, _cut, [line])
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()


def _cut(line: socket.socket) -> None:
    with suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)


def _make(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    row = connection.execute(_IS_MADE).fetchone()
    if row is not None and row[0]:
        return
    with connection.transaction():
        connection.execute(_LOCK)
        connection.execute(_SCHEMA)


def _sign(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()

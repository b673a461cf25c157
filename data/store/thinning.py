"""Journals without the samples that the warehouse compacted: on this machine, and in the log.

A journal is the truth from which a warehouse is rebuilt, so one line takes the place of its
samples: what they came to, exactly, and their histogram. Nothing else of it changes.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from data.errors import GoldenPathError, WarehouseError
from data.records.compacted import Bins, Figures, Histograms
from data.records.facts import Fact, Sample
from data.store.address import address_of
from data.store.connect import Connection, first_line, is_missing, look
from data.store.facts import decode, encode, key_of
from data.store.mend import spools_of
from data.store.published import published_path
from data.store.shared import opened
from data.store.spool import DONE, THIN, is_thin, put_in_place

_OTHERS = "the journal of %s has %d samples, the warehouse compacted %d: it stays as it is"
_SAMPLE = b'{"v":1,"kind":"sample",'
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_log = logging.getLogger("goldenpath.warehouse")


class Thinned(NamedTuple):
    """Journals that lost their samples: here and in the shared log, bytes less here, and shorter
    journals of resumed runs that the log dropped."""

    n_here: int = 0
    n_in_log: int = 0
    n_bytes: int = 0
    n_dropped: int = 0


def thin_journals(warehouse: Path) -> Thinned:
    """Take the samples out of filed journals of compacted runs; again changes nothing.

    A journal whose samples are not as many as the warehouse compacted stays as it is. Call it after
    `compact`: it reads the analysts' copy, and nobody waits for it.

    Raises:
        WarehouseError: the copy cannot be read, a journal not be written, or the PostgreSQL that
            the warehouse is shared through cannot be used or changed; what was done stays done.
    """
    copy = published_path(warehouse)
    if is_missing(copy):
        return Thinned()
    try:
        with look(copy) as connection:
            runs = _compacted(connection)
            n_here, n_bytes = _thin_here(connection, runs, spools_of(warehouse) / DONE)
            n_in_log, n_dropped = _thin_log(connection, runs, address_of(warehouse))
    except (OSError, duckdb.Error) as error:
        raise WarehouseError(f"cannot compact journals: {first_line(error)}") from error
    return Thinned(n_here, n_in_log, n_bytes, n_dropped)


def _compacted(connection: Connection) -> set[str]:
    return {row[0] for row in connection.execute("SELECT run_id FROM store.compacted").fetchall()}


def _thin_here(connection: Connection, runs: set[str], done: Path) -> tuple[int, int]:
    n, n_bytes = 0, 0
    for path in sorted(done.glob("*.jsonl")):
        if path.stem not in runs or is_thin(path):
            continue
        before = path.read_bytes()
        body = _without_samples(connection, path.stem, before)
        if body is not None and _put(path, body):
            n, n_bytes = n + 1, n_bytes + len(before) - len(body)
    return n, n_bytes


def _put(path: Path, body: bytes) -> bool:
    fresh = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with fresh.open("wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        return put_in_place(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)


def _thin_log(connection: Connection, runs: set[str], address: str | None) -> tuple[int, int]:
    if address is None or not runs:
        return 0, 0
    with opened(address) as log:
        n_dropped = log.drop_shorter(runs)
        n = 0
        for seq, run_id in log.raw(runs):
            body = log.body(seq)
            thin = body if body.startswith(THIN) else _without_samples(connection, run_id, body)
            if thin is not None:
                log.replace(seq, thin)
                n += 1
    return n, n_dropped


def _without_samples(connection: Connection, run_id: str, body: bytes) -> bytes | None:
    """The journal with one line for its samples; None where they are not those of the warehouse."""
    fact = _histograms(connection, run_id)
    lines = body.splitlines(keepends=True)
    n_samples = len({key_of(fact) for fact in _samples(lines)})
    if fact is None or n_samples != fact.n_samples:
        known = 0 if fact is None else fact.n_samples
        _log.warning(_OTHERS, run_id, n_samples, known)
        return None
    rest = (line for line in lines if not line.startswith(_SAMPLE))
    return encode(fact).encode() + b"\n" + b"".join(rest)


def _samples(lines: Iterable[bytes]) -> Iterable[Fact]:
    for line in lines:
        if line.startswith(_SAMPLE):
            with suppress(ValueError, GoldenPathError):  # torn: never was in the warehouse
                fact = decode(line)
                if isinstance(fact, Sample):
                    yield fact


def _histograms(connection: Connection, run_id: str) -> Histograms | None:
    row = connection.execute(
        'SELECT n_samples, epoch_us("at") FROM store.compacted WHERE run_id = ?', [run_id]
    ).fetchone()
    if row is None:
        return None
    return Histograms(
        run_id=run_id,
        n_samples=row[0],
        figures=tuple(Figures(**one) for one in _rows(connection, _FIGURES, run_id)),
        bins=tuple(Bins(**one) for one in _rows(connection, _BINS, run_id)),
        at=_EPOCH + timedelta(microseconds=row[1]),
    )


def _rows(connection: Connection, sql: str, run_id: str) -> list[dict[str, Any]]:
    found = connection.execute(sql, [run_id])
    names = [column[0] for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


_FIGURES = """
SELECT * EXCLUDE (run_no, run_id) FROM store.metric WHERE run_id = ?
ORDER BY phase, probe, metric, unit
"""
_BINS = """
SELECT
    phase, probe, metric, unit, ok, list("value" ORDER BY "value") AS middles,
    list(n ORDER BY "value") AS counts
FROM store.histogram WHERE run_id = ?
GROUP BY phase, probe, metric, unit, ok ORDER BY phase, probe, metric, unit, ok
"""

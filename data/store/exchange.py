"""This machine's journals and labels → the shared log; those of other machines → here."""

from __future__ import annotations

import json
import logging
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from data.errors import GoldenPathError, WarehouseBusy, WarehouseError
from data.store.absorb import ended
from data.store.address import address_of
from data.store.connect import writing
from data.store.labels import labels_path, note, noted, put
from data.store.lock import Deadline
from data.store.mend import spools_of
from data.store.shared import Entry, Log, opened
from data.store.spool import DONE, is_thin, put_in_place, spool_path

_N_AT_ONCE = 500
_REST_S = 30.0  # an unreachable server is not asked again by each of a command's reads
_LIMIT_S = 20.0  # the longest that a run or a command waits for the server
_failed_at: dict[Path, float] = {}
_log = logging.getLogger("goldenpath.warehouse")


class Seen(NamedTuple):
    """How far this machine has read the log, and how much of its labels it has sent.

    Attributes:
        journal, label: the last number that was taken.
        labels_bytes: length of the journal of labels when it was sent.
    """

    journal: int = 0
    label: int = 0
    labels_bytes: int = 0


def try_exchange(warehouse: Path, *, take: bool = True) -> dict[str, int] | None:
    """As `exchange`; a server that cannot be used is a warning in the log, and nothing was sent."""
    if time.monotonic() - _failed_at.get(warehouse, -_REST_S) < _REST_S:
        return {}
    try:
        return exchange(warehouse, take=take, limit_s=_LIMIT_S)
    except (GoldenPathError, OSError) as error:
        _failed_at[warehouse] = time.monotonic()
        _log.warning("%s; what this machine has stays here and is sent later", error)
        return {}


def exchange(
    warehouse: Path, *, take: bool = True, limit_s: float | None = None
) -> dict[str, int] | None:
    """Send what ended here, then take what others sent; both again and again change nothing.

    What was done when `limit_s` is over stays done; the next time goes on from there.

    Returns:
        The journals that the log is known to hold, with their length here in bytes. None: the
        warehouse is not shared.

    Raises:
        WarehouseError: the server cannot be reached or refuses us.
    """
    address = address_of(warehouse)
    if address is None:
        return None
    with opened(address, limit_s) as log:
        sent = send(log, ended(spools_of(warehouse)))
        if take:
            _take(log, warehouse, sent)
    return sent


def send(log: Log, journals: dict[Path, int]) -> dict[str, int]:
    """Make the log hold these journals up to their length in bytes, without a torn last line."""
    sent = {}
    for path, size in journals.items():
        with suppress(FileNotFoundError):  # filed by another process meanwhile
            body = _whole_lines(path.read_bytes()[:size])
            if not log.holds(path.stem, body):
                log.add(path.stem, body)
            sent[path.stem] = size
    return sent


def _take(log: Log, warehouse: Path, sent: dict[str, int]) -> None:
    seen = _seen(warehouse)
    journal, damaged = _take_journals(log, spools_of(warehouse), sent, seen.journal)
    _keep(warehouse, seen._replace(journal=journal))
    label, size = _exchange_labels(log, warehouse, seen)
    _keep(warehouse, Seen(journal, label, size))
    if damaged:
        raise WarehouseError("; ".join(damaged))


def _take_journals(log: Log, spools: Path, sent: dict[str, int], seq: int) -> tuple[int, list[str]]:
    """The number up to which nothing is missing here, and what is damaged: asked for again."""
    whole, missing, damaged = seq, False, []
    while entries := log.after(seq, _N_AT_ONCE):
        for entry in entries:
            seq = entry.seq
            path = spool_path(spools, entry.run_id)
            try:
                here = _has(path, entry) or _put(path, log.body(seq), sent)
            except WarehouseError as error:
                here = False
                damaged.append(str(error))
            missing = missing or not here
            whole = whole if missing else seq
    return whole, damaged


def _put(path: Path, body: bytes, sent: dict[str, int]) -> bool:
    """Put the longer journal in the place of ours, unless ours has what nobody else has."""
    with suppress(FileNotFoundError):
        ours = _whole_lines(path.read_bytes())
        if not body.startswith(ours) and path.stem not in sent:
            return False
    fresh = path.with_name(f".{path.name}.{os.getpid()}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    with fresh.open("wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    try:
        if not put_in_place(fresh, path):
            return False
    finally:
        fresh.unlink(missing_ok=True)
    sent[path.stem] = len(body)
    return True


def _exchange_labels(log: Log, warehouse: Path, seen: Seen) -> tuple[int, int]:
    ours, size = noted(warehouse), _bytes_of(labels_path(warehouse))
    if size != seen.labels_bytes:
        log.add_labels(ours)
    last, theirs = log.labels_after(seen.label)
    if not theirs:
        return last, size
    known = set(ours)
    for label in theirs:
        if label not in known:
            note(warehouse, label)
    runs = {label.run_id for label in theirs}
    try:
        with writing(warehouse, Deadline(0)) as connection:
            put(connection, [label for label in noted(warehouse) if label.run_id in runs])
    except WarehouseBusy:
        return seen.label, size  # in the journal by now, in the table the next time
    return last, size


def _seen(warehouse: Path) -> Seen:
    try:
        return Seen(**json.loads(_seen_path(warehouse).read_text()))
    except (OSError, ValueError, TypeError):
        return Seen()  # from the beginning: what is here already is not fetched again


def _keep(warehouse: Path, seen: Seen) -> None:
    path = _seen_path(warehouse)
    if seen != _seen(warehouse):
        fresh = path.with_name(f"{path.name}.{os.getpid()}")
        fresh.write_text(json.dumps(seen._asdict()))
        fresh.replace(path)


def _seen_path(warehouse: Path) -> Path:
    return warehouse.with_name(f"{warehouse.name}.seen.json")


def _has(path: Path, entry: Entry) -> bool:
    """Whether our journal is as long as that of the log, or was before it lost its samples."""
    return _size(path) >= entry.n_bytes or is_thin(path)


def _size(path: Path) -> int:
    return max(_bytes_of(path), _bytes_of(path.parent / DONE / path.name))


def _bytes_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _whole_lines(body: bytes) -> bytes:
    return body[: body.rfind(b"\n") + 1]

"""The lake: every documented view as Parquet in parts, for engines that cannot reach the warehouse.

A part is written anew when what it says changed, and put in place as a whole, so a reader finds
whole files at every moment. Parts of one upkeep appear one after the other, then the views and the
list, and what is no longer of the lake goes last.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import duckdb

from data.errors import WarehouseError
from data.store.connect import Connection, first_line, is_missing, look
from data.store.lake_objects import Objects, is_objects
from data.store.lake_places import Folder, Place
from data.store.lake_views import views_sql
from data.store.lock import Deadline
from data.store.mended import reading
from data.store.migrate import VIEWS, views_digest
from data.store.published import published_path

LIST, VIEWS_FILE = "lake.json", "views.sql"
_KEYS = ("plan", "environment", "month")
# Of the views with most rows a part depends on the facts of its own runs and on earlier audits of
# the plan only: whether it changed is known without reading it (tests/store/test_lake.py).
_BY_FACTS = frozenset({"test_attempts", "tests", "samples"})
_NO_ROWS = ("none", "none", "0000-00")


class Part(NamedTuple):
    """One file of the lake: of which view, of which plan, environment and month, and its state.

    Attributes:
        key: () for a view that is one file.
        state: differs when the rows may differ.
    """

    view: str
    key: tuple[str, ...]
    state: str

    @property
    def path(self) -> str:
        """Where it lies below the lake's folder."""
        if not self.key:
            return f"{self.view}/all.parquet"
        named = (
            f"{name}={quote(value, safe='')}" for name, value in zip(_KEYS, self.key, strict=True)
        )
        return f"{self.view}/{'/'.join(named)}/part.parquet"


class Lake(NamedTuple):
    """What one writing did: files written, left as they were and removed; bytes of all of them."""

    n_written: int = 0
    n_kept: int = 0
    n_removed: int = 0
    size_bytes: int = 0


def write_lake(warehouse: Path, lake: Path | str, wait_s: float) -> Lake:
    """Make the lake say what the warehouse's analysts' copy says; again changes nothing.

    Nobody waits for it: it reads that copy. Keep up the warehouse before. Files that are not of the
    lake are left alone. One warehouse a lake: another one's files would be replaced.

    Args:
        lake: a folder, or ``s3://``, ``gs://`` or ``az://`` with a bucket and a prefix.

    Raises:
        UsageError: an address that is none, or the extra `lake` is not installed.
        WarehouseBusy: another process writes this lake, or the warehouse was held.
        WarehouseError: the copy cannot be read, or the lake not be written. What was in the lake
            is whole, in part newer; the next writing goes on.
    """
    place = _place(lake)
    if is_missing(warehouse):
        return Lake()
    with reading(warehouse, Deadline(wait_s)):
        pass  # which brings an older schema, and with it the copy, up to date
    try:
        with place.alone(), look(published_path(warehouse)) as connection:
            return _written(connection, place)
    except (OSError, duckdb.Error) as error:
        raise WarehouseError(f"cannot write the lake {place.name}: {first_line(error)}") from error


def _place(lake: Path | str) -> Place:
    return Objects(str(lake)) if is_objects(str(lake)) else Folder(Path(lake))


def _written(connection: Connection, place: Place) -> Lake:
    listed, there = _listed(place), place.sizes(VIEWS)
    kept: dict[str, list[object]] = {}
    n_written = 0
    for view in VIEWS:
        for part in _parts(connection, view):
            size = there.get(part.path)
            if size is None or listed.get(part.path) != [part.state, size]:
                size = _copy(connection, part, place)
                n_written += 1
            kept[part.path] = [part.state, size]
    _replace(place, VIEWS_FILE, views_sql(connection, VIEWS))
    _replace(place, LIST, json.dumps({"views": views_digest(), "files": kept}, indent=0))
    gone = sorted((listed.keys() | there.keys()) - kept.keys())
    for name in gone:
        place.remove(name)
    size_bytes = sum(int(str(size)) for _, size in kept.values())
    return Lake(n_written, len(kept) - n_written, len(gone), size_bytes)


def _listed(place: Place) -> Mapping[str, list[object]]:
    """What the last writing left, by path; nothing when another version of the views wrote it."""
    try:
        said = json.loads(place.read(LIST) or "")
        files = dict(said["files"])
        if said["views"] != views_digest():
            return {name: ["", 0] for name in files}
        return files
    except (ValueError, KeyError, TypeError):
        return {}


def _parts(connection: Connection, view: str) -> list[Part]:
    """The parts of a view; its rows are `temp.lake_rows` afterwards, of a small one as a table."""
    columns = {row[0] for row in connection.execute(f"DESCRIBE {view}").fetchall()}
    in_parts = {"plan", "environment", "started_at"} <= columns
    month = "coalesce(strftime(started_at, '%Y-%m'), '0000-00')" if in_parts else "''"
    made = f"SELECT *, {month} AS month FROM main.{view}"
    for kind in ("VIEW", "TABLE"):
        with suppress(duckdb.CatalogException):  # there is one, of the other kind
            connection.execute(f"DROP {kind} IF EXISTS temp.lake_rows")
    kind = "VIEW" if view in _BY_FACTS else "TABLE"
    connection.execute(f"CREATE TEMP {kind} lake_rows AS {made}")
    if not in_parts:
        row = connection.execute(_STATE.format(keys="''")).fetchone()
        return [Part(view, (), row[1] if row else "")]
    asked = _FACTS if view in _BY_FACTS else _STATE.format(keys="plan, environment, month")
    rows = connection.execute(asked).fetchall()
    return [Part(view, tuple(row[:3]), row[3]) for row in rows] or [Part(view, _NO_ROWS, "")]


_STATE = """
SELECT {keys}, count(*) || '-' || coalesce(sum(hash(r)::HUGEINT), 0)
FROM lake_rows AS r GROUP BY ALL ORDER BY ALL
"""
_FACTS = """
WITH run AS (
    SELECT
        p.plan, p.environment, strftime(p.started_at, '%Y-%m') AS month,
        hash(p.run_id, c.digest, k.n_samples, k."at")::HUGEINT AS print,
        p.run_id IN (SELECT run_id FROM store.sensitivity) AS is_audit
    FROM store.place AS p
    LEFT JOIN store.commits AS c USING (run_id)
    LEFT JOIN store.compacted AS k USING (run_id)
)
SELECT
    r.plan, r.environment, r.month, count(*) || '-' || sum(r.print) || '-' || coalesce((
        SELECT sum(a.print) FROM run AS a
        WHERE a.is_audit AND a.plan = r.plan AND a.month <= r.month), 0)
FROM run AS r GROUP BY r.plan, r.environment, r.month ORDER BY ALL
"""


def _copy(connection: Connection, part: Part, place: Place) -> int:
    """Returns: its length in bytes."""
    only = " AND ".join(
        f"{name} = {_quoted(value)}" for name, value in zip(_KEYS, part.key, strict=False)
    )
    with place.placing(part.path) as fresh:
        connection.execute(
            f"COPY (SELECT * EXCLUDE (month) FROM lake_rows {only and 'WHERE ' + only}) "
            f"TO {_quoted(str(fresh))} (FORMAT parquet, COMPRESSION zstd)"
        )
        return fresh.stat().st_size


def _replace(place: Place, name: str, text: str) -> None:
    if place.read(name) != text:
        place.write(name, text)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"

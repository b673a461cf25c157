"""Facts of one run → rows, as one transaction that replaces whatever was there of it."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from data.errors import WarehouseError
from data.records.facts import Fact, Sample, TestResult
from data.store.connect import Connection
from data.store.derived import fill, forget, number_of
from data.store.facts import KINDS, body_of
from data.store.read import NUMBERED, facts_in_columns

_MIN_OBJECT_BYTES = 16 * 1024 * 1024  # read_json's own default
# what tables of many rows have beside the fact: see migrations/0006_derived.sql
_SELECT = {
    Sample.KIND: "SELECT * REPLACE (?::INTEGER AS run_no)",
    TestResult.KIND: "SELECT * REPLACE (?::INTEGER AS run_no, "
    "bool_or(attempt <> 1) OVER (PARTITION BY phase, suite, test_id) AS retried, "
    "(SELECT min(p.priority) FROM store.phase AS p "
    " WHERE p.run_id = f.run_id AND p.phase = f.phase) AS priority)",
}


class Bundle(NamedTuple):
    """The folded facts of one run, as JSON and with what tells them from any others.

    Attributes:
        rows: (kind, place in the run, body) in the order of recording.
        digest: sha256 over kinds and bodies.
        spool_bytes: length of the journal that they came from, None when they did not.
    """

    run_id: str
    rows: tuple[tuple[str, int, str], ...]
    digest: str
    spool_bytes: int | None


def bundle_of(run_id: str, facts: Sequence[Fact], spool_bytes: int | None = None) -> Bundle:
    """Pack facts that are folded already, all of one run."""
    rows = tuple((fact.KIND, place, body_of(fact)) for place, fact in enumerate(facts))
    return Bundle(run_id, rows, _digest_of_rows(rows), spool_bytes)


def store(connection: Connection, bundle: Bundle) -> bool:
    """Make the warehouse hold exactly this of the run, in one transaction.

    Returns:
        False when it held exactly that already.

    Raises:
        WarehouseError: the tables hold other rows after the load; nothing is changed then.
    """
    connection.execute("BEGIN")
    try:
        known = _digest_of(connection, bundle.run_id)
        if known != bundle.digest:
            number = number_of(connection, bundle.run_id)
            if known is not None:
                _delete(connection, bundle.run_id, number)
            _insert(connection, bundle, number)
            _verify(connection, bundle, number)
            fill(connection, number, number)
        _book(connection, bundle)
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    return known != bundle.digest


def _digest_of(connection: Connection, run_id: str) -> str | None:
    row = connection.execute("SELECT digest FROM store.commits WHERE run_id = ?", [run_id])
    found = row.fetchone()
    return found[0] if found else None


def _delete(connection: Connection, run_id: str, number: int) -> None:
    for kind in KINDS:
        asked = {"run": run_id} | ({"no": number} if kind in NUMBERED else {})
        connection.execute(f'DELETE FROM store."{kind}" WHERE {_of(kind)}', asked)
    forget(connection, number)


def _of(kind: str) -> str:
    """Which rows of the table are the run's: of the big ones by number, which reads only those."""
    return "run_no = $no AND run_id = $run" if kind in NUMBERED else "run_id = $run"


def _insert(connection: Connection, bundle: Bundle, number: int) -> None:
    ordered = sorted(bundle.rows, key=lambda row: row[:2])
    with tempfile.TemporaryDirectory(prefix="goldenpath-load-") as folder:
        for kind, rows in groupby(ordered, key=lambda row: row[0]):
            columns = _columns(connection, kind)
            path = Path(folder) / f"{kind}.ndjson"
            longest = _write_lines(path, rows, with_body="body" in columns)
            _load(connection, kind, path, columns, longest, number)


def _write_lines(path: Path, rows: Iterable[tuple[str, int, str]], *, with_body: bool) -> int:
    """One object a line: the fact's own fields, its place, and itself as text."""
    longest = 0
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for _, place, body in rows:
            text = f'"body":{json.dumps(body)},' if with_body else ""
            longest = max(longest, file.write(f'{{"seq":{place},{text}{body[1:]}\n'))
    return longest


def _load(
    connection: Connection,
    kind: str,
    path: Path,
    columns: dict[str, str],
    longest: int,
    number: int,
) -> None:
    spec = ", ".join(f"{_quoted(name)}: {_quoted(kind_)}" for name, kind_ in columns.items())
    room = max(_MIN_OBJECT_BYTES, longest * 4 + 2)  # characters → bytes, at most 4 each
    connection.execute(
        f'INSERT INTO store."{kind}" BY NAME {_SELECT.get(kind, "SELECT *")} '
        f"FROM read_json(?, columns = {{{spec}}}, format = 'newline_delimited', "
        f"maximum_object_size = {room}) AS f ORDER BY seq",
        [str(path)] if kind not in NUMBERED else [number, str(path)],
    )


def _columns(connection: Connection, table: str) -> dict[str, str]:
    # not duckdb_columns(): that binds every view, 5 ms a call
    rows = connection.execute(f'DESCRIBE store."{table}"').fetchall()
    return {row[0]: row[1] for row in rows}


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _verify(connection: Connection, bundle: Bundle, number: int) -> None:
    counts = " UNION ALL ".join(
        f"SELECT '{kind}', count(*) FROM store.\"{kind}\" WHERE {_of(kind)}" for kind in KINDS
    )
    asked = {"run": bundle.run_id, "no": number}
    found = dict(connection.execute(counts, asked).fetchall())
    expected = dict.fromkeys(KINDS, 0)
    for kind, _, _ in bundle.rows:
        expected[kind] += 1
    wrong = [f"{k}: {found[k]} of {n}" for k, n in expected.items() if found[k] != n]
    if wrong:
        raise WarehouseError(f"run {bundle.run_id}: rows were lost in loading ({', '.join(wrong)})")
    if _bodies_in(connection, bundle.run_id, number) != _digest_of_rows(
        (kind, place, body) for kind, place, body in bundle.rows if kind != Sample.KIND
    ):
        raise WarehouseError(f"run {bundle.run_id}: the rows read back are not those written")


def _bodies_in(connection: Connection, run_id: str, number: int) -> str:
    """Digest over what the tables hold; samples are only counted."""
    bodies = " UNION ALL ".join(
        f"SELECT '{kind}', seq, body FROM store.\"{kind}\" WHERE run_id = $run"
        for kind in KINDS
        if kind not in NUMBERED
    )
    found = connection.execute(bodies, {"run": run_id}).fetchall()
    tests = facts_in_columns(connection, TestResult, number)
    found += [(TestResult.KIND, seq, body_of(fact)) for seq, fact in tests]
    return _digest_of_rows(sorted(found, key=lambda row: row[1]))


def _digest_of_rows(rows: Iterable[tuple[str, int, str]]) -> str:
    digest = hashlib.sha256()
    for kind, _, body in rows:
        digest.update(f"{kind}{body}\n".encode())
    return digest.hexdigest()


def _book(connection: Connection, bundle: Bundle) -> None:
    connection.execute(
        "INSERT INTO store.commits VALUES ($run, $n, $digest, $bytes, now()) "
        "ON CONFLICT (run_id) DO UPDATE SET n_facts = excluded.n_facts, "
        "digest = excluded.digest, committed_at = excluded.committed_at, "
        "spool_bytes = coalesce(excluded.spool_bytes, commits.spool_bytes)",
        {
            "run": bundle.run_id,
            "n": len(bundle.rows),
            "digest": bundle.digest,
            "bytes": bundle.spool_bytes,
        },
    )

"""Earlier judged runs as the rules of issues want them: which incidents, and what passed."""

from __future__ import annotations

from data.records.remedy import Sighting
from data.store.connect import Connection
from data.store.history import EARLIER, Before

MOST = 500
_MOST_PASSES = 100


def sightings_before(connection: Connection, before: Before) -> tuple[Sighting, ...]:
    """The newest 500, newest first. What passed is known of the newest 100, of what failed in any.

    SUPERSEDED runs say nothing: their evidence is of two deployments.
    """
    rows = connection.execute(
        "SELECT run_id, c.revision, c.started_at,"
        " list_transform(v.incidents, lambda i: [[i.signature], i.evidence]),"
        " [c.id for c in v.criteria if c.outcome = 'PASS']"
        " FROM store.context AS c JOIN store.verdict AS v USING (run_id) "
        f"WHERE {EARLIER} AND v.verdict <> 'SUPERSEDED' "
        f"ORDER BY c.started_at DESC, run_id DESC LIMIT {MOST}",
        before._asdict(),
    ).fetchall()
    symptoms = {row[0]: {s[0]: frozenset(ids or ()) for s, ids in row[3] or ()} for row in rows}
    ids = {id for one in symptoms.values() for found in one.values() for id in found}
    passed = _passed(connection, [row[0] for row in rows[:_MOST_PASSES]], sorted(ids))
    return tuple(
        Sighting(
            run_id=run_id,
            revision=revision,
            deployment=revision or run_id,
            at=at,
            symptoms=symptoms[run_id],
            passed=frozenset(passed.get(run_id, set()) | (set(criteria or ()) & ids)),
        )
        for run_id, revision, at, _, criteria in rows
    )


_PASSED = """
    SELECT run_id, id FROM (
        SELECT run_id, lower(priority) || '/' || suite || '/' || test_id AS id FROM tests
        WHERE list_contains($runs, run_id) AND outcome = 'PASS'
        UNION
        SELECT run_id, lower(priority) || '/' || suite FROM tests
        WHERE list_contains($runs, run_id) AND outcome = 'PASS'
        UNION
        SELECT run_id, lower(priority) || '/' || probe FROM probes
        WHERE list_contains($runs, run_id) AND outcome = 'PASS')
    WHERE list_contains($ids, id)
"""


def _passed(connection: Connection, runs: list[str], ids: list[str]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    if runs and ids:
        for run_id, id in connection.execute(_PASSED, {"runs": runs, "ids": ids}).fetchall():
            found.setdefault(run_id, set()).add(id)
    return found

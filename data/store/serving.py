"""Which revisions served before a run, as the rule of returns wants them."""

from __future__ import annotations

from data.rules.returning import WENT_BACK, Served
from data.store.connect import Connection
from data.store.history import EARLIER, Before

_LINE = f"""
    SELECT revision, rolled_back FROM (
        SELECT c.revision, false AS rolled_back, c.started_at AS since, run_id
        FROM store.context AS c JOIN store.served AS s USING (run_id)
        WHERE {EARLIER} AND s.served
        UNION ALL
        SELECT substr(a."action", {len(WENT_BACK) + 1}), true, a."at", run_id
        FROM store.context AS c JOIN store.acted AS a USING (run_id)
        WHERE {EARLIER} AND a.outcome = 'done' AND starts_with(a."action", '{WENT_BACK}'))
    WHERE revision IS NOT NULL
    ORDER BY since, run_id
"""


def served_before(connection: Connection, before: Before) -> tuple[Served, ...]:
    """Every revision as it began to serve, oldest first, once for each run that let it serve.

    Where a person decided, the decision counts.
    """
    rows = connection.execute(_LINE, before._asdict()).fetchall()
    return tuple(Served(*row) for row in rows)

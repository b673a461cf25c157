"""How long suites and tests took in earlier runs of the same plan and environment."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from data.records.evidence import SuitePace
from data.store.connect import Connection
from data.store.history import EARLIER, Before

_N_RUNS = 10
_N_LOOKED_AT = 100  # runs: with ten million results, looking at all took five seconds

# First attempts that ended by themselves; a run that was resumed counts only what it ran last.
_SUITES = f"""
    WITH process AS (
        SELECT run_id, phase, suite, count(*) AS n, sum(duration_s) AS duration_s
        FROM store.suite WHERE attempt = 1 GROUP BY ALL
        HAVING bool_and(exit_code IS NOT NULL AND NOT timed_out AND broken = '')
    ), tested AS (
        SELECT run_id, phase, suite, sum(duration_ms) / 1000 AS tests_s
        FROM store.test WHERE attempt = 1 GROUP BY ALL
    ), ranked AS (
        SELECT p.*, coalesce(t.tests_s, 0) AS tests_s, row_number() OVER (
            PARTITION BY p.phase, p.suite ORDER BY c.started_at DESC, c.run_id DESC
        ) AS age
        FROM process AS p JOIN store.context AS c USING (run_id)
        LEFT JOIN tested AS t USING (run_id, phase, suite) WHERE {EARLIER}
    ), split AS (
        SELECT *, greatest(duration_s - tests_s, 0) / n AS start_s
        FROM ranked WHERE age <= {_N_RUNS}
    )
    SELECT phase || '/' || suite, median(duration_s - n * start_s), median(start_s)
    FROM split GROUP BY phase, suite
"""
_TESTS = f"""
    WITH recent AS (
        SELECT * FROM store.numbered AS c WHERE {EARLIER}
        ORDER BY started_at DESC, run_id DESC LIMIT {_N_LOOKED_AT}
    ), manifest AS (
        SELECT k.phase, k.suite, arg_max(k.test_ids, (c.started_at, c.run_id)) AS test_ids
        FROM store.collected AS k JOIN store.context AS c USING (run_id)
        WHERE {EARLIER} GROUP BY ALL
    ), ranked AS (
        SELECT t.phase, t.suite, t.test_id, t.duration_ms, row_number() OVER (
            PARTITION BY t.phase, t.suite, t.test_id ORDER BY c.started_at DESC, c.run_id DESC
        ) AS age
        FROM store.test AS t JOIN recent AS c ON c.run_no = t.run_no
        WHERE t.attempt = 1 AND t.duration_ms IS NOT NULL
    ), usual AS (
        SELECT phase, suite, test_id, median(duration_ms) / 1000 AS duration_s
        FROM ranked WHERE age <= {_N_RUNS} GROUP BY ALL
    ), listed AS (
        SELECT phase, suite, unnest(test_ids) AS test_id, generate_subscripts(test_ids, 1) AS place
        FROM manifest
    )
    SELECT l.phase || '/' || l.suite, l.test_id, u.duration_s
    FROM listed AS l LEFT JOIN usual AS u
        ON u.phase = l.phase AND u.suite = l.suite AND u.test_id = l.test_id
    ORDER BY l.phase, l.suite, l.place
"""


def paces_of(connection: Connection, before: Before) -> dict[str, SuitePace]:
    """ "phase/suite" -> its pace, by the medians of its last 10 runs; tests by theirs
    among the 100 runs before; unknown suites are absent.

    Args:
        before: the run that is about to start; only earlier ones count.
    """
    asked = before._asdict()
    tests: dict[str, dict[str, Any]] = defaultdict(dict)
    for place, test_id, duration_s in connection.execute(_TESTS, asked).fetchall():
        tests[place][test_id] = duration_s
    suites = connection.execute(_SUITES, asked).fetchall()
    return {
        place: SuitePace(work_s=work_s, start_s=start_s, tests_s=tests[place])
        for place, work_s, start_s in suites
    }

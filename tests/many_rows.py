"""Facts of very many deployments, made by SQL as Parquet files: the same for the same sizes.

One run a deployment; every twentieth repeats the revision before it. 2 % of the tests are flaky, some break
for a while and are mended, some are skipped or do not end. Four journeys share the samples.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import duckdb


class Size(NamedTuple):
    """How many deployments, tests in each, and samples in all."""

    n_deployments: int
    n_tests: int
    n_samples: int


def write_rows(folder: Path, size: Size) -> int:
    """Write run, test and sample as Parquet and CSV.

    Returns:
        how many rows all three have.
    """
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for name, sql in (("run", _RUN), ("test", _TEST), ("sample", _SAMPLE)):
            path = folder / f"{name}.parquet"
            filled = sql.format(folder=folder, **size._asdict())
            connection.execute(f"COPY ({filled}) TO '{path}'")
            connection.execute(f"COPY (FROM '{path}') TO '{folder / name}.csv' (HEADER false)")
        counts = " + ".join(f"(SELECT count(*) FROM '{p}')" for p in folder.glob("*.parquet"))
        row = connection.execute(f"SELECT {counts}").fetchone()
    return int(row[0]) if row else 0


_RUN = """
SELECT
    d + 1 AS run_no,
    'shop-' || strftime(TIMESTAMP '2020-01-01' + INTERVAL (d) HOUR, '%Y%m%dT%H%M%SZ') || '-'
        || substr(md5(d::VARCHAR), 1, 6) AS run_id,
    'v' || (d - (d % 20 = 19)::INTEGER) AS revision,
    TIMESTAMPTZ '2020-01-01 00:00:00+00' + INTERVAL (d) HOUR AS started_at
FROM range({n_deployments}) AS r(d)
"""
_TEST = """
WITH named AS (
    SELECT
        t, 'p' || (1 + t % 3) AS phase, 'P' || (1 + t % 3) AS priority, 'suite_' || t % 20 AS suite,
        'tests/suite_' || t % 20 || '/test_area.py::test_case_' || t AS test_id
    FROM range({n_tests}) AS x(t)
), rolled AS (
    SELECT *, hash(run_no * 100003 + t) AS h FROM '{folder}/run.parquet', named
), ended AS (
    SELECT *, CASE
        WHEN t % 50 = 0 AND h % 100 < 8 THEN 'FLAKY'
        WHEN h % 1000 < 2 OR ((run_no + t * 7) % 997 < 4 AND t % 9 = 0) THEN 'FAIL'
        WHEN t % 97 = 5 THEN 'SKIPPED' WHEN h % 5000 = 7 THEN 'NOT_RUN' ELSE 'PASS' END AS final
    FROM rolled
), tried AS (
    SELECT *, 1 AS attempt, if(final = 'FLAKY', 'FAIL', final) AS outcome FROM ended
    UNION ALL SELECT *, 2, 'PASS' FROM ended WHERE final = 'FLAKY'
)
SELECT
    run_no, run_id, row_number() OVER (PARTITION BY run_no ORDER BY t, attempt) AS seq, phase,
    priority, suite, test_id, attempt, outcome, 20 + h % 30000 / 10.0 AS duration_ms,
    t % 37 <> 0 AS witnessed, 1 + h % 3 AS n_connections, 100 + h % 900 AS sent_bytes,
    500 + h % 9000 AS received_bytes,
    if(outcome = 'FAIL', 'AssertionError: expected 200, got 50' || h % 4, '') AS message,
    if(outcome = 'FAIL', 'assert status ' || h % 4, '') AS signature, 'call' AS stage,
    started_at + INTERVAL (h % 600) SECOND AS "at"
FROM tried ORDER BY run_no, seq
"""
_SAMPLE = """
SELECT
    run_no, run_id, 100000 + s AS seq, 'p1' AS phase, 'journey_' || s % 4 AS probe,
    'journey' AS metric, s // 4 AS ordinal,
    80 + hash(run_no * 1009 + s) % 1000000 / 5000.0 * (1 + s % 4) AS "value", 'ms' AS unit,
    hash(run_no * 7 + s) % 200 <> 0 AS ok, started_at AS "at"
FROM '{folder}/run.parquet', range({n_samples} // {n_deployments}) AS x(s)
ORDER BY run_no, seq
"""

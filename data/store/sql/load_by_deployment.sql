-- load_by_deployment. Grain: one row a plan, environment, deployment, phase, probe under load, step
--   with its label, and metric; one with metric NULL where no execution passed.
-- Latencies in ms, rates in executions a second. Each run is counted once: in n_runs, in
--   n_runs_invalid (its generator was the bottleneck) or in n_runs_not_run. Only those of n_runs are
--   in the figures.
-- Histograms of several runs are added bucket by bucket: percentiles (nearest rank, within 0.1 %) are
--   those of all of them together, NULL below the samples that they need. The buckets are those of
--   data/rules/load/histogram.py.
CREATE OR REPLACE VIEW load_by_deployment AS
WITH said AS MATERIALIZED (
    SELECT *, CASE WHEN step_outcome = 'NOT_RUN' THEN 'not_run' WHEN is_invalid THEN 'invalid'
        ELSE 'sound' END AS state
    FROM load_steps
), steps AS (
    SELECT
        environment, plan, deployment_id, arg_max(revision, started_at) AS revision,
        min(started_at) AS started_at, phase, probe, step, step_label,
        count(*) FILTER (state = 'sound') AS n_runs, count(*) FILTER (state = 'invalid') AS n_runs_invalid,
        count(*) FILTER (state = 'not_run') AS n_runs_not_run,
        sum(step_duration_s) FILTER (state = 'sound') AS duration_s,
        sum(n_intended) FILTER (state = 'sound') AS n_intended,
        coalesce(sum(n_executions) FILTER (state = 'sound'), 0)::BIGINT AS n_executions,
        coalesce(sum(n_failed) FILTER (state = 'sound'), 0)::BIGINT AS n_failed
    FROM said
    GROUP BY environment, plan, deployment_id, phase, probe, step, step_label
), last AS (
    SELECT run_id, phase, probe, max(attempt) AS attempt FROM store.probe GROUP BY ALL
), loads AS (
    SELECT
        run_id, phase, probe,
        json_transform("load", '{"stages": [{"spreads": "MAP(VARCHAR, STRUCT(n BIGINT, sum_ms DOUBLE, '
            || 'min_ms DOUBLE, max_ms DOUBLE, counts BIGINT[][]))"}]}').stages AS stages
    FROM store.probe
    SEMI JOIN last USING (run_id, phase, probe, attempt)
    WHERE "load" IS NOT NULL
), stages AS (
    SELECT
        run_id, phase, probe, unnest(range(1, len(stages) + 1)) AS step, unnest(stages).spreads AS spreads
    FROM loads
), entries AS (
    SELECT run_id, phase, probe, step, unnest(map_entries(spreads)) AS entry FROM stages
), cells AS MATERIALIZED (
    -- a number for each step, so that the millions of buckets carry no names
    SELECT *, row_number() OVER () AS cell FROM steps
), sound AS (
    SELECT t.run_id, t.phase, t.probe, t.step, c.cell
    FROM said AS t
    JOIN cells AS c USING (environment, plan, deployment_id, phase, probe, step, step_label)
    WHERE t.state = 'sound'
), parts AS (
    SELECT t.cell, e.entry.key AS metric, e.entry.value AS s
    FROM entries AS e
    JOIN sound AS t USING (run_id, phase, probe, step)
), whole AS MATERIALIZED (
    SELECT
        cell, metric, sum(s.n)::BIGINT AS n, sum(s.sum_ms) AS sum_ms, min(s.min_ms) AS min_ms,
        max(s.max_ms) AS max_ms, flatten(list(s.counts)) AS counts
    FROM parts
    GROUP BY cell, metric
    HAVING sum(s.n) > 0
), pairs AS (
    SELECT cell, metric, unnest(counts) AS pair FROM whole
), buckets AS (
    SELECT cell, metric, pair[1] AS bucket, sum(pair[2])::BIGINT AS n
    FROM pairs
    GROUP BY cell, metric, bucket
), ranked AS (
    SELECT
        cell, metric, (sum(n) OVER (PARTITION BY cell, metric ORDER BY bucket))::BIGINT AS seen,
        CASE WHEN bucket < 2048 THEN bucket / 1000
        ELSE ((bucket % 1024 + 1024) * pow(2, bucket // 1024 - 1)
            + (pow(2, bucket // 1024 - 1) - 1) / 2) / 1000 END AS middle_ms
    FROM buckets
), ranks AS (
    SELECT
        cell, metric, ceil(round(0.5 * n, 9))::BIGINT AS r50, ceil(round(0.9 * n, 9))::BIGINT AS r90,
        ceil(round(0.95 * n, 9))::BIGINT AS r95, ceil(round(0.99 * n, 9))::BIGINT AS r99,
        ceil(round(0.999 * n, 9))::BIGINT AS r99_9
    FROM whole
), cut AS (
    SELECT
        cell, metric,
        min(middle_ms) FILTER (seen >= r50) AS p50_ms,
        min(middle_ms) FILTER (seen >= r90) AS p90_ms,
        min(middle_ms) FILTER (seen >= r95) AS p95_ms,
        min(middle_ms) FILTER (seen >= r99) AS p99_ms,
        min(middle_ms) FILTER (seen >= r99_9) AS p99_9_ms
    FROM ranked
    JOIN ranks USING (cell, metric)
    GROUP BY cell, metric
), measured AS (
    -- a bucket's middle may lie beyond what was measured: the smallest and the largest are exact
    SELECT
        * EXCLUDE (counts, sum_ms, p50_ms, p90_ms, p95_ms, p99_ms, p99_9_ms), sum_ms / n AS mean_ms,
        CASE WHEN n >= 5 THEN least(greatest(p50_ms, min_ms), max_ms) END AS p50_ms,
        CASE WHEN n >= 10 THEN least(greatest(p90_ms, min_ms), max_ms) END AS p90_ms,
        CASE WHEN n >= 20 THEN least(greatest(p95_ms, min_ms), max_ms) END AS p95_ms,
        CASE WHEN n >= 100 THEN least(greatest(p99_ms, min_ms), max_ms) END AS p99_ms,
        CASE WHEN n >= 1000 THEN least(greatest(p99_9_ms, min_ms), max_ms) END AS p99_9_ms
    FROM whole
    JOIN cut USING (cell, metric)
)
SELECT
    environment, plan, deployment_id, revision, started_at, phase, probe, step, step_label, m.metric,
    n_runs, n_runs_invalid, n_runs_not_run,
    CASE WHEN duration_s > 0 THEN n_intended / duration_s END AS asked_per_s,
    CASE WHEN duration_s > 0 THEN n_executions / duration_s END AS achieved_per_s,
    n_executions, n_failed, coalesce(m.n, 0) AS n, m.min_ms, m.mean_ms, m.p50_ms, m.p90_ms, m.p95_ms,
    m.p99_ms, m.p99_9_ms, m.max_ms
FROM cells
LEFT JOIN measured AS m USING (cell);
COMMENT ON VIEW load_by_deployment IS 'One row a plan, environment, deployment, phase, probe under load, step and metric: percentiles of the added histograms of its valid runs, and the rates';

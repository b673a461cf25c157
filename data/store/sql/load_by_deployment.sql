-- load_by_deployment. Grain: one row a plan, environment, deployment, phase, probe under load, step
--   with its label, and metric; one with metric NULL where no execution passed.
-- Latencies in ms, rates in executions a second. Each run is counted once: in n_runs, in
--   n_runs_invalid (its generator was the bottleneck) or in n_runs_not_run. Only those of n_runs are
--   in the figures.
-- Histograms of several runs are added bucket by bucket: percentiles (nearest rank, within 0.1 %) are
--   those of all of them together, NULL below the samples that they need. The buckets are those of
--   data/rules/load/histogram.py.
CREATE OR REPLACE VIEW load_by_deployment AS
WITH said AS (
    SELECT *, CASE WHEN step_outcome = 'NOT_RUN' THEN 'not_run' WHEN is_invalid THEN 'invalid'
        ELSE 'sound' END AS state
    FROM load_steps
), steps AS (
    SELECT
        environment, plan, deployment_id, arg_max(revision, started_at) AS revision,
        min(started_at) AS started_at, phase, probe, step, step_label,
        count_if(state = 'sound') AS n_runs, count_if(state = 'invalid') AS n_runs_invalid,
        count_if(state = 'not_run') AS n_runs_not_run,
        sum(step_duration_s) FILTER (state = 'sound') AS duration_s,
        sum(n_intended) FILTER (state = 'sound') AS n_intended,
        coalesce(sum(n_executions) FILTER (state = 'sound'), 0)::BIGINT AS n_executions,
        coalesce(sum(n_failed) FILTER (state = 'sound'), 0)::BIGINT AS n_failed
    FROM said
    GROUP BY environment, plan, deployment_id, phase, probe, step, step_label
), loads AS (
    SELECT run_id, phase, probe, "load"
    FROM store.probe
    QUALIFY row_number() OVER (PARTITION BY run_id, phase, probe ORDER BY attempt DESC) = 1
), stages AS (
    SELECT
        run_id, phase, probe, unnest(range(1, len(told) + 1)) AS step, unnest(told).spreads AS spreads
    FROM (
        SELECT *, json_transform("load"->'stages', '[{"spreads": "MAP(VARCHAR, JSON)"}]') AS told
        FROM loads
        WHERE "load" IS NOT NULL
    )
), entries AS (
    SELECT run_id, phase, probe, step, unnest(map_entries(spreads)) AS entry FROM stages
), parts AS (
    SELECT
        t.environment, t.plan, t.deployment_id, t.phase, t.probe, t.step, t.step_label,
        e.entry.key AS metric,
        json_transform(e.entry.value, '{"n": "BIGINT", "sum_ms": "DOUBLE", "min_ms": "DOUBLE",
            "max_ms": "DOUBLE", "counts": "BIGINT[][]"}') AS s
    FROM entries AS e
    JOIN (FROM said WHERE state = 'sound') AS t
        ON t.run_id = e.run_id AND t.phase = e.phase AND t.probe = e.probe AND t.step = e.step
), whole AS (
    SELECT
        environment, plan, deployment_id, phase, probe, step, step_label, metric,
        sum(s.n)::BIGINT AS n, sum(s.sum_ms) AS sum_ms, min(s.min_ms) AS min_ms, max(s.max_ms) AS max_ms
    FROM parts
    GROUP BY environment, plan, deployment_id, phase, probe, step, step_label, metric
    HAVING sum(s.n) > 0
), buckets AS (
    SELECT
        environment, plan, deployment_id, phase, probe, step, step_label, metric,
        pair[1] AS bucket, sum(pair[2]) AS n
    FROM (SELECT *, unnest(s.counts) AS pair FROM parts)
    GROUP BY environment, plan, deployment_id, phase, probe, step, step_label, metric, bucket
), ranked AS (
    SELECT *, sum(n) OVER (
        PARTITION BY environment, plan, deployment_id, phase, probe, step, step_label, metric
        ORDER BY bucket) AS seen,
        CASE WHEN bucket < 2048 THEN bucket / 1000
        ELSE ((bucket % 1024 + 1024) * pow(2, bucket // 1024 - 1)
            + (pow(2, bucket // 1024 - 1) - 1) / 2) / 1000 END AS middle_ms
    FROM buckets
), cut AS (
    SELECT
        w.environment, w.plan, w.deployment_id, w.phase, w.probe, w.step, w.step_label, w.metric,
        min(middle_ms) FILTER (seen >= ceil(round(0.5 * w.n, 9))) AS p50_ms,
        min(middle_ms) FILTER (seen >= ceil(round(0.9 * w.n, 9))) AS p90_ms,
        min(middle_ms) FILTER (seen >= ceil(round(0.95 * w.n, 9))) AS p95_ms,
        min(middle_ms) FILTER (seen >= ceil(round(0.99 * w.n, 9))) AS p99_ms,
        min(middle_ms) FILTER (seen >= ceil(round(0.999 * w.n, 9))) AS p99_9_ms
    FROM whole AS w
    JOIN ranked AS r USING (environment, plan, deployment_id, phase, probe, step, step_label, metric)
    GROUP BY w.environment, w.plan, w.deployment_id, w.phase, w.probe, w.step, w.step_label, w.metric
), measured AS (
    -- a bucket's middle may lie beyond what was measured: the smallest and the largest are exact
    SELECT
        * EXCLUDE (sum_ms, p50_ms, p90_ms, p95_ms, p99_ms, p99_9_ms), sum_ms / n AS mean_ms,
        CASE WHEN n >= 5 THEN least(greatest(p50_ms, min_ms), max_ms) END AS p50_ms,
        CASE WHEN n >= 10 THEN least(greatest(p90_ms, min_ms), max_ms) END AS p90_ms,
        CASE WHEN n >= 20 THEN least(greatest(p95_ms, min_ms), max_ms) END AS p95_ms,
        CASE WHEN n >= 100 THEN least(greatest(p99_ms, min_ms), max_ms) END AS p99_ms,
        CASE WHEN n >= 1000 THEN least(greatest(p99_9_ms, min_ms), max_ms) END AS p99_9_ms
    FROM whole
    JOIN cut USING (environment, plan, deployment_id, phase, probe, step, step_label, metric)
)
SELECT
    environment, plan, deployment_id, revision, started_at, phase, probe, step, step_label, m.metric,
    n_runs, n_runs_invalid, n_runs_not_run,
    CASE WHEN duration_s > 0 THEN n_intended / duration_s END AS asked_per_s,
    CASE WHEN duration_s > 0 THEN n_executions / duration_s END AS achieved_per_s,
    n_executions, n_failed, coalesce(m.n, 0) AS n, m.min_ms, m.mean_ms, m.p50_ms, m.p90_ms, m.p95_ms,
    m.p99_ms, m.p99_9_ms, m.max_ms
FROM steps
LEFT JOIN measured AS m USING (environment, plan, deployment_id, phase, probe, step, step_label);
COMMENT ON VIEW load_by_deployment IS 'One row a plan, environment, deployment, phase, probe under load, step and metric: percentiles of the added histograms of its valid runs, and the rates';

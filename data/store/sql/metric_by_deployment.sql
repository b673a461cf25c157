-- metric_by_deployment. Grain: one row a plan, environment, deployment, phase, probe and metric.
-- Values in `unit` (latencies ms), of samples that ended well; n_failed counts the others.
-- Percentiles by nearest rank (quantile_disc), NULL below the samples they need: p50 5, p95 20,
--   p99 100. So `n` is always with them. started_at: of the deployment's first run, UTC.
-- Of a deployment with one run, nearly all, they are computed when it is stored; percentiles of several
--   runs together need the samples, and are within 1 % where these were compacted.
CREATE OR REPLACE VIEW metric_by_deployment AS
WITH placed AS (
    SELECT
        c.*, count(*) OVER (PARTITION BY environment, plan, deployment_id) > 1 AS has_others
    FROM store.numbered AS c
), pool AS (
    SELECT run_no, phase, probe, metric, unit, ok, "value" FROM store.sample
    UNION ALL
    SELECT run_no, phase, probe, metric, unit, ok, "value" FROM store.histogram, range(n)
    UNION ALL
    SELECT run_no, phase, probe, metric, unit, ok, "value" FROM store.binned, range(n)
), together AS (
    SELECT
        environment, plan, deployment_id, arg_max(revision, started_at) AS revision,
        min(started_at) AS started_at, phase, probe, metric, unit,
        count(*) FILTER (ok) AS n, count(*) FILTER (NOT ok) AS n_failed,
        min("value") FILTER (ok) AS min, avg("value") FILTER (ok) AS mean,
        quantile_disc("value", 0.5) FILTER (ok) AS p50,
        quantile_disc("value", 0.95) FILTER (ok) AS p95,
        quantile_disc("value", 0.99) FILTER (ok) AS p99, max("value") FILTER (ok) AS max
    FROM pool AS s
    JOIN (FROM placed WHERE has_others) AS c ON c.run_no = s.run_no
    GROUP BY environment, plan, deployment_id, phase, probe, metric, unit
), one AS (
    SELECT
        c.environment, c.plan, c.deployment_id, c.revision, c.started_at, m.phase, m.probe, m.metric,
        m.unit, m.n, m.n_failed, m.min, m.mean, m.p50, m.p95, m.p99, m.max
    FROM store.metric AS m
    JOIN (FROM placed WHERE NOT has_others) AS c ON c.run_no = m.run_no
)
SELECT * REPLACE (
    CASE WHEN n >= 5 THEN p50 END AS p50, CASE WHEN n >= 20 THEN p95 END AS p95,
    CASE WHEN n >= 100 THEN p99 END AS p99
)
FROM (FROM one UNION ALL FROM together);
COMMENT ON VIEW metric_by_deployment IS 'One row a plan, environment, deployment, phase, probe and metric: nearest-rank percentiles in unit, NULL when n is too small for them';

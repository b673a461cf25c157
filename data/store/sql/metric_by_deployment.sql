-- metric_by_deployment. Grain: one row a plan, environment, deployment, phase, probe and metric.
-- Values in `unit` (latencies ms), of samples that ended well; n_failed counts the others.
-- Percentiles by nearest rank (quantile_disc), NULL below the samples they need: p50 5, p95 20,
--   p99 100. So `n` is always with them. started_at: of the deployment's first run, UTC.
CREATE OR REPLACE VIEW metric_by_deployment AS
SELECT
    environment, plan, deployment_id, arg_max(revision, started_at) AS revision,
    min(started_at) AS started_at, phase, probe, metric, unit,
    count(*) FILTER (ok) AS n, count(*) FILTER (NOT ok) AS n_failed,
    min("value") FILTER (ok) AS min, avg("value") FILTER (ok) AS mean,
    CASE WHEN count(*) FILTER (ok) >= 5 THEN quantile_disc("value", 0.5) FILTER (ok) END AS p50,
    CASE WHEN count(*) FILTER (ok) >= 20 THEN quantile_disc("value", 0.95) FILTER (ok) END AS p95,
    CASE WHEN count(*) FILTER (ok) >= 100 THEN quantile_disc("value", 0.99) FILTER (ok) END AS p99,
    max("value") FILTER (ok) AS max
FROM samples
GROUP BY environment, plan, deployment_id, phase, probe, metric, unit;
COMMENT ON VIEW metric_by_deployment IS 'One row a plan, environment, deployment, phase, probe and metric: nearest-rank percentiles in unit, NULL when n is too small for them';

-- store.metric: each run's numbers, of samples that ended well; n_failed counts the others.
INSERT INTO store.metric
SELECT
    run_no, min(run_id), phase, probe, metric, unit, count(*) FILTER (ok), count(*) FILTER (NOT ok),
    min("value") FILTER (ok), avg("value") FILTER (ok), quantile_disc("value", 0.5) FILTER (ok),
    quantile_disc("value", 0.95) FILTER (ok), quantile_disc("value", 0.99) FILTER (ok),
    max("value") FILTER (ok)
FROM store.sample
WHERE run_no BETWEEN $first AND $last
GROUP BY run_no, phase, probe, metric, unit
ORDER BY run_no, phase, probe, metric, unit;

-- store.metric: each run's numbers, of samples that ended well; n_failed counts the others. Of a run
-- whose journal was compacted they are those that its samples came to.
INSERT INTO store.metric
WITH raw AS (
    SELECT
        run_no, min(run_id), phase, probe, metric, unit, count(*) FILTER (ok), count(*) FILTER (NOT ok),
        min("value") FILTER (ok), avg("value") FILTER (ok), quantile_disc("value", 0.5) FILTER (ok),
        quantile_disc("value", 0.95) FILTER (ok), quantile_disc("value", 0.99) FILTER (ok),
        max("value") FILTER (ok)
    FROM store.sample
    WHERE run_no BETWEEN $first AND $last
    GROUP BY run_no, phase, probe, metric, unit
), old AS (
    SELECT n.run_no, h.run_id, unnest(h.figures, recursive := true)
    FROM store.histograms AS h
    JOIN store.number AS n USING (run_id)
    WHERE n.run_no BETWEEN $first AND $last
)
FROM raw
UNION ALL
FROM old ANTI JOIN raw USING (run_no, phase, probe, metric, unit)
ORDER BY ALL;

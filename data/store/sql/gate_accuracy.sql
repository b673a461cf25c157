-- gate_accuracy. Grain: one row a plan, environment and verdict.
-- n_good, n_bad: runs that people labelled later (goldenpath label); n_labelled is their sum.
-- n_false_promote: approved, and labelled bad. n_false_hold: HOLD or ROLL_BACK, and labelled good.
-- wrong_share 0..1 of n_labelled; NULL when nothing is labelled. SUPERSEDED is never wrong.
-- n_auto_*: the same by automatic labels of runs that no person labelled (see `labels`). They only
--   ever contradict, so no share is made of them.
-- minutes_per_check: mean time from start to end of a run for each test and probe that it saw.
CREATE OR REPLACE VIEW gate_accuracy AS
SELECT
    r.environment, r.plan, r.verdict, count(*) AS n_runs, count(r.label) AS n_labelled,
    count(*) FILTER (r.label IS NOT DISTINCT FROM 'good') AS n_good, count(*) FILTER (r.label IS NOT DISTINCT FROM 'bad') AS n_bad,
    count(*) FILTER (r.verdict IN ('PROMOTE', 'PROMOTE_WITH_WATCH') AND r.label IS NOT DISTINCT FROM 'bad') AS n_false_promote,
    count(*) FILTER (r.verdict IN ('HOLD', 'ROLL_BACK') AND r.label IS NOT DISTINCT FROM 'good') AS n_false_hold,
    (n_false_promote + n_false_hold) / nullif(count(r.label), 0) AS wrong_share,
    count(*) FILTER (l.source <> 'person' AND l.label = 'bad') AS n_auto_false_promote,
    count(*) FILTER (l.source <> 'person' AND l.label = 'good') AS n_auto_false_hold,
    sum(r.duration_s) / 60 / nullif(sum(r.coverage_seen) FILTER (r.duration_s IS NOT NULL), 0)
        AS minutes_per_check
FROM runs AS r
LEFT JOIN labels AS l USING (run_id)
WHERE r.verdict IS NOT NULL
GROUP BY r.environment, r.plan, r.verdict;
COMMENT ON VIEW gate_accuracy IS 'One row a plan, environment and verdict: how often people later said that it was wrong';

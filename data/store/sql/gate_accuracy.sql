-- gate_accuracy. Grain: one row a plan, environment and verdict.
-- n_good, n_bad: runs that people labelled later (goldenpath label); n_labelled is their sum.
-- n_false_promote: approved, and labelled bad. n_false_hold: HOLD or ROLL_BACK, and labelled good.
-- wrong_share 0..1 of n_labelled; NULL when nothing is labelled. SUPERSEDED is never wrong.
CREATE OR REPLACE VIEW gate_accuracy AS
SELECT
    environment, plan, verdict, count(*) AS n_runs, count(label) AS n_labelled,
    count_if(label = 'good') AS n_good, count_if(label = 'bad') AS n_bad,
    count_if(verdict IN ('PROMOTE', 'PROMOTE_WITH_WATCH') AND label = 'bad') AS n_false_promote,
    count_if(verdict IN ('HOLD', 'ROLL_BACK') AND label = 'good') AS n_false_hold,
    (n_false_promote + n_false_hold) / nullif(count(label), 0) AS wrong_share
FROM runs
WHERE verdict IS NOT NULL
GROUP BY environment, plan, verdict;
COMMENT ON VIEW gate_accuracy IS 'One row a plan, environment and verdict: how often people later said that it was wrong';

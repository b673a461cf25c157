-- suite_cost. Grain: one row a plan, environment, phase and suite: what it takes and what it finds.
-- Units: *_s seconds (all attempts of a run together), n_* counts.
-- n_runs_red: runs in which it had a FAIL or ERROR. duration_p95_s NULL below 20 runs.
-- s_per_red_run: seconds spent for each run in which it found something, NULL when it never did.
CREATE OR REPLACE VIEW suite_cost AS
SELECT
    environment, plan, phase, suite, count(*) AS n_runs,
    count(*) FILTER (n_failed + n_errors > 0) AS n_runs_red, count(*) FILTER (timed_out) AS n_runs_timed_out,
    sum(n_tests)::BIGINT AS n_tests, sum(duration_s) AS total_duration_s,
    avg(duration_s) AS duration_mean_s,
    CASE WHEN count(duration_s) >= 20 THEN quantile_disc(duration_s, 0.95) END AS duration_p95_s,
    max(duration_s) AS duration_max_s,
    sum(duration_s) / nullif(count(*) FILTER (n_failed + n_errors > 0), 0) AS s_per_red_run
FROM suites
GROUP BY environment, plan, phase, suite;
COMMENT ON VIEW suite_cost IS 'One row a plan, environment, phase and suite: seconds spent and runs in which it found something';

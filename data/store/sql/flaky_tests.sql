-- flaky_tests. Grain: one row a plan, environment, phase, suite and test that was ever FLAKY.
-- n_runs: runs in which it ended, without those where over 80 % of all tests were red (an outage
--   says nothing of one test). flaky_share 0..1; flaky_share_low: its Wilson lower bound at 95 %,
--   to rank by: 1 of 1 is not worse than 30 of 100.
-- last_flaky_at: start of the last such run, UTC.
CREATE OR REPLACE VIEW flaky_tests AS
WITH outage AS (
    SELECT run_id FROM tests GROUP BY run_id
    HAVING count_if(outcome IN ('FAIL', 'ERROR')) > 0.8 * count(*)
), counted AS (
    SELECT
        environment, plan, phase, suite, test_id, count(*) AS n_runs,
        count_if(outcome = 'FLAKY') AS n_flaky,
        count_if(outcome IN ('FAIL', 'ERROR')) AS n_failed,
        max(started_at) FILTER (outcome = 'FLAKY') AS last_flaky_at,
        arg_max(deployment_id, started_at) FILTER (outcome = 'FLAKY') AS last_flaky_deployment,
        arg_max(message, started_at) FILTER (outcome = 'FLAKY') AS last_message
    FROM tests
    WHERE outcome NOT IN ('NOT_RUN', 'SKIPPED') AND run_id NOT IN (SELECT run_id FROM outage)
    GROUP BY ALL
    HAVING n_flaky > 0
)
SELECT
    * EXCLUDE (last_flaky_at, last_flaky_deployment, last_message),
    n_flaky / n_runs AS flaky_share,
    -- Wilson 1927, z = 1.96
    (n_flaky / n_runs + 1.9208 / n_runs
        - 1.96 * sqrt(n_flaky / n_runs * (1 - n_flaky / n_runs) / n_runs + 0.9604 / n_runs ** 2))
        / (1 + 3.8416 / n_runs) AS flaky_share_low,
    last_flaky_at, last_flaky_deployment, last_message
FROM counted
ORDER BY flaky_share_low DESC;
COMMENT ON VIEW flaky_tests IS 'One row a plan, environment, phase, suite and test that was ever FLAKY, worst first';

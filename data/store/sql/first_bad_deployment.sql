-- first_bad_deployment. Grain: one row a plan, environment, phase, suite and test that is red in
--   the last run in which it ended.
-- first_bad_*: where its present streak of red began; last_good_*: the run just before that in which
--   it ended (PASS or FLAKY), NULL when it was never seen good. n_runs_bad: length of the streak.
-- Runs in which it did not run or was skipped neither break nor lengthen a streak. *_at UTC.
CREATE OR REPLACE VIEW first_bad_deployment AS
WITH ended AS (
    SELECT *, outcome IN ('FAIL', 'ERROR') AS is_bad
    FROM tests
    WHERE outcome NOT IN ('NOT_RUN', 'SKIPPED')
), good AS (
    SELECT
        environment, plan, phase, suite, test_id, max((started_at, run_id)) AS place,
        arg_max(deployment_id, (started_at, run_id)) AS deployment_id,
        arg_max(revision, (started_at, run_id)) AS revision, max(started_at) AS started_at
    FROM ended WHERE NOT is_bad
    GROUP BY ALL
)
SELECT
    e.environment, e.plan, e.phase, e.suite, e.test_id,
    arg_min(e.deployment_id, (e.started_at, e.run_id)) AS first_bad_deployment_id,
    arg_min(e.revision, (e.started_at, e.run_id)) AS first_bad_revision,
    min(e.started_at) AS first_bad_at, arg_min(e.run_id, (e.started_at, e.run_id)) AS first_bad_run_id,
    g.deployment_id AS last_good_deployment_id, g.revision AS last_good_revision,
    g.started_at AS last_good_at, count(*) AS n_runs_bad,
    arg_max(e.signature, (e.started_at, e.run_id)) AS signature,
    arg_max(e.message, (e.started_at, e.run_id)) AS message
FROM ended AS e
LEFT JOIN good AS g
    ON g.environment = e.environment AND g.plan = e.plan AND g.phase = e.phase
    AND g.suite = e.suite AND g.test_id = e.test_id
WHERE e.is_bad AND (g.place IS NULL OR (e.started_at, e.run_id) > g.place)
GROUP BY e.environment, e.plan, e.phase, e.suite, e.test_id, g.deployment_id, g.revision, g.started_at;
COMMENT ON VIEW first_bad_deployment IS 'One row a test that is red now: the deployment in which its streak of red began';

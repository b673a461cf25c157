-- first_bad_deployment. Grain: one row a plan, environment, phase, suite and test that is red in
--   the last run in which it ended.
-- first_bad_*: where its present streak of red began; last_good_*: the run just before that in which
--   it ended (PASS or FLAKY), NULL when it was never seen good. n_runs_bad: length of the streak.
-- Runs in which it did not run or was skipped neither break nor lengthen a streak. *_at UTC.
CREATE OR REPLACE VIEW first_bad_deployment AS
WITH placed AS (
    SELECT *, row_number() OVER (ORDER BY started_at, run_id) AS place FROM store.numbered
), good AS (
    -- lateral, so that a question for one test reads the rows of that test only
    SELECT t.*, g.place
    FROM store.test_name AS t, LATERAL (
        SELECT max(c.place) AS last, max(c.place) FILTER (NOT e.is_red) AS place
        FROM store.ended AS e JOIN placed AS c ON c.run_no = e.run_no
        WHERE e.test_no = t.test_no
    ) AS g
    WHERE g.last > coalesce(g.place, 0)
)
SELECT
    t.environment, t.plan, t.phase, t.suite, t.test_id,
    arg_min(c.deployment_id, c.place) AS first_bad_deployment_id,
    arg_min(c.revision, c.place) AS first_bad_revision, min(c.started_at) AS first_bad_at,
    arg_min(c.run_id, c.place) AS first_bad_run_id, g.deployment_id AS last_good_deployment_id,
    g.revision AS last_good_revision, g.started_at AS last_good_at, count(*) AS n_runs_bad,
    arg_max(e.signature, c.place) AS signature, arg_max(e.message, c.place) AS message
FROM good AS t
JOIN store.trouble AS e ON e.test_no = t.test_no AND NOT e.is_flaky
JOIN placed AS c ON c.run_no = e.run_no AND c.place > coalesce(t.place, 0)
LEFT JOIN placed AS g ON g.place = t.place
GROUP BY
    t.environment, t.plan, t.phase, t.suite, t.test_id, g.deployment_id, g.revision, g.started_at;
COMMENT ON VIEW first_bad_deployment IS 'One row a test that is red now: the deployment in which its streak of red began';

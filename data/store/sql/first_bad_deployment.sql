-- first_bad_deployment. Grain: one row a plan, environment, phase, suite and test that is red in
--   the last run in which it ended.
-- first_bad_*: where its present streak of red began; last_good_*: the run just before that in which
--   it ended (PASS or FLAKY), NULL when it was never seen good. n_runs_bad: length of the streak.
-- Runs in which it did not run or was skipped neither break nor lengthen a streak. *_at UTC.
CREATE OR REPLACE VIEW first_bad_deployment AS
WITH placed AS (
    SELECT *, row_number() OVER (ORDER BY started_at, run_id) AS place FROM store.numbered
), good AS (
    SELECT e.test_no, max(c.place) FILTER (NOT e.is_red) AS place
    FROM store.ended AS e JOIN placed AS c USING (run_no)
    GROUP BY e.test_no
    HAVING max(c.place) > coalesce(max(c.place) FILTER (NOT e.is_red), 0)
), streak AS (
    SELECT
        e.test_no, g.place AS good_place, arg_min(c.deployment_id, c.place) AS deployment_id,
        arg_min(c.revision, c.place) AS revision, min(c.started_at) AS started_at,
        arg_min(c.run_id, c.place) AS run_id, count(*) AS n_runs_bad,
        arg_max(e.signature, c.place) AS signature, arg_max(e.message, c.place) AS message
    FROM store.ended AS e
    JOIN placed AS c USING (run_no)
    JOIN good AS g ON g.test_no = e.test_no AND c.place > coalesce(g.place, 0)
    WHERE e.is_red
    GROUP BY e.test_no, g.place
)
SELECT
    t.environment, t.plan, t.phase, t.suite, t.test_id, s.deployment_id AS first_bad_deployment_id,
    s.revision AS first_bad_revision, s.started_at AS first_bad_at, s.run_id AS first_bad_run_id,
    g.deployment_id AS last_good_deployment_id, g.revision AS last_good_revision,
    g.started_at AS last_good_at, s.n_runs_bad, s.signature, s.message
FROM streak AS s
JOIN store.test_name AS t USING (test_no)
LEFT JOIN placed AS g ON g.place = s.good_place;
COMMENT ON VIEW first_bad_deployment IS 'One row a test that is red now: the deployment in which its streak of red began';

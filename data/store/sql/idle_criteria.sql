-- idle_criteria. Grain: one row a plan, environment and criterion that was judged in the last
--   90 days and passed every time: it decided nothing.
-- The 90 days end with the plan's newest verdict, so that the answer does not depend on today.
-- n_runs: runs in which it was judged then; last_fired_at: when it last was not PASS, NULL for never.
CREATE OR REPLACE VIEW idle_criteria AS
WITH recent AS (
    SELECT plan, environment, max(started_at) - INTERVAL 90 DAY AS since
    FROM criteria GROUP BY plan, environment
)
SELECT
    c.environment, c.plan, c.criterion, arg_max(c.priority, c.started_at) AS priority,
    count(*) FILTER (c.started_at >= r.since) AS n_runs,
    max(c.started_at) FILTER (c.outcome <> 'PASS') AS last_fired_at
FROM criteria AS c
JOIN recent AS r USING (plan, environment)
GROUP BY c.environment, c.plan, c.criterion, r.since
HAVING count(*) FILTER (c.started_at >= r.since) > 0
    AND count(*) FILTER (c.started_at >= r.since AND c.outcome <> 'PASS') = 0;
COMMENT ON VIEW idle_criteria IS 'One row a plan, environment and criterion that decided nothing in the 90 days before the newest verdict';

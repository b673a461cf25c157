-- deployments. Grain: one row a run and service: what ought to serve, and what did.
-- first_seen, last_seen: lists of the revisions that answered at the first and the last reading;
--   NULL when nobody looked. as_expected: every reading saw the expected revision and no other;
--   NULL when no revision is expected. Units: deploy_duration_s seconds, *_at UTC.
CREATE OR REPLACE VIEW deployments AS
WITH promised AS (
    SELECT run_id, unnest(map_keys(revisions)) AS service, unnest(map_values(revisions)) AS revision
    FROM store.deploy
), seen AS (
    SELECT
        run_id, service,
        arg_max(expected, ("at", seq)) AS expected,
        arg_min(seen, ("at", seq)) AS first_seen,
        arg_max(seen, ("at", seq)) AS last_seen,
        CASE WHEN count(expected) > 0
             THEN coalesce(bool_and(seen = [expected]) FILTER (expected IS NOT NULL), false)
        END AS as_expected,
        count(*) AS n_readings
    FROM store.revision
    GROUP BY ALL
)
SELECT
    c.*, service, coalesce(seen.expected, promised.revision) AS expected,
    seen.first_seen, seen.last_seen, seen.as_expected, coalesce(seen.n_readings, 0) AS n_readings,
    d.deployer, d.outcome AS deploy_outcome, d.previous, d.duration_s AS deploy_duration_s,
    d.message AS deploy_message, v.verdict
FROM seen
FULL JOIN promised USING (run_id, service)
JOIN store.context AS c USING (run_id)
LEFT JOIN store.deploy AS d USING (run_id)
LEFT JOIN store.verdict AS v USING (run_id);
COMMENT ON VIEW deployments IS 'One row a run and service: expected, first seen and last seen revisions';

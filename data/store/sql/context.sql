-- store.context: what every view says of a run. Grain: one row a run. Not documented for analysts.
-- `revision` is the one asked for, else the one the deployer names, else the only one that answered.
CREATE OR REPLACE VIEW store.context AS
SELECT
    r.run_id, r.plan, r.environment, r.deployment_id,
    coalesce(r.revision, d.revision, s.revision) AS revision,
    r.started_at
FROM store.run AS r
LEFT JOIN store.deploy AS d USING (run_id)
LEFT JOIN (
    SELECT run_id, CASE WHEN count(DISTINCT name) = 1 THEN min(name) END AS revision
    FROM (SELECT run_id, unnest(seen) AS name FROM store.revision)
    GROUP BY run_id
) AS s USING (run_id);

-- store.place: what every view says of a run, with its number.
-- `revision` is the one asked for, else the one the deployer names, else the only one that answered.
INSERT INTO store.place
SELECT
    n.run_no, r.run_id, r.plan, r.environment, r.deployment_id,
    coalesce(r.revision, d.revision, s.revision) AS revision, r.started_at
FROM store.number AS n
JOIN store.run AS r USING (run_id)
LEFT JOIN store.deploy AS d USING (run_id)
LEFT JOIN (
    SELECT run_id, CASE WHEN count(DISTINCT name) = 1 THEN min(name) END AS revision
    FROM (SELECT run_id, unnest(seen) AS name FROM store.revision)
    GROUP BY run_id
) AS s USING (run_id)
WHERE n.run_no BETWEEN $first AND $last
ORDER BY n.run_no;

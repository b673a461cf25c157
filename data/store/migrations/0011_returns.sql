-- Runs of the past whose deployment went back to what served earlier, by the rule of
-- data/rules/returning.py: from now on each run records it itself, when it is judged.

UPDATE store.run AS u
SET
    is_rollback = true,
    body = regexp_replace(u.body, '"is_rollback":\s*false', '"is_rollback":true')
FROM (
    WITH ran AS (
        SELECT
            r.run_id, r.plan, r.environment, r.started_at,
            coalesce(r.revision, d.revision, s.revision) AS revision
        FROM store.run AS r
        LEFT JOIN store.deploy AS d USING (run_id)
        LEFT JOIN (
            SELECT run_id, CASE WHEN count(DISTINCT name) = 1 THEN min(name) END AS revision
            FROM (SELECT run_id, unnest(seen) AS name FROM store.revision)
            GROUP BY run_id
        ) AS s USING (run_id)
    ), line AS (
        SELECT plan, environment, revision, (started_at, run_id) AS since, run_id, false AS rolled_back
        FROM ran JOIN store.verdict AS v USING (run_id)
        WHERE v.verdict IN ('PROMOTE', 'PROMOTE_WITH_WATCH') AND revision IS NOT NULL
        UNION ALL
        SELECT plan, environment, substr(a."action", 14), (a."at", run_id), run_id, true
        FROM ran JOIN store.acted AS a USING (run_id)
        WHERE a.outcome = 'done' AND starts_with(a."action", 'roll back to ')
    ), first_served AS (
        SELECT plan, environment, revision, min(since) AS since FROM line GROUP BY ALL
    ), replaced AS (
        -- what each run's revision took the place of, and whether the gate brought it back since
        SELECT
            n.run_id, n.revision, n.plan, n.environment,
            max(l.since) FILTER (l.revision <> n.revision) AS since,
            arg_max(l.revision, l.since) FILTER (l.revision <> n.revision) AS other,
            max(l.since) FILTER (l.revision = n.revision AND l.rolled_back) AS back_since
        FROM ran AS n
        JOIN line AS l ON l.plan = n.plan AND l.environment = n.environment
        JOIN ran AS o ON o.run_id = l.run_id AND (o.started_at, o.run_id) < (n.started_at, n.run_id)
        WHERE n.revision IS NOT NULL
        GROUP BY ALL
    )
    SELECT p.run_id
    FROM replaced AS p
    LEFT JOIN first_served AS mine
        ON mine.plan = p.plan AND mine.environment = p.environment AND mine.revision = p.revision
    LEFT JOIN first_served AS theirs
        ON theirs.plan = p.plan AND theirs.environment = p.environment AND theirs.revision = p.other
    WHERE mine.since < theirs.since OR p.back_since > p.since OR (p.other IS NULL AND p.back_since IS NOT NULL)
) AS r
WHERE u.run_id = r.run_id AND NOT u.is_rollback;
